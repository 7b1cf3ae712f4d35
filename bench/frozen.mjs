/**
 * `npm run bench:frozen`: frozen networks beside their sessions. Answers are compared to the bit, then runs of both
 * take turns in one process; and from a file's bytes to the first answer, in processes of their own. Prints tables, and
 * writes them to bench/results/frozen.md and frozen.json.
 *
 *     npm run bench:frozen -- --seconds 3 --processes 15
 *
 * The person detectors are files beside the project (../shared/models); without them they are left out, and said to be.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { frozen } from "../dist/frozen.js";
import { freeze, initialize, load, mobilenetV1, toTflite } from "../dist/index.js";

const { values: options } = parseArgs({
  options: { seconds: { type: "string", default: "3" }, processes: { type: "string", default: "15" } },
});
const SECONDS = Number(options.seconds);
const PROCESSES = Number(options.processes);
const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** At most: frozen ÷ session; milliseconds from bytes to the first answer; bytes beside the weights. */
const LIMITS = { ratio: 1.02, first: 10, beside: 24 * 1024 };
/** A block of runs fills about this long (ms). */
const BLOCK = 10;

const sorted = (list) => [...list].sort((a, b) => a - b);
const quantile = (list, q) => sorted(list)[Math.floor(q * (list.length - 1))];

const person = (name) => join(ROOT, "../shared/models", name);
const NETWORKS = {
  vww_96_int8: () => file(person("vww_96_int8.tflite")),
  vww_96_float: () => file(person("vww_96_float.tflite")),
  "MobileNet v1 0.25_128": () => toTflite(initialize(mobilenetV1({ alpha: 0.25, resolution: 128 }), 1)),
};

function file(path) {
  if (existsSync(path)) return readFileSync(path);
  console.log(`left out: ${path} is not there`);
  return undefined;
}

function inputFor({ shape, dtype }) {
  const length = shape.reduce((product, size) => product * size, 1);
  if (dtype === "float32") return Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898) % 1);
  return (dtype === "int8" ? Int8Array : Uint8Array).from({ length }, (_, i) => i * 37);
}

/** A run's milliseconds within a block. */
function block(compute, runs) {
  const start = performance.now();
  for (let i = 0; i < runs; i++) compute();
  return (performance.now() - start) / runs;
}

/** Both in turns; each run writes its input, as a run may use it up. */
function compare(session, net, input) {
  const runs = [
    () => {
      session.input().set(input);
      session.compute();
    },
    () => {
      net.input().set(input);
      net.compute();
    },
  ];
  const [a, b] = [session.run(input).output, net.run(input).output];
  const other = b.findIndex((value, i) => !Object.is(value, a[i]));
  if (other >= 0 || a.length !== b.length) throw new Error(`frozen: expected ${a[other]} at ${other}, got ${b[other]}`);
  // Until optimized code is there.
  for (const run of runs) for (const end = performance.now() + 500; performance.now() < end; ) run();
  const count = Math.max(1, Math.ceil(BLOCK / block(runs[0], 5)));
  const [sessions, nets, ratios] = [[], [], []];
  for (let round = 0, end = performance.now() + 1000 * SECONDS; performance.now() < end; round++) {
    const took = [];
    for (const i of round % 2 === 0 ? [0, 1] : [1, 0]) took[i] = block(runs[i], count);
    sessions.push(took[0]);
    nets.push(took[1]);
    ratios.push(took[1] / took[0]);
  }
  const spread = [quantile(ratios, 0.1), quantile(ratios, 0.9)];
  return { session: quantile(sessions, 0.5), frozen: quantile(nets, 0.5), ratio: quantile(ratios, 0.5), spread };
}

/** What a new process does: the package is there, the file's bytes are; the clock runs until the answer is. */
const FIRST = `
import { readFileSync } from "node:fs";
const [, path, kind, root] = process.argv;
const make = kind === "frozen"
  ? (await import(root + "dist/frozen.js")).frozen
  : (await import(root + "dist/index.js")).load;
const bytes = new Uint8Array(readFileSync(path));
const begin = performance.now();
const net = await (kind === "frozen" ? make(bytes) : make(bytes, { variant: "simd" }));
const [{ shape, dtype }] = net.inputs;
const input = new { float32: Float32Array, int8: Int8Array, uint8: Uint8Array }[dtype](shape.reduce((a, b) => a * b, 1));
net.run(input);
console.log(performance.now() - begin);`;

function first(path, kind) {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", FIRST, path, kind, ROOT],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

function firsts(files) {
  const times = Object.fromEntries(Object.keys(files).map((kind) => [kind, []]));
  for (let round = 0; round < PROCESSES; round++) {
    for (const [kind, path] of Object.entries(files)) times[kind].push(first(path, kind));
  }
  return Object.fromEntries(
    Object.entries(times).map(([kind, list]) => [kind, { median: quantile(list, 0.5), most: quantile(list, 0.9) }]),
  );
}

const folder = mkdtempSync(join(os.tmpdir(), "sepconv-frozen-"));
const rows = [];
try {
  for (const [network, bytesOf] of Object.entries(NETWORKS)) {
    const model = await bytesOf();
    if (model === undefined) continue;
    const session = await load(model, { variant: "simd" });
    const bytes = await freeze(session, { variant: "simd" });
    const scalar = (await freeze(session, { variant: "scalar" })).length;
    const files = { model: join(folder, "model.tflite"), saved: join(folder, "saved"), frozen: join(folder, "n.wasm") };
    writeFileSync(files.model, model);
    writeFileSync(files.saved, session.save());
    writeFileSync(files.frozen, bytes);
    const { weights, total } = session.memory;
    const sizes = { weights, memory: total, bytes: bytes.length, scalar };
    const row = { network, ...sizes, ...compare(session, await frozen(bytes), inputFor(session.inputs[0])) };
    rows.push({ ...row, first: firsts(files) });
    console.log(runLine(rows.at(-1)));
    console.log(firstLine(rows.at(-1)));
  }
} finally {
  rmSync(folder, { recursive: true });
}

function runLine({ network, weights, bytes, scalar, session, frozen, ratio, spread }) {
  const kb = (n) => (n / 1024).toFixed(1);
  const cells = [network, kb(weights), kb(bytes), kb(scalar), session.toFixed(3), frozen.toFixed(3)];
  return `| ${[...cells, `**${ratio.toFixed(3)}**`, spread.map((x) => x.toFixed(3)).join("–")].join(" | ")} |`;
}

function firstLine({ network, first }) {
  const ms = ({ median, most }) => `${median.toFixed(1)} (${most.toFixed(1)})`;
  return `| ${[network, ms(first.frozen), ms(first.saved), ms(first.model)].join(" | ")} |`;
}

const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const machine = `${os.cpus()[0].model}, ${os.cpus().length} cores, Node ${process.version}, sepconv ${version}, simd`;
const date = new Date().toISOString().slice(0, 10);
const text = `# Frozen networks beside their sessions

${machine}; ${date}. Made by \`npm run bench:frozen\`: answers equal to the bit, then runs in turns, in one process.

KB are 1,024 bytes: weights as a session has them, and the frozen file, in simd and in scalar code (for vww_96_int8 at
most ${LIMITS.beside / 1024} more than the weights). Runs of zeros are not in the file. Milliseconds are medians. Ratio: frozen ÷ session, the median of all rounds (at most
${LIMITS.ratio}), and the span of the middle 80 %.

| network | weights, KB | file, simd | file, scalar | session, ms | frozen, ms | ratio | 10–90 % |
|---|--:|--:|--:|--:|--:|--:|--:|
${rows.map(runLine).join("\n")}

From a file's bytes to the first answer, in ms: the median of ${PROCESSES} new processes, and the one in ten that took
longest. The package, or the loader, is imported by then. At most ${LIMITS.first} for vww_96_int8, frozen.

| network | frozen | saved session | model (TFLite) |
|---|--:|--:|--:|
${rows.map(firstLine).join("\n")}
`;
writeFileSync(join(ROOT, "bench/results/frozen.md"), text);
writeFileSync(
  join(ROOT, "bench/results/frozen.json"),
  `${JSON.stringify({ machine, date, limits: LIMITS, rows }, null, 2)}\n`,
);
const over = rows.filter(({ network, ratio, first, bytes, weights }) => {
  const held = network !== "vww_96_int8" || (bytes - weights <= LIMITS.beside && first.frozen.median <= LIMITS.first);
  return ratio > LIMITS.ratio || !held;
});
if (over.length > 0) {
  console.error(`over the limits: ${over.map(({ network }) => network).join(", ")}`);
  process.exitCode = 1;
}
