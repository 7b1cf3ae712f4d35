/**
 * All layers in one look: what each takes, and how much of the machine's peak it reaches, as a range over the engines
 * with their median; readable on light and on dark pages.
 */

const WIDTH = 1000;
const MARGIN = 20;
const TOP = 96;
const ROW = 27;
/** Where the columns begin and how wide they are. */
const NAME = { at: MARGIN + 72 };
const SHAPE = { at: MARGIN + 84 };
const TIME = { at: 214, wide: 300 };
const SHARE = { at: 560, wide: 400 };

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
const ms = (value) => value.toFixed(value < 1 ? 3 : 2);

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** @param result what bench/layers.mjs writes as JSON. @returns the SVG's text */
export function chart({ date, host, network, runs: all }) {
  const vectors = all.filter(({ variant }) => variant !== "scalar");
  const runs = vectors.length > 0 ? vectors : all;
  const variants = [...new Set(runs.map(({ variant }) => variant))];
  const layers = runs[0]?.layers.filter(({ flops }) => flops > 0) ?? [];
  const bottom = TOP + layers.length * ROW;
  const of = (variant, name, key) =>
    runs.filter((run) => run.variant === variant).map((run) => run.layers.find((layer) => layer.name === name)[key]);

  const times = layers.map(({ name }) => median(of(variants[0], name, "best")));
  const timeScale = (TIME.wide - 52) / Math.max(...times);
  const most = Math.max(1, ...layers.flatMap(({ name }) => variants.flatMap((variant) => of(variant, name, "share"))));
  const x = (share) => SHARE.at + (share / most) * SHARE.wide;

  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
    `<line x1="${x(share)}" x2="${x(share)}" y1="${TOP - 14}" y2="${bottom - 6}" class="grid"/>`,
    `<text x="${x(share)}" y="${TOP - 24}" text-anchor="middle" class="small">${100 * share} %</text>`,
  ]);
  const rows = layers.flatMap(({ name, outH = 1, outW = 1, outC, inC }, i) => {
    const y = TOP + i * ROW;
    const long = times[i] * timeScale;
    const ranges = variants.flatMap((variant, v) => {
      const shares = of(variant, name, "share");
      const at = y + (v - (variants.length - 1) / 2) * 9;
      return [
        `<line x1="${x(Math.min(...shares)).toFixed(1)}" x2="${x(Math.max(...shares)).toFixed(1)}" y1="${at}" y2="${at}" class="range ${variant}"/>`,
        `<circle cx="${x(median(shares)).toFixed(1)}" cy="${at}" r="4" class="${variant}"/>`,
      ];
    });
    return [
      `<text x="${NAME.at}" y="${y}" text-anchor="end">${escaped(name)}</text>`,
      `<text x="${SHAPE.at}" y="${y}" class="small">${outH}×${outW}×${outC ?? inC}</text>`,
      `<rect x="${TIME.at}" y="${y - 7}" width="${long.toFixed(1)}" height="14" rx="2" class="time"/>`,
      `<text x="${(TIME.at + long + 6).toFixed(1)}" y="${y}" class="small">${ms(times[i])}</text>`,
      ...ranges,
    ];
  });
  const engines = [...new Set(runs.map(({ engine }) => engine))];
  const wholes = engines.map((engine) => {
    const own = runs.filter((run) => run.engine === engine);
    return `${engine} ${own.map((run) => ms(run.network.best)).join(" / ")}`;
  });
  const title = `MobileNet v1 α = ${network.alpha}, ${network.resolution}×${network.resolution}, layer by layer`;
  const legend = variants.map(
    (variant, v) =>
      `<circle cx="${SHARE.at + 210 + 90 * v}" cy="${TOP - 48}" r="4" class="${variant}"/><text x="${SHARE.at + 222 + 90 * v}" y="${TOP - 48}">${variant}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 52}" font-family="system-ui, sans-serif" role="img" aria-label="${title}">
<style>
text { fill: #24292f; dominant-baseline: central; font-size: 12px }
.title { font-size: 17px; font-weight: 600 } .head { font-weight: 600 } .small { font-size: 11px; fill: #6e7781 }
.time { fill: #a8b1bb } .grid { stroke: #d0d7de } .range { stroke-width: 5; stroke-linecap: round; opacity: .35 }
.scalar, .simd { fill: #12a67c; stroke: #12a67c } .relaxed { fill: #2d6cc0; stroke: #2d6cc0 } circle { stroke: none !important }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #8b949e } .time { fill: #6e7781 } .grid { stroke: #30363d } .relaxed { fill: #7cc4ff; stroke: #7cc4ff } .scalar, .simd { fill: #48c89e; stroke: #48c89e } }
</style>
<text x="${MARGIN}" y="22" class="title">${title}</text>
<text x="${TIME.at}" y="${TOP - 48}" class="head">milliseconds, ${variants[0]}</text>
<text x="${SHARE.at}" y="${TOP - 48}" class="head">share of the machine's peak</text>
${[...legend, ...grid, ...rows].join("\n")}
<text x="${MARGIN}" y="${bottom + 14}" class="small">${escaped(`The whole network, ms, ${variants.join(" / ")}: ${wholes.join(" · ")}`)}</text>
<text x="${MARGIN}" y="${bottom + 34}" class="small">${escaped(`Dots are medians of the engines, lines reach from the lowest to the highest. ${host.cpu}, one thread, best of interleaved runs, ${date.slice(0, 10)}.`)}</text>
</svg>
`;
}
