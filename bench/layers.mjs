/**
 * `npm run bench:layers`: every layer of one network, by itself, in each build of the kernels: milliseconds, GFLOP/s
 * and how much that is of the peak that a loop of bare multiply-adds reaches on this machine with the same
 * instructions; fused beside separate halves; the pointwise layers as one figure.
 *
 * It runs in all engines that it finds, and writes bench/results/layers.{json,md,svg}, unless told otherwise.
 *
 *     npm run bench:layers -- --alpha 0.25 --resolution 96 --variants simd --json layers.json --markdown layers.md --svg layers.svg
 *     npm run bench:layers -- --engines node20,node24=PATH,deno=PATH,bun=PATH,chromium=/usr/bin/chromium
 */
import { mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chart } from "./layers/chart.mjs";
import { allEngines, parseEngine, runIn } from "./layers/engines.mjs";
import { makeJob } from "./layers/job.mjs";
import { markdown, summarize } from "./layers/report.mjs";

const { values: options } = parseArgs({
  options: {
    alpha: { type: "string", default: "1" },
    resolution: { type: "string", default: "224" },
    variants: { type: "string", default: "scalar,simd,relaxed" },
    engines: { type: "string" },
    rounds: { type: "string", default: "15" },
    json: { type: "string", default: inResults("layers.json") },
    markdown: { type: "string", default: inResults("layers.md") },
    svg: { type: "string", default: inResults("layers.svg") },
  },
});
const network = { alpha: Number(options.alpha), resolution: Number(options.resolution) };

const runs = [];
const { engines, missing } = options.engines
  ? { engines: options.engines.split(",").map(parseEngine), missing: [] }
  : allEngines();
for (const engine of engines) {
  for (const variant of options.variants.split(",")) {
    const job = await makeJob({ ...network, variant, rounds: Number(options.rounds) });
    console.error(`${engine.name}, ${variant} …`);
    try {
      runs.push(summarize(job, { engine: engine.name, ...(await runIn(engine, job)) }));
    } catch (error) {
      missing.push({ engine: engine.name, variant, reason: String(error.message).split("\n")[0] });
    }
  }
}

const host = { cpu: os.cpus()[0]?.model ?? "unknown processor", arch: os.arch(), cores: os.cpus().length };
const result = { date: new Date().toISOString(), host, network, runs, missing };
const text = markdown(result);
console.log(text);
mkdirSync(inResults(""), { recursive: true });
writeFileSync(options.json, `${JSON.stringify(result, rounded, 1)}\n`);
writeFileSync(options.markdown, text);
writeFileSync(options.svg, chart(result));

function inResults(name) {
  return fileURLToPath(new URL(`./results/${name}`, import.meta.url));
}

/** Five digits are more than any of these times is worth. */
function rounded(_, value) {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}
