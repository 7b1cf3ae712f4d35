/** Float32 and 8 bits beside LiteRT.js, in one look: readable on light and on dark pages. */

const WIDTH = 1000;
const MARGIN = 20;
const TOP = 76;
const LABEL = 200;
const BAR = 15;
const STEP = 22;
const ROWS = [
  ["sepconv float32", (at) => best(at("sepconv simd"), at("sepconv relaxed")), "own pale"],
  ["LiteRT.js float32", (at) => at("LiteRT.js"), "peer pale"],
  ["sepconv 8-bit", (at) => best(at("sepconv simd, 8-bit"), at("sepconv relaxed, 8-bit")), "own"],
  ["LiteRT.js 8-bit", (at) => at("LiteRT.js, 8-bit"), "peer"],
];

const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
function best(...values) {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/** @param report what bench/int8.mjs writes as JSON. @returns the SVG's text */
export function int8Chart({ machine, date, pages }) {
  let y = TOP;
  const parts = [];
  for (const { network, rows } of pages) {
    const at = (name) => rows.find((row) => row.name === name)?.median;
    const bars = ROWS.map(([name, of, kind]) => ({ name, kind, ms: of(at) })).filter(({ ms }) => ms !== undefined);
    const scale = (WIDTH - 2 * MARGIN - LABEL - 200) / Math.max(...bars.map(({ ms }) => ms));
    const peer = bars.find(({ name }) => name === "LiteRT.js 8-bit")?.ms;
    parts.push(
      `<text x="${MARGIN}" y="${y}" class="network">${escaped(network.replace(/^(\d[\d.]*)_/, "$1 · "))}</text>`,
    );
    y += 24;
    for (const { name, kind, ms } of bars) {
      const faster =
        name === "sepconv 8-bit" && peer ? ` · <tspan class="strong">${(peer / ms).toFixed(2)}×</tspan>` : "";
      parts.push(
        `<text x="${MARGIN + LABEL - 8}" y="${y}" text-anchor="end"${kind === "own" ? ' class="strong"' : ""}>${name}</text>`,
        `<rect x="${MARGIN + LABEL}" y="${y - BAR / 2}" width="${(ms * scale).toFixed(1)}" height="${BAR}" rx="2" class="${kind}"/>`,
        `<text x="${(MARGIN + LABEL + ms * scale + 6).toFixed(1)}" y="${y}">${ms.toFixed(2)} ms${faster}</text>`,
      );
      y += STEP;
    }
    y += 16;
  }
  const host = pages[0]?.host ?? "no browser";
  const title = "One inference in float32 (pale) and in 8 bits: shorter is faster";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 30}" font-family="system-ui, sans-serif" role="img" aria-label="${title}">
<style>
text { fill: #24292f; dominant-baseline: central; font-size: 12px }
.title { font-size: 17px; font-weight: 600 } .network { font-size: 14px; font-weight: 600 } .small { font-size: 11px; fill: #6e7781 }
.strong { font-weight: 600 } .own { fill: #12a67c } .peer { fill: #a8b1bb } .pale { opacity: .5 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #8b949e } .peer { fill: #6e7781 } }
</style>
<text x="${MARGIN}" y="22" class="title">${title}</text>
<text x="${MARGIN}" y="44" class="small">MobileNet v1 by width and resolution, the same files, one thread. ×: how many times as fast as LiteRT.js in 8 bits. sepconv's bits are those of TFLite's reference kernels.</text>
${parts.join("\n")}
<text x="${MARGIN}" y="${y + 8}" class="small">${escaped(`Medians of interleaved runs in ${host}. ${machine}, ${date}.`)}</text>
</svg>
`;
}
