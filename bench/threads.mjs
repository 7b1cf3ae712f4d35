/**
 * `npm run bench:threads`: what threads gain. Each network on one thread and on two, in blocks that take turns in one
 * process, answers compared to the bit before anything is timed; the same while another process burns one core; and
 * beside onnxruntime-web (Node) and LiteRT.js (an isolated page in Chromium), which have threads too. Prints tables,
 * and writes them to bench/results/threads.md, threads.json and threads.svg.
 *
 *     npm run bench:threads -- --seconds 2 --no-peers
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import os from "node:os";
import { parseArgs } from "node:util";
import { build, initialize, mobilenetV1, quantize } from "../dist/index.js";
import { threadsChart } from "./threads-chart.mjs";

const { values: options } = parseArgs({
  options: { seconds: { type: "string", default: "2" }, peers: { type: "boolean", default: true } },
  allowNegative: true,
});
const SECONDS = Number(options.seconds);
const THREADS = 2;
const NETWORKS = ["1.0_224", "0.5_160", "0.25_224", "0.25_128", "0.25_96"];
/** What is asked of two threads on two idle cores, as ratios to one. */
const FLOORS = {
  float: { "1.0_224": 1.85, "0.5_160": 1.9, "0.25_128": 1.8, "0.25_96": 1.6 },
  int8: { "1.0_224": 1.7, "0.5_160": 1.7, "0.25_128": 1.5, "0.25_96": 1.3 },
};
/** Beside another process that burns a core, two threads may not be slower than one. */
const BUSY_FLOOR = 0.95;
/** A block of runs fills about this long (ms): threads are awake within it, as they are in a stream of pictures. */
const BLOCK = 20;

const sorted = (list) => [...list].sort((a, b) => a - b);
const quantile = (list, q) => sorted(list)[Math.floor(q * (list.length - 1))];

function time(work) {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** Milliseconds of a run in a block; the first ones of a block wake the threads, and are left out. */
function block(session, input, runs) {
  const view = session.input();
  const ms = [];
  for (let i = 0; i < runs; i++) {
    view.set(input);
    ms.push(time(() => session.compute()));
  }
  return quantile(ms.slice(runs > 4 ? 2 : 0), 0.5);
}

async function sessionsOf(graph, input, memory) {
  const one = await build(graph, { variant: "simd", memory });
  const several = await build(graph, { variant: "simd", memory, threads: THREADS });
  if (several.threads !== THREADS) throw new Error(`bench:threads: ${several.fewerThreads ?? "no threads"}`);
  const [expected, output] = [one, several].map((session) => session.run(input).output);
  const other = output.findIndex((value, i) => !Object.is(value, expected[i]));
  if (other >= 0) throw new Error(`threads: expected ${expected[other]} at ${other}, got ${output[other]}`);
  return [one, several];
}

/** One thread and several, block by block. */
function compare([one, several], input, seconds) {
  const runs = Math.max(3, Math.ceil(BLOCK / time(() => one.run(input))));
  // Until optimized code is there.
  for (const session of [one, several])
    for (const end = performance.now() + 500; performance.now() < end; ) session.run(input);
  const [ones, others, ratios] = [[], [], []];
  for (let round = 0, end = performance.now() + 1000 * seconds; performance.now() < end; round++) {
    const order = round % 2 === 0 ? [one, several] : [several, one];
    const took = new Map(order.map((session) => [session, block(session, input, runs)]));
    ones.push(took.get(one));
    others.push(took.get(several));
    ratios.push(took.get(one) / took.get(several));
  }
  const spread = [quantile(ratios, 0.1), quantile(ratios, 0.9)];
  return { one: quantile(ones, 0.5), several: quantile(others, 0.5), ratio: quantile(ratios, 0.5), spread };
}

async function networkOf(name, bits) {
  const [alpha, resolution] = name.split("_").map(Number);
  const float = initialize(mobilenetV1({ alpha, resolution }), 1);
  const sample = Float32Array.from({ length: resolution ** 2 * 3 }, (_, i) => Math.sin(i * 12.9898) % 1);
  if (bits === 32) return { graph: float, input: sample };
  const graph = await quantize(float, [sample], { io: "int8" });
  return { graph, input: Int8Array.from(sample, (x) => Math.round(100 * x)) };
}

/** What another process does while it burns a core. */
async function whileBusy(work) {
  const burner = spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" });
  await new Promise((resolve) => setTimeout(resolve, 200));
  try {
    return work();
  } finally {
    burner.kill("SIGKILL");
  }
}

const rows = [];
for (const bits of [32, 8]) {
  for (const network of NETWORKS) {
    const { graph, input } = await networkOf(network, bits);
    const type = bits === 8 ? "int8" : "float";
    for (const memory of ["fast", "balanced"]) {
      const sessions = await sessionsOf(graph, input, memory);
      const arena = sessions.map((session) => session.memory.arena);
      const idle = compare(sessions, input, SECONDS);
      const busy = memory === "fast" ? await whileBusy(() => compare(sessions, input, SECONDS)) : undefined;
      rows.push({ network, type, memory, arena, ...idle, ...(busy && { busy }) });
      for (const session of sessions) session.dispose();
      console.log(line(rows.at(-1)));
    }
  }
}
const peers = options.peers ? await besidePeers() : [];

/** The peers' own benches, on one thread and on several. */
async function besidePeers() {
  const { ENGINES, start } = await import("./peers/engines.mjs");
  const { startChromium } = await import("./peers/chromium.mjs");
  const node = ENGINES.find(({ key }) => key === "node");
  const script = new URL("peers/host.mjs", import.meta.url).pathname;
  const limits = { rounds: 60, seconds: 4 * SECONDS, warmUp: 1.5, again: false };
  const chromium = await startChromium();
  const cells = [];
  try {
    for (const network of NETWORKS) {
      for (const threads of [1, THREADS]) {
        const given = { network, threads, ...limits };
        const log = (text) => console.log(`  ${text}`);
        const ask = (only) => start(node, script, [JSON.stringify({ ...given, peers: true, only })], log);
        const inNode =
          threads === 1
            ? [await ask()]
            : [await ask("sepconv"), await ask("onnxruntime-web"), await ask("onnxruntime-node")];
        const inPage = { host: { name: `Chromium ${chromium.version}` }, ...(await chromium.measure(given, log)) };
        for (const { host, rows: measured } of [...inNode, inPage]) {
          const known = measured.filter(
            ({ name, median }) => median !== undefined && !/8-bit|tfjs|scalar|relaxed/.test(name),
          );
          for (const row of known) {
            // One thread of ours is measured in both cells: the one beside the others' one thread counts.
            if (threads > 1 && row.name === "sepconv simd") continue;
            cells.push({ network, host: host.name, ...row });
            console.log(`  ${network} ${host.name} ${row.name}: ${row.median.toFixed(2)} ms`);
          }
        }
      }
    }
  } finally {
    await chromium.close();
  }
  return cells;
}

function line({ network, type, memory, arena, one, several, ratio, spread, busy }) {
  const kb = (bytes) => `${(bytes / 1024).toFixed(0)} KB`;
  const ms = (value) => value.toFixed(value < 1 ? 3 : 2);
  const floor = memory === "fast" ? FLOORS[type][network] : undefined;
  const cells = [network, type, memory, ...arena.map(kb), ms(one), ms(several)];
  cells.push(`**${ratio.toFixed(2)}**`, spread.map((x) => x.toFixed(2)).join("–"), floor?.toFixed(2) ?? "");
  cells.push(busy ? busy.ratio.toFixed(2) : "");
  return `| ${cells.join(" | ")} |`;
}

function peerTable() {
  const names = ["sepconv simd", "onnxruntime-web", "LiteRT.js", "onnxruntime-node"];
  const text = [];
  for (const network of NETWORKS) {
    for (const name of names) {
      for (const host of [...new Set(peers.map((cell) => cell.host))]) {
        const at = (suffix) =>
          peers.find((cell) => cell.network === network && cell.host === host && cell.name === `${name}${suffix}`)
            ?.median;
        const [one, several] = [at(""), at(`, ${THREADS} threads`)];
        if (one === undefined && several === undefined) continue;
        const ms = (value) => (value === undefined ? "–" : value.toFixed(2));
        const ratio = one && several ? (one / several).toFixed(2) : "–";
        text.push(`| ${[network, host, name, ms(one), ms(several), ratio].join(" | ")} |`);
      }
    }
  }
  return text;
}

const machine = `${os.cpus()[0].model}, ${os.cpus().length} cores, Node ${process.version}, simd`;
const date = new Date().toISOString().slice(0, 10);
const text = [
  "# Threads: what they gain",
  "",
  `${machine}; ${date}. Made by \`npm run bench:threads\`: one thread and two in blocks that take turns, answers equal to the bit.`,
  "",
  "Ratio: how many times as fast two threads are as one, the median of all rounds, and the span of the middle 80 %;",
  `floor: what was asked for. Busy: the same ratio while another process burns one of the cores (floor ${BUSY_FLOOR}).`,
  "",
  "| network | type | memory | activations, 1 | 2 | ms, 1 | 2 | ratio | 10–90 % | floor | busy |",
  "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
  ...rows.map(line),
  "",
  ...(peers.length > 0
    ? [
        "## Beside the peers",
        "",
        "Float32, the same weights, outputs compared; medians in ms. LiteRT.js runs in an isolated page, whose main thread is",
        "one of sepconv's two there and may not sleep. In Node each engine on two threads has a process of its own, one behind",
        "the other: onnxruntime's threads spin between runs, and slow down whoever comes next.",
        "",
        "| network | host | engine | 1 thread | 2 threads | ratio |",
        "|---|---|---|--:|--:|--:|",
        ...peerTable(),
        "",
        "![The same as bars](threads.svg)",
        "",
      ]
    : []),
].join("\n");
const results = new URL("results/", import.meta.url);
writeFileSync(new URL("threads.md", results), text);
writeFileSync(new URL("threads.json", results), `${JSON.stringify({ machine, date, rows, peers }, null, 1)}\n`);
if (peers.length > 0)
  writeFileSync(new URL("threads.svg", results), threadsChart({ machine, date, peers, networks: NETWORKS }));
const missed = rows.filter(
  ({ network, type, memory, ratio }) => memory === "fast" && ratio < (FLOORS[type][network] ?? 0),
);
const slow = rows.filter(({ busy }) => busy && busy.ratio < BUSY_FLOOR);
console.log(`\nbelow the floor: ${missed.map(({ network, type }) => `${network} ${type}`).join(", ") || "none"}`);
console.log(
  `busy, slower than ${BUSY_FLOOR}: ${slow.map(({ network, type }) => `${network} ${type}`).join(", ") || "none"}`,
);
console.log("written to bench/results/threads.md");
process.exit(0);
