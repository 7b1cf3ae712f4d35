/** A result of the bench in one look: a panel a network, a bar a contender, readable on light and on dark pages. */
import { figure, versions } from "./report.mjs";

const WIDTH = 1000;
const MARGIN = 20;
const COLUMNS = 2;
const GUTTER = 34;
const PANEL = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GUTTER) / COLUMNS;
const TOP = 64;
const BAR = 15;
const STEP = 20;
const LABEL = 112;
/** Room behind the longest bar for its figures. */
const VALUE = 108;

/** What each panel shows: a host and its contenders. */
const GROUPS = [
  { hostKey: "node", names: ["sepconv relaxed", "tfjs-wasm", "onnxruntime-web"] },
  { hostKey: "chromium", names: ["sepconv relaxed", "tfjs-wasm", "LiteRT.js"] },
];
const NATIVE = { hostKey: "node", name: "onnxruntime-node" };

/** @param report what run.mjs writes as JSON. @returns the SVG's text */
export function chart({ date, machine, settings, results }) {
  const networks = [...new Set(results.map(({ network }) => network))];
  const rowsOf = (hostKey, network) => results.find((r) => r.hostKey === hostKey && r.network === network)?.rows ?? [];
  const groups = GROUPS.filter(({ hostKey }) => results.some((result) => result.hostKey === hostKey)).map((group) => ({
    ...group,
    host: results.find((result) => result.hostKey === group.hostKey).host.name,
  }));
  const panelHeight = 34 + groups.reduce((sum, { names }) => sum + 20 + names.length * STEP, 0) + 26;
  const lines = Math.ceil(networks.length / COLUMNS);
  const height = TOP + lines * panelHeight + 52;
  const panels = networks.map((network, i) => {
    const x = MARGIN + (i % COLUMNS) * (PANEL + GUTTER);
    const y = TOP + Math.floor(i / COLUMNS) * panelHeight;
    const native = rowsOf(NATIVE.hostKey, network).find(({ name }) => name === NATIVE.name)?.median;
    const { macs } = results.find((result) => result.network === network);
    const filled = groups.map((group) => ({ ...group, rows: rowsOf(group.hostKey, network) }));
    return `<g transform="translate(${x.toFixed(1)} ${y})">\n${panel(network, macs, filled, native)}\n</g>`;
  });
  const title = "One inference of MobileNet v1 by width and resolution: shorter is faster";
  const subtitle = `Float32, batch 1, one thread, same weights. ×: as many times as long as sepconv beside it. Dashed: native onnxruntime, no WebAssembly.${settings.quick ? " A QUICK RUN: NO FIGURES." : ""}`;
  const footer = [
    `Medians of interleaved runs, whiskers from the 10th to the 90th percentile. ${machine.cpu}, ${date.slice(0, 10)}.`,
    versions(results),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" role="img" aria-label="${title}">
<style>
text { fill: #24292f; dominant-baseline: central; font-size: 12px }
.title { font-size: 17px; font-weight: 600 } .network { font-size: 14px; font-weight: 600 } .small { font-size: 11px; fill: #6e7781 }
.strong { font-weight: 600 } .own { fill: #12a67c } .peer { fill: #a8b1bb } .spread { stroke: #24292f; stroke-width: 1.2; opacity: .5 }
.native { stroke: #d1603d; stroke-width: 1.5; stroke-dasharray: 3 3 } text.wall { fill: #d1603d; font-size: 11px }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #8b949e } .peer { fill: #6e7781 } .spread { stroke: #e6edf3 } .native { stroke: #ef8a66 } text.wall { fill: #ef8a66 } }
</style>
<text x="${MARGIN}" y="22" class="title">${title}</text>
<text x="${MARGIN}" y="44" class="small">${subtitle}</text>
${panels.join("\n")}
${footer.map((line, i) => `<text x="${MARGIN}" y="${height - 36 + i * 18}" class="small">${escaped(line)}</text>`).join("\n")}
</svg>
`;
}

function panel(network, macs, groups, native) {
  const shown = groups.flatMap(({ names, rows }) => names.map((name) => rows.find((row) => row.name === name)));
  const longest = Math.max(...shown.map((row) => row?.p90 ?? 0), native ?? 0, 1e-9);
  const scale = (PANEL - LABEL - VALUE) / longest;
  const parts = [
    `<text x="0" y="10" class="network">${network.replace("_", " · ")}</text>`,
    `<text x="${PANEL}" y="10" class="small" text-anchor="end">${(macs / 1e6).toFixed(1)} M multiply-adds</text>`,
  ];
  let y = 34;
  for (const { host, names, rows } of groups) {
    parts.push(`<text x="0" y="${y}" class="small">${escaped(host.replace(/(\d+\.\d+)[.\d]*/, "$1"))}</text>`);
    y += 18;
    const own = rows.find(({ name }) => name === names[0])?.median;
    for (const name of names) {
      parts.push(
        bar(
          name,
          rows.find((row) => row.name === name),
          own,
          y,
          scale,
        ),
      );
      y += STEP;
    }
    y += 2;
  }
  if (native !== undefined) {
    const x = (LABEL + native * scale).toFixed(1);
    parts.push(`<path d="M${x} 42V${y - 4}" class="native"/>`);
    parts.push(`<text x="${x}" y="${y + 3}" class="wall" text-anchor="middle">native ${figure(native)} ms</text>`);
  }
  return parts.join("\n");
}

function bar(name, row, own, y, scale) {
  const mine = name.startsWith("sepconv");
  const label = `<text x="${LABEL - 8}" y="${y}" text-anchor="end"${mine ? ' class="strong"' : ""}>${name.split(" ")[0]}</text>`;
  if (row?.median === undefined) return `${label}<text x="${LABEL}" y="${y}" class="small">not measured</text>`;
  const { median, p10, p90 } = row;
  const ratio = mine || own === undefined ? "" : ` · <tspan class="strong">${(median / own).toFixed(1)}×</tspan>`;
  const at = (ms) => (LABEL + ms * scale).toFixed(1);
  return `${label}<rect x="${LABEL}" y="${y - BAR / 2}" width="${(median * scale).toFixed(1)}" height="${BAR}" rx="2" class="${mine ? "own" : "peer"}"/>
<path d="M${at(p10)} ${y}H${at(p90)}" class="spread"/><text x="${(LABEL + p90 * scale + 6).toFixed(1)}" y="${y}">${figure(median)} ms${ratio}</text>`;
}

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
