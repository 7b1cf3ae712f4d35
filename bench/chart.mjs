/**
 * Draws a bench result as bars: `node bench/chart.mjs result.json chart.svg`. Readable on light and on dark pages.
 */
import { readFileSync, writeFileSync } from "node:fs";

const [source, target] = process.argv.slice(2);
if (!source || !target) throw new Error("usage: node bench/chart.mjs RESULT.json CHART.svg");
const { date, host, network, rows } = JSON.parse(readFileSync(source, "utf8"));

const WIDTH = 760;
const LABEL = 150;
const BAR = 26;
const GAP = 14;
const TOP = 58;
const scale = (WIDTH - LABEL - 255) / Math.max(...rows.map(({ p90 }) => p90));
const slowest = rows.find(({ name }) => name.startsWith("tfjs-wasm"));

const bars = rows.map(({ name, median, p10, p90 }, i) => {
  const y = TOP + i * (BAR + GAP);
  const middle = y + BAR / 2;
  const own = name.startsWith("sepconv");
  const ratio = slowest && own ? ` · ${(slowest.median / median).toFixed(2)}× the speed of tfjs-wasm` : "";
  return `  <text x="${LABEL - 12}" y="${middle}" class="name" text-anchor="end">${name}</text>
  <rect x="${LABEL}" y="${y}" width="${(median * scale).toFixed(1)}" height="${BAR}" rx="4" class="${own ? "own" : "peer"}"/>
  <path d="M${(LABEL + p10 * scale).toFixed(1)} ${middle}H${(LABEL + p90 * scale).toFixed(1)}" class="spread"/>
  <text x="${(LABEL + p90 * scale + 10).toFixed(1)}" y="${middle}" class="value">${median.toFixed(1)} ms${ratio}</text>`;
});
const height = TOP + rows.length * (BAR + GAP) + 30;
const title = `MobileNet v1 α = ${network.alpha}, ${network.resolution}×${network.resolution}, float32, batch 1, one thread`;
const footer = `Median of interleaved runs, line: 10th to 90th percentile. Node ${host.node} (V8 ${host.v8}), ${host.cpu}, ${date.slice(0, 10)}`;

writeFileSync(
  target,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" role="img" aria-label="${title}">
  <style>
    text { fill: #24292f; dominant-baseline: central }
    .title { font-size: 16px; font-weight: 600 } .name, .value { font-size: 13px } .small { font-size: 11px; fill: #6e7781 }
    .own { fill: #12a67c } .peer { fill: #9aa4af } .spread { stroke: #24292f; stroke-width: 1.5; opacity: .55 }
    @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #8b949e } .spread { stroke: #e6edf3 } }
  </style>
  <text x="12" y="24" class="title">${title}</text>
${bars.join("\n")}
  <text x="12" y="${height - 16}" class="small">${footer}</text>
</svg>
`,
);
