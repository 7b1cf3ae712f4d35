/** A result of the bench as Markdown tables. */

const HOST_ORDER = ["node20", "node", "deno", "bun", "chromium"];
const CONTENDERS = [
  ...["sepconv relaxed", "sepconv simd", "sepconv scalar"],
  ...["tfjs-wasm", "onnxruntime-web", "LiteRT.js", "onnxruntime-node"],
];

/** @param report what run.mjs writes as JSON */
export function markdown({ date, machine, settings, results, cold, downloads, targets, notes = [] }) {
  const networks = [...new Set(results.map(({ network }) => network))];
  const parts = [
    "# sepconv and its peers",
    `Made by \`npm run bench:peers\` on ${date.slice(0, 10)}; do not edit.${settings.quick ? " **A quick run: its figures mean nothing.**" : ""}`,
    `${machine.cpu}, ${machine.cores} cores (${machine.arch}), ${machine.platform}. ${versions(results)}`,
    "Float32, batch 1, one thread, same weights. Outputs were compared first; contenders of a column took turns in one process or page. " +
      "Median in milliseconds, in brackets the 10th and 90th percentile. onnxruntime-node is native code (256-bit vectors where the processor has them): the wall.",
    ...networks.map((network) => times(network, results)),
    cold.length > 0 && coldTable(cold),
    downloads.length > 0 && downloadTable(downloads),
    targets?.length > 0 && targetTable(targets),
    notes.length > 0 && `## Notes\n\n${notes.map((note) => `* ${note}`).join("\n")}`,
  ];
  return `${parts.filter(Boolean).join("\n\n")}\n`;
}

/** Names and versions of everything that was measured. */
export function versions(results) {
  const found = new Map();
  for (const { rows } of results) {
    for (const { name, version } of rows) if (version) found.set(name.split(" ")[0], version);
  }
  return `${[...found].map(([name, version]) => `${name} ${version}`).join(", ")}.`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}

function times(network, results) {
  const columns = HOST_ORDER.map((key) => results.find((r) => r.hostKey === key && r.network === network)).filter(
    Boolean,
  );
  const rowOf = (name) => columns.map(({ rows }) => cell(rows.find((row) => row.name === name)));
  const rows = CONTENDERS.map((name) => [name, ...rowOf(name)]).filter(([, ...cells]) =>
    cells.some((text) => text !== "–"),
  );
  const macs = (columns[0].macs / 1e6).toFixed(1);
  return `## ${network}: ${macs} million multiply-adds\n\n${table(["ms", ...columns.map(({ host }) => host.name)], rows)}`;
}

function cell(row) {
  if (row?.disagrees) return "disagrees";
  if (row?.median === undefined) return "–";
  const { median, p10, p90, drift } = row;
  return `${figure(median)} (${figure(p10)}–${figure(p90)})${drift === undefined ? "" : " ~"}`;
}

/** Three digits. */
export const figure = (ms) => (ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2));

function coldTable(cold) {
  const rows = cold.map(({ host, name, missing, ms, first, steady, rss }) => {
    if (missing) return [`${name}, ${host}`, "–", "–", "–", "–", "–"];
    if (name === "empty") return [`empty process, ${host}`, "", "", "", megabytes(rss), ""];
    const empty = cold.find((row) => row.host === host && row.name === "empty")?.rss;
    const above = empty === undefined || rss === undefined ? "–" : megabytes(rss - empty);
    return [
      `${name}, ${host}`,
      ms.toFixed(1),
      first.toFixed(1),
      steady ? figure(steady) : "–",
      rss ? megabytes(rss) : "–",
      above,
    ];
  });
  const head = [
    "0.25_128",
    "import to first answer, ms",
    "first inference, ms",
    "steady, ms",
    "resident, MB",
    "above empty, MB",
  ];
  return `## Cold start, each in a process (or browser) of its own\n\n${table(head, rows)}`;
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

function downloadTable(downloads) {
  const kb = (bytes) => (bytes === undefined ? "–" : (bytes / 1024).toFixed(1));
  const rows = downloads.map(({ name, js, wasm }) => [name, kb(js), kb(wasm), kb(js + wasm || undefined)]);
  return `## Download, KB gzipped\n\n${table(["", "JavaScript", "wasm", "together"], rows)}`;
}

function targetTable(targets) {
  const rows = targets.map(({ what, target, measured, reached }) => [
    what,
    target,
    measured ?? "not measured",
    measured === undefined ? "" : reached ? "yes" : "**no**",
  ]);
  return `## Targets\n\n${table(["", "target", "measured", "reached"], rows)}`;
}
