/**
 * `npm run bench`: one network, scalar, simd, relaxed and tfjs-wasm side by side in one process, with the same weights.
 * Outputs are compared before anything is timed, and the contenders take turns, so that a machine that slows down slows
 * down for all of them.
 *
 *     npm run bench -- --alpha 0.25 --resolution 128 --rounds 20 --8-bit --json result.json
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Bench } from "tinybench";

// Node 20 has relaxed SIMD behind a flag, and takes flags only at its start.
const RELAXED = "--experimental-wasm-relaxed-simd";
if (Number.parseInt(process.versions.node, 10) < 22 && !process.execArgv.includes(RELAXED)) {
  const script = fileURLToPath(import.meta.url);
  process.exit(
    spawnSync(process.execPath, [RELAXED, script, ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1,
  );
}

const { values: options } = parseArgs({
  options: {
    alpha: { type: "string", default: "1" },
    resolution: { type: "string", default: "224" },
    rounds: { type: "string", default: "15" },
    "8-bit": { type: "boolean", default: false },
    json: { type: "string" },
  },
});

const { build, cost, initialize, mobilenetV1, quantize } = await import("../dist/index.js");
const { optimize } = await import("../dist/graph/passes/index.js");
const { startTfjs, tfjsNetwork } = await import("./tfjs.mjs");

const graph = initialize(mobilenetV1({ alpha: Number(options.alpha), resolution: Number(options.resolution) }), 1);
const input = Float32Array.from({ length: Number(options.resolution) ** 2 * 3 }, (_, i) => Math.sin(i * 12.9898) % 1);
const { macs } = cost(graph);

const contenders = [];
const eightBit = [];
for (const variant of ["scalar", "simd", "relaxed"]) {
  try {
    const session = await build(graph, { variant });
    contenders.push({ name: `sepconv ${variant}`, run: () => session.run(input).output });
  } catch (error) {
    console.log(`sepconv ${variant}: left out, ${error.message}`);
  }
}
// The same network in 8 bits. With weights drawn at random its probabilities say nothing, so the builds are held
// against each other, to the bit.
if (options["8-bit"]) {
  const quantized = await quantize(graph, [input], { io: "int8" });
  const bytes = Int8Array.from(input, (x) => Math.round(100 * x));
  let expected;
  for (const variant of ["scalar", "simd", "relaxed"]) {
    try {
      const session = await build(quantized, { variant, endPoints: ["classifier"] });
      const { endPoints } = session.run(bytes);
      expected ??= endPoints.classifier.join();
      if (endPoints.classifier.join() !== expected)
        throw new Error(`8-bit ${variant}: expected the scalar build's numbers`);
      eightBit.push({ name: `sepconv ${variant}, 8-bit`, run: () => session.run(bytes).output });
    } catch (error) {
      console.log(`sepconv ${variant}, 8-bit: left out, ${error.message}`);
    }
  }
}
try {
  const { tf, version } = await startTfjs();
  // TensorFlow.js has no fused separable block: keeping the values between the halves keeps our passes from making one.
  const halves = graph.nodes.flatMap(({ name }) => (name.endsWith("/depthwise") ? [name] : []));
  const network = tfjsNetwork(tf, optimize(graph, new Set(halves)));
  contenders.push({ name: `tfjs-wasm ${version}`, run: () => network.run(input) });
} catch (error) {
  console.log(`tfjs-wasm: left out, ${error.message}`);
}

const [first, ...others] = contenders;
const expected = first.run();
for (const { name, run } of others) {
  const actual = run();
  const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
  if (!(worst <= 1e-4)) throw new Error(`${name}: expected the outputs of ${first.name}, got a difference of ${worst}`);
}

contenders.push(...eightBit);

// Optimized code arrives in the background, after some calls.
for (const { run } of contenders)
  for (let start = performance.now(), i = 0; i < 10 || performance.now() - start < 1000; i++) run();

const samples = new Map(contenders.map(({ name }) => [name, []]));
for (let round = 0; round < Number(options.rounds); round++) {
  const bench = new Bench({ time: 0, iterations: 3, warmup: false, retainSamples: true });
  for (const { name, run } of contenders) bench.add(name, run);
  await bench.run();
  for (const { name, result } of bench.tasks) samples.get(name).push(...result.latency.samples);
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
const rows = [...samples].map(([name, times]) => {
  const sorted = times.toSorted((a, b) => a - b);
  return {
    name,
    median: quantile(sorted, 0.5),
    p10: quantile(sorted, 0.1),
    p90: quantile(sorted, 0.9),
    runs: sorted.length,
  };
});
const reference = rows.find(({ name }) => name.startsWith("tfjs-wasm"));

console.log(
  `\nMobileNet v1 α = ${options.alpha}, ${options.resolution}×${options.resolution}, ${(macs / 1e6).toFixed(2)} M multiply-adds, batch 1, one thread`,
);
console.log(
  `Node ${process.versions.node}, V8 ${process.versions.v8}, ${os.cpus()[0]?.model ?? "unknown processor"}, ${os.arch()}`,
);
console.table(
  Object.fromEntries(
    rows.map(({ name, median, p10, p90, runs }) => [
      name,
      {
        "median ms": Number(median.toFixed(2)),
        "10 %–90 %": `${p10.toFixed(2)}–${p90.toFixed(2)}`,
        "GMAC/s": Number((macs / median / 1e6).toFixed(1)),
        ...(reference ? { "× tfjs-wasm": Number((reference.median / median).toFixed(2)) } : {}),
        runs,
      },
    ]),
  ),
);
if (options.json) {
  const host = { node: process.versions.node, v8: process.versions.v8, cpu: os.cpus()[0]?.model, arch: os.arch() };
  const network = { alpha: Number(options.alpha), resolution: Number(options.resolution), macs };
  writeFileSync(options.json, `${JSON.stringify({ date: new Date().toISOString(), host, network, rows }, null, 2)}\n`);
}
