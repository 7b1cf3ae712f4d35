/**
 * `npm run bench:training`: what a training step takes, and where the time goes. α = 0.25 at 32×32, batch 128, and at
 * 96×96, batch 16; the second beside tfjs's CPU backend, which computes the same loss and update (its wasm backend
 * is asked too, and its error shown), and the first beside PyTorch, where `python3 -c "import torch"` finds one.
 * Gradients are compared before anything is timed. Prints tables, and writes them to bench/results/training.md and
 * training.json.
 *
 *     npm run bench:training -- --steps 12 --no-peers
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build, initialize, mobilenetV1 } from "../dist/index.js";
import { trainer } from "../dist/train/index.js";
import { tfjsStep } from "./training-tfjs.mjs";

const { values: options } = parseArgs({
  options: { steps: { type: "string", default: "12" }, peers: { type: "boolean", default: true } },
  allowNegative: true,
});
const STEPS = Number(options.steps);
/** Part of the forward kernels' arithmetic a second that a whole step reaches at least. */
const FLOOR = 0.25;
/** Where PyTorch may be: a system's own Python has its packages. */
const PYTHONS = ["python3", "/usr/bin/python3"];
const CASES = [
  { name: "0.25_96, batch 16", batch: 16, options: { alpha: 0.25, resolution: 96, classes: 10 } },
  {
    name: "0.25_32, first stride 1, batch 128",
    batch: 128,
    options: { alpha: 0.25, resolution: 32, firstStride: 1, inputChannels: 1, classes: 10 },
  },
];

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const least = (list) => Math.min(...list);

/** Seeded pictures from −1 to 1. */
function pictures(count, seed) {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

/** GFLOP/s of the pointwise layers of a session: what the forward kernels reach here, now. */
async function forwardSpeed(graph, variant) {
  const session = await build(graph, { variant, memory: "fast" });
  const input = pictures(
    session.inputs[0].shape.reduce((a, b) => a * b),
    5,
  );
  let best;
  for (let i = 0; i < 60; i++) {
    const rows = session.profile(input);
    best = best?.map((ms, k) => Math.min(ms, rows[k].ms)) ?? rows.map(({ ms }) => ms);
    if (i === 59) {
      const macs = rows.reduce((sum, row) => sum + row.macs, 0);
      const ms = best.reduce((a, b) => a + b);
      session.dispose();
      return (2 * macs) / ms / 1e6;
    }
  }
}

/** A network, and a batch for it. */
function caseOf({ batch, options }) {
  const graph = initialize(mobilenetV1(options), 1);
  const inputs = pictures(batch * graph.inputs[0].shape.slice(1).reduce((a, b) => a * b), 7);
  return { graph, inputs, labels: Uint8Array.from({ length: batch }, (_, i) => (i * 7) % 10) };
}

async function measured(one, variant) {
  const { name, batch } = one;
  const { graph, inputs, labels } = caseOf(one);
  const t = await trainer(graph, { batch, learningRate: 0.01, nesterov: true, weightDecay: 5e-4, variant });
  for (let i = 0; i < 4; i++) t.step(inputs, labels);
  const steps = [];
  let best;
  for (let i = 0; i < STEPS; i++) {
    const began = performance.now();
    t.step(inputs, labels);
    steps.push(performance.now() - began);
    const rows = t.profile(inputs, labels);
    best = best?.map((row, k) => ({ ...row, ms: Math.min(row.ms, rows[k].ms) })) ?? rows;
  }
  const macs = best.reduce((sum, row) => sum + row.macs, 0);
  const kernels = {};
  for (const { kernel, macs, ms } of best) {
    kernels[kernel] ??= { macs: 0, ms: 0 };
    kernels[kernel].macs += macs;
    kernels[kernel].ms += ms;
  }
  const forward = await forwardSpeed(graph, variant);
  const gflops = (2 * macs) / least(steps) / 1e6;
  const { memory } = t;
  t.dispose();
  return { name, variant, batch, macs, ms: least(steps), median: median(steps), gflops, forward, kernels, memory };
}

function tableOf(rows) {
  const lines = [
    "| network | build | step, best (median) ms | GFLOP/s | forward alone, GFLOP/s | of that | memory, MB |",
    "|---|---|---|---|---|---|---|",
    ...rows.map(
      ({ name, variant, ms, median, gflops, forward, memory }) =>
        `| ${name} | ${variant} | ${ms.toFixed(1)} (${median.toFixed(1)}) | ${gflops.toFixed(1)} | ` +
        `${forward.toFixed(1)} | ${((100 * gflops) / forward).toFixed(0)} % | ${(memory.total / 1e6).toFixed(1)} |`,
    ),
  ];
  return lines.join("\n");
}

function kernelsOf({ name, variant, kernels }) {
  const rows = Object.entries(kernels).filter(([, { ms }]) => ms >= 0.05);
  return [
    `${name}, ${variant}:`,
    "",
    "| kernel | ms | GFLOP/s |",
    "|---|---|---|",
    ...rows.map(
      ([kernel, { ms, macs }]) =>
        `| ${kernel} | ${ms.toFixed(2)} | ${macs ? ((2 * macs) / ms / 1e6).toFixed(1) : "–"} |`,
    ),
  ].join("\n");
}

const rows = [];
for (const one of CASES) {
  const row = await measured(one, "simd");
  console.log(`${tableOf([row])}\n\n${kernelsOf(row)}\n`);
  rows.push(row);
}
const peers = [];
if (options.peers) {
  const { graph, inputs, labels } = caseOf(CASES[0]);
  const t = await trainer(graph, { batch: CASES[0].batch, learningRate: 0, variant: "simd" });
  t.step(inputs, labels);
  const tfjs = await tfjsStep(graph, inputs, labels, t.gradients());
  if (!(tfjs.apart < 0.05)) throw new Error(`tfjs: expected the same gradients, got some ${tfjs.apart} apart`);
  const [{ name, ms }, small] = rows;
  peers.push(
    `tfjs ${tfjs.version}, CPU backend, ${name}: ${tfjs.ms.toFixed(0)} ms a step, ${(tfjs.ms / ms).toFixed(0)} times ours; ` +
      `no constant's gradient differs by more than ${tfjs.apart.toExponential(1)} of its length. Its wasm backend: ${tfjs.wasm}`,
  );
  const script = fileURLToPath(new URL("peers/training_torch.py", import.meta.url));
  const torch = PYTHONS.map((python) => spawnSync(python, [script, "--steps", String(STEPS)], { encoding: "utf8" }));
  const found = torch.find(({ status }) => status === 0);
  if (found) {
    const { torch: version, ms } = JSON.parse(found.stdout.trim().split("\n").at(-1));
    const times = (small.median / ms).toFixed(2);
    peers.push(
      `PyTorch ${version}, one thread, ${small.name}: ${ms.toFixed(1)} ms a step (median); ours takes ${times} times as long.`,
    );
  } else peers.push("PyTorch is not here.");
}
const text = [
  `One thread of ${os.cpus()[0].model.trim()}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}.`,
  tableOf(rows),
  ...rows.map(kernelsOf),
  ...peers,
].join("\n\n");
console.log(peers.join("\n\n"));
writeFileSync(new URL("results/training.md", import.meta.url), `# Training\n\n${text}\n`);
writeFileSync(new URL("results/training.json", import.meta.url), `${JSON.stringify({ rows, peers }, null, 2)}\n`);
const slow = rows.filter(({ gflops, forward }) => gflops < FLOOR * forward);
for (const { name, variant } of slow) console.error(`${name}, ${variant}: less than ${FLOOR} of the forward kernels`);
process.exit(slow.length > 0 ? 1 : 0);
