/**
 * `npm run bench:int8`: what 8 bits gain. Each network in float32 and in 8 bits, in turns in one process: in a current
 * Node, in Node 20 and in Bun (whose dot products are of no use), with V8's re-vectorization; beside LiteRT.js in
 * Chromium; and files, from `import` to the first answer in new processes. Answers are compared before anything is
 * timed: in 8 bits ours are equal to the bit. Prints tables, and writes them to bench/results/int8.md, int8.json and
 * int8.svg.
 *
 *     npm run bench:int8 -- --seconds 4 --processes 9 --out somewhere
 *
 * The files are beside the project (../shared/models); without them they are left out, and said to be. The peers are
 * those of `npm run bench:peers`, which installs them.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { int8Chart } from "./int8-chart.mjs";
import { startChromium } from "./peers/chromium.mjs";
import { ENGINES, start } from "./peers/engines.mjs";
import { summary } from "./peers/measure.mjs";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "4" },
    processes: { type: "string", default: "9" },
    out: { type: "string", default: join(ROOT, "bench/results") },
  },
});
const limits = { rounds: 200, seconds: Number(options.seconds), warmUp: 1.5, again: false };
const NETWORKS = ["1.0_224", "0.5_160", "0.25_128"];
const SCRIPT = fileURLToPath(new URL("int8-host.mjs", import.meta.url));
const FLAGS = { node20: "--experimental-wasm-relaxed-simd", node: "--experimental-wasm-revectorize" };
const MODELS = ["vww_96_int8", "vww_96_float", "mobilenet_v1_0.5_160_quant"];

const engine = (key) => ENGINES.find((one) => one.key === key);
const current = engine("node");
const withFlag = (key) => ({ command: () => [...engine(key).command(), FLAGS[key]] });
const log = (line) => console.log(`  ${line}`);
/** Something that may not be had on this machine: named, and left out. */
async function had(what, get) {
  try {
    return await get();
  } catch (error) {
    log(`${what}: left out, ${error.message.split("\n")[0]}`);
    return undefined;
  }
}

const at = (rows, name) => rows.find((row) => row.name === name)?.median;
const best = (...values) => Math.min(...values.filter((value) => value !== undefined));
/** How many times as fast the best 8-bit variant is as the best of float32. */
const gain = (rows) =>
  best(at(rows, "sepconv simd"), at(rows, "sepconv relaxed")) /
  best(at(rows, "sepconv simd, 8-bit"), at(rows, "sepconv relaxed, 8-bit"));

/** Float32 and 8 bits on the hosts of a command line. `simd` alone: what hosts without a dot product of use have. */
async function inHosts() {
  const asked = [
    ...NETWORKS.map((network) => [network, "a current Node", current]),
    ["1.0_224", "Node 20, relaxed SIMD by its flag", withFlag("node20")],
    ["1.0_224", "Bun", engine("bun")],
    ["0.5_160", "a current Node with re-vectorization", withFlag("node")],
    ["v2 1.0_224", "a current Node", current],
    ["v3 small 1.0_224", "a current Node", current],
  ];
  const cells = [];
  for (const [network, where, host] of asked) {
    const cell = await had(`${network}, ${where}`, () =>
      start(host, SCRIPT, [JSON.stringify({ network, ...limits })], log),
    );
    if (cell) cells.push({ network, where, ...cell });
    if (cell) console.log(line(cells.at(-1)));
  }
  return cells;
}

async function inChromium() {
  const chromium = await startChromium();
  const only = ["sepconv simd", "sepconv relaxed", "LiteRT.js"].flatMap((name) => [name, `${name}, 8-bit`]);
  const cells = [];
  try {
    for (const network of NETWORKS) {
      const { rows } = await chromium.measure({ network, only, ...limits }, log);
      cells.push({ network, where: "a page", host: `Chromium ${chromium.version}`, rows });
      console.log(line(cells.at(-1)));
    }
    const file = join(ROOT, "../shared/models/mobilenet_v1_0.5_160_quant.tflite");
    if (!existsSync(file)) log(`left out: ${file} is not there`);
    else {
      const model = readFileSync(file).toString("base64");
      const { rows } = await chromium.measure({ model, ...limits }, log);
      const named = rows.map((row) => ({ ...row, name: `${row.name}, 8-bit` }));
      cells.push({
        network: "mobilenet_v1_0.5_160_quant",
        where: "a page",
        host: `Chromium ${chromium.version}`,
        rows: named,
      });
      console.log(line(cells.at(-1)));
    }
  } finally {
    await chromium.close();
  }
  return cells;
}

/** From `import` to the first answer, and resident memory above that of an empty process. */
function cold() {
  const [node] = current.command();
  const program = `
    const start = performance.now();
    const { load } = await import(${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)});
    const net = await load(process.argv[1]);
    net.run(net.input().slice());
    console.log(JSON.stringify({ ms: performance.now() - start, mb: process.memoryUsage.rss() / 2 ** 20 }));`;
  const run = (code, ...args) =>
    execFileSync(node, ["--input-type=module", "-e", code, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  const empty = () => Number(run("console.log(process.memoryUsage.rss() / 2 ** 20)"));
  const rows = [];
  for (const name of MODELS) {
    const file = join(ROOT, "../shared/models", `${name}.tflite`);
    if (!existsSync(file)) {
      log(`left out: ${file} is not there`);
      continue;
    }
    const samples = Array.from({ length: Number(options.processes) }, () => ({
      ...JSON.parse(run(program, file)),
      empty: empty(),
    }));
    const of = (pick) => summary(samples.map(pick)).median;
    const kb = readFileSync(file).length / 1024;
    rows.push({
      name,
      kb,
      ms: of(({ ms }) => ms),
      spread: summary(samples.map(({ ms }) => ms)),
      mb: of(({ mb, empty }) => mb - empty),
    });
    console.log(`${name}: ${rows.at(-1).ms.toFixed(1)} ms, ${rows.at(-1).mb.toFixed(1)} MB`);
  }
  return rows;
}

const ms = (value) => (value === undefined ? "–" : value.toFixed(value < 10 ? 2 : 1));
function line({ network, where, host, product, rows }) {
  const names = [
    "sepconv simd",
    "sepconv relaxed",
    "sepconv simd, 8-bit",
    "sepconv relaxed, 8-bit",
    "LiteRT.js, 8-bit",
  ];
  const peer = at(rows, "LiteRT.js, 8-bit");
  const own = best(at(rows, "sepconv simd, 8-bit"), at(rows, "sepconv relaxed, 8-bit"));
  const ratio = gain(rows);
  const cells = [
    network,
    `${host}${/Node|page|^Bun$/.test(where) && !/flag|with/.test(where) ? "" : ` (${where})`}`,
    product ?? "",
  ];
  cells.push(...names.map((name) => ms(at(rows, name))));
  cells.push(Number.isFinite(ratio) ? `**${ratio.toFixed(2)}**` : "", peer ? `**${(peer / own).toFixed(2)}**` : "");
  return `| ${cells.join(" | ")} |`;
}

const hosts = await inHosts();
const pages = (await had("Chromium", inChromium)) ?? [];
const files = (await had("files", async () => cold())) ?? [];
const machine = `${os.cpus()[0].model}, ${os.cpus().length} cores`;
const date = new Date().toISOString().slice(0, 10);
const text = [
  "# 8 bits: what they gain",
  "",
  `${machine}; ${date}. Made by \`npm run bench:int8\`: medians (ms) of runs that take turns, one thread. All 8-bit`,
  "answers of sepconv are equal to the bit, in every variant and on every host; LiteRT.js rounds otherwise.",
  "",
  "Gain: how many times as fast the best of 8 bits is as the best of float32. Against LiteRT.js: how many times as fast",
  "as its 8-bit form of the same file. Product: how the host's relaxed dot product multiplies; `pairs`: 16-bit products.",
  "8-bit networks take bytes, but for those beside LiteRT.js, which takes floats and makes bytes of them, as ours do there.",
  "",
  "| network | host | product | float simd | float relaxed | 8-bit simd | 8-bit relaxed | LiteRT.js 8-bit | gain | against LiteRT.js |",
  "|---|---|---|--:|--:|--:|--:|--:|--:|--:|",
  ...[...hosts, ...pages].map(line),
  "",
  "## From a file to the first answer",
  "",
  `${options.processes} new processes of a current Node each: \`import\`, \`load\`, \`run\`; memory is what is resident above an empty`,
  "process.",
  "",
  "| file | KB | ms | 10–90 % | MB |",
  "|---|--:|--:|--:|--:|",
  ...files.map(
    ({ name, kb, ms, spread, mb }) =>
      `| ${name} | ${kb.toFixed(0)} | ${ms.toFixed(1)} | ${spread.p10.toFixed(1)}–${spread.p90.toFixed(1)} | ${mb.toFixed(1)} |`,
  ),
  "",
].join("\n");
console.log(text);
const report = { machine, date, hosts, pages, files };
writeFileSync(join(options.out, "int8.md"), text);
writeFileSync(join(options.out, "int8.json"), `${JSON.stringify(report, undefined, 1)}\n`);
writeFileSync(join(options.out, "int8.svg"), int8Chart(report));
process.exit(0);
