/** Memory and latencies over time in one look: readable on light and on dark pages. */

const WIDTH = 1000;
const HEIGHT = 190;
const [LEFT, RIGHT, TOP] = [70, 150, 64];

/** Curves of a panel: what they are called, the key of a sample, the class of their line. */
const PANELS = [
  {
    unit: "MiB",
    curves: [
      ["resident memory", "rss", "own"],
      ["JavaScript's heap", "heap", "second"],
      ["live networks", "live", "third"],
    ],
  },
  {
    unit: "ms",
    curves: [
      ["run, 99th percentile", "run99", "third"],
      ["run, median", "run50", "own"],
    ],
  },
  {
    unit: "ms",
    curves: [
      ["load, 99th percentile", "load99", "third"],
      ["load, median", "load50", "own"],
    ],
  },
];

/** @param report what scripts/soak.mjs collects. @returns the SVG's text */
export function soakChart({ what, machine, samples }) {
  const last = samples.at(-1).seconds;
  const x = (seconds) => LEFT + ((WIDTH - LEFT - RIGHT) * seconds) / last;
  const panels = PANELS.filter(({ curves }) => curves.some(([, key]) => samples.some((each) => each[key] > 0)));
  const parts = panels.flatMap(({ unit, curves }, p) => {
    const top = TOP + p * (HEIGHT + 34);
    const most = Math.max(...samples.flatMap((each) => curves.map(([, key]) => each[key]))) * 1.1 || 1;
    const y = (value) => top + HEIGHT * (1 - value / most);
    const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * most);
    const labels = spread(curves.map(([, key]) => y(samples.at(-1)[key])));
    return [
      ...marks.flatMap((value) => [
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}" class="grid"/>`,
        `<text x="${LEFT - 8}" y="${y(value).toFixed(1)}" text-anchor="end" class="small">${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}</text>`,
      ]),
      ...curves.flatMap(([name, key, kind], i) => [
        `<polyline class="${kind}" points="${samples.map((each) => `${x(each.seconds).toFixed(1)},${y(each[key]).toFixed(1)}`).join(" ")}"/>`,
        `<text x="${WIDTH - RIGHT + 6}" y="${labels[i].toFixed(1)}" class="small">${name}</text>`,
      ]),
    ];
  });
  const bottom = TOP + panels.length * (HEIGHT + 34) - 20;
  const minutes = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = share * last;
    const text = last < 120 ? `${Math.round(at)} s` : `${(at / 60).toFixed(1)} min`;
    return `<text x="${x(at).toFixed(1)}" y="${bottom}" text-anchor="middle" class="small">${text}</text>`;
  });
  const title = "Resident memory and latency over time";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 44}" font-family="system-ui, sans-serif" role="img" aria-label="${title}">
<style>
text { fill: #24292f; dominant-baseline: central; font-size: 12px } .title { font-size: 17px; font-weight: 600 }
.small { font-size: 11px; fill: #6e7781 } .grid { stroke: #d0d7de; stroke-width: .5 }
polyline { fill: none; stroke-width: 1.5 } .own { stroke: #12a67c } .second { stroke: #3b82c4 } .third { stroke: #c47f3b }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #8b949e } .grid { stroke: #30363d } }
</style>
<text x="20" y="20" class="title">${title}</text>
<text x="20" y="42" class="small">${what}</text>
${parts.join("\n")}
${minutes.join("\n")}
<text x="20" y="${bottom + 26}" class="small">${machine.replace(/&/g, "&amp;").replace(/</g, "&lt;")}</text>
</svg>
`;
}

/** Heights of labels that keep off each other. */
function spread(heights) {
  const order = heights.map((y, i) => [y, i]).sort((a, b) => a[0] - b[0]);
  const result = [...heights];
  let least = Number.NEGATIVE_INFINITY;
  for (const [y, i] of order) {
    result[i] = Math.max(y, least + 13);
    least = result[i];
  }
  return result;
}
