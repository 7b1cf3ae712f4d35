/** One thread and two, beside the peers, in one look: readable on light and on dark pages. */

const WIDTH = 1000;
const MARGIN = 20;
const TOP = 76;
const LABEL = 190;
const BAR = 13;
const STEP = 17;
const ENGINES = [
  { name: "sepconv simd", host: "Node" },
  { name: "onnxruntime-web", host: "Node" },
  { name: "sepconv simd", host: "Chromium" },
  { name: "LiteRT.js", host: "Chromium" },
];

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");

/** @param report what bench/threads.mjs writes as JSON, and its networks. @returns the SVG's text */
export function threadsChart({ machine, date, peers, networks }) {
  const at = (network, { name, host }, suffix) =>
    peers.find((cell) => cell.network === network && cell.host.startsWith(host) && cell.name === `${name}${suffix}`)
      ?.median;
  let y = TOP;
  const parts = [];
  for (const network of networks) {
    const bars = ENGINES.map((engine) => ({
      ...engine,
      ms: [at(network, engine, ""), at(network, engine, ", 2 threads")],
    }));
    const longest = Math.max(...bars.flatMap(({ ms }) => ms.map((value) => value ?? 0)), 1e-9);
    const scale = (WIDTH - 2 * MARGIN - LABEL - 170) / longest;
    parts.push(`<text x="${MARGIN}" y="${y}" class="network">${network.replace("_", " · ")}</text>`);
    y += 22;
    for (const { name, host, ms } of bars) {
      const own = name.startsWith("sepconv");
      parts.push(
        `<text x="${MARGIN + LABEL - 8}" y="${y + STEP / 2}" text-anchor="end"${own ? ' class="strong"' : ""}>${name.split(" ")[0]}, ${host}</text>`,
      );
      ms.forEach((value, i) => {
        const middle = y + i * STEP;
        if (value === undefined) {
          parts.push(`<text x="${MARGIN + LABEL}" y="${middle}" class="small">not measured</text>`);
          return;
        }
        const width = (value * scale).toFixed(1);
        const gain = i === 1 && ms[0] ? ` · <tspan class="strong">${(ms[0] / value).toFixed(2)}×</tspan>` : "";
        parts.push(
          `<rect x="${MARGIN + LABEL}" y="${middle - BAR / 2}" width="${width}" height="${BAR}" rx="2" class="${own ? "own" : "peer"}${i === 0 ? " one" : ""}"/>`,
          `<text x="${(MARGIN + LABEL + value * scale + 6).toFixed(1)}" y="${middle}">${value.toFixed(2)} ms${gain}</text>`,
        );
      });
      y += 2 * STEP + 8;
    }
    y += 16;
  }
  const title = "One inference on one thread (pale) and on two: shorter is faster";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 30}" font-family="system-ui, sans-serif" role="img" aria-label="${title}">
<style>
text { fill: #24292f; dominant-baseline: central; font-size: 12px }
.title { font-size: 17px; font-weight: 600 } .network { font-size: 14px; font-weight: 600 } .small { font-size: 11px; fill: #6e7781 }
.strong { font-weight: 600 } .own { fill: #12a67c } .peer { fill: #a8b1bb } .one { opacity: .5 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #8b949e } .peer { fill: #6e7781 } }
</style>
<text x="${MARGIN}" y="22" class="title">${title}</text>
<text x="${MARGIN}" y="44" class="small">MobileNet v1 by width and resolution; float32, batch 1, same weights. ×: how many times as fast two threads are.</text>
${parts.join("\n")}
<text x="${MARGIN}" y="${y + 8}" class="small">${escaped(`Medians of interleaved runs. ${machine}, ${date}.`)}</text>
</svg>
`;
}
