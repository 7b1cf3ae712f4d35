/**
 * `npm run graphs`: random graphs through the engine and through the naive interpreters, in all variants.
 *
 *   npm run graphs                          1,000 of them
 *   npm run graphs -- --count 100000        as many as wanted; --seconds N stops by the clock
 *   npm run graphs -- --seed 7              others; without it they are the same every time
 *
 * Each graph is built six times: in every variant with all of its values kept, which are compared one by one, and fused
 * as a caller gets it. A difference is told by the shortest recipe of it that fast-check finds, and by the seed that
 * repeats it in the tests; the exit code is then 1.
 */
import { fork } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { rolldown } from "rolldown";

/** Graphs that a process compares before the next one takes its place. */
const BATCH = 4000;

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000" },
    seconds: { type: "string" },
    seed: { type: "string", default: "1" },
  },
});
const count = Number(values.count);
const until =
  values.seconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + 1000 * Number(values.seconds);
if (!(count >= 1)) {
  console.error(`--count: expected a number from 1, got ${values.count}`);
  process.exit(1);
}

const root = new URL("../", import.meta.url);
const folder = new URL("build/graphs/", root);
const bundle = await rolldown({
  input: fileURLToPath(new URL("test/random-graphs/attempt.ts", root)),
  platform: "node",
  logLevel: "silent",
  external: /^[^./]/,
});
mkdirSync(folder, { recursive: true });
await bundle.write({
  dir: fileURLToPath(folder),
  entryFileNames: "[name].mjs",
  chunkFileNames: "[name]-[hash].mjs",
});

// Node 20 has relaxed SIMD behind a flag.
const flags = Number(process.versions.node.split(".")[0]) < 22 ? ["--experimental-wasm-relaxed-simd"] : [];
const begin = performance.now();
const total = { compared: 0, refused: 0, ops: {}, refusals: {} };
const failures = [];
for (let batch = 0; total.compared < count && performance.now() < until; batch++) {
  const seed = Number(values.seed) * 1_000_003 + batch;
  const answer = await run({ seed, count: Math.min(BATCH, count - total.compared) });
  if (answer.failure) {
    failures.push(seed);
    console.error(`SEPCONV_SEED=${seed}: ${answer.failure}`);
    if (failures.length >= 10) break;
    continue;
  }
  const { compared, refused, ops, refusals } = answer.tally;
  total.compared += compared;
  total.refused += refused;
  for (const [from, to] of [
    [ops, total.ops],
    [refusals, total.refusals],
  ]) {
    for (const [key, n] of Object.entries(from)) to[key] = (to[key] ?? 0) + n;
  }
  if (batch % 5 === 4) console.log(`${total.compared} graphs`);
}
const list = (of) =>
  Object.entries(of)
    .sort((a, b) => b[1] - a[1])
    .map(([name, n]) => `${name} ${n}`)
    .join(", ");
console.log(`nodes compared: ${list(total.ops)}`);
if (total.refused > 0) console.log(`not run: ${list(total.refusals)}`);
console.log(
  `${total.compared} graphs in ${((performance.now() - begin) / 1000).toFixed(0)} s, ${total.refused} more that are not supported, ${failures.length} batches with a difference (seed ${values.seed})`,
);
process.exit(failures.length > 0 ? 1 : 0);

/** One batch in a process of its own. */
function run(job) {
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(new URL("attempt.mjs", folder)), { execArgv: flags });
    let answer = { failure: "the process ended" };
    child.on("message", (message) => {
      answer = message;
      child.kill();
    });
    child.on("exit", () => resolve(answer));
    child.send(job);
  });
}
