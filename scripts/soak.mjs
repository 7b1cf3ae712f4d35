/**
 * `npm run soak`: what a server does for months, for as many minutes as are asked for.
 *
 *   npm run soak -- --minutes 10                 loads, runs and disposes of networks of several kinds, over and over
 *   npm run soak -- --inferences 1000000         one network (α = 0.25, 96×96), that many inferences
 *   npm run soak -- --minutes 10 --chart soak    writes soak.svg and soak.json, too
 *
 * What is looked at: resident memory, what JavaScript and WebAssembly hold, and how long loads and runs take, in
 * windows of a second and more. The first tenth is the warm-up. Exit code 1 where resident memory rises after it: by
 * more than 1 MiB from the median of the next tenth to that of the last, or, of one network, by more than 1 MiB
 * anywhere.
 */
import { writeFileSync } from "node:fs";
import os from "node:os";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { build, initialize, load, mobilenetV1, quantize, toTflite } from "../dist/index.js";
import { soakChart } from "./soak-chart.mjs";

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    inferences: { type: "string" },
    seed: { type: "string", default: "1" },
    chart: { type: "string" },
  },
});
const minutes = Number(values.minutes ?? 1);
const inferences = Number(values.inferences ?? 0);
if (!(minutes > 0) || !(inferences >= 0)) {
  console.error("--minutes, --inferences: expected a number above 0");
  process.exit(1);
}
const MIB = 2 ** 20;
/** MiB that memory may rise by: what is held, and what is resident. */
const FLAT = 1;
const RESIDENT = 16;

const sorted = (list) => [...list].sort((a, b) => a - b);
const quantile = (list, q) => sorted(list)[Math.min(list.length - 1, Math.floor(q * list.length))] ?? 0;
const now = () => performance.now() / 1000;
const began = now();
const samples = [];

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/** One window's numbers; `live`: MiB of the memories that networks have. */
function sample(done, live, loads, runs) {
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  samples.push({
    ...{ seconds: now() - began, done, live, rss: rss / MIB, heap: heapUsed / MIB, buffers: external / MIB },
    ...{ load50: quantile(loads, 0.5), load99: quantile(loads, 0.99) },
    ...{ run50: quantile(runs, 0.5), run99: quantile(runs, 0.99) },
  });
}

const graph = (alpha, resolution) => initialize(mobilenetV1({ alpha, resolution }), 1);

if (inferences > 0) await oneNetwork();
else await manyNetworks();

async function oneNetwork() {
  const session = await build(graph(0.25, 96));
  const input = session.input();
  input.set(Float32Array.from(input, (_, i) => Math.sin(i / 50)));
  session.compute();
  const first = session.output().slice();
  const every = Math.ceil(inferences / 200);
  let runs = [];
  for (let done = 1; done <= inferences; done++) {
    const start = performance.now();
    session.compute();
    if (done % 16 === 0) runs.push(performance.now() - start);
    if (done % every !== 0) continue;
    sample(done, session.memory.total / MIB, [], runs);
    runs = [];
    await new Promise(setImmediate);
  }
  const same = session.output().every((value, i) => Object.is(value, first[i]));
  const warm = samples.slice(samples.length / 10).map(({ rss }) => rss);
  const rise = Math.max(...warm) - warm[0];
  finish(`${inferences} inferences at α = 0.25, 96×96 (${session.variant})`, same ? rise : Number.NaN, {
    answers: same ? "the last answer is the first one's, to the bit" : "the last answer is another than the first",
  });
}

async function manyNetworks() {
  let state = Number(values.seed) >>> 0;
  const random = (n) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 12)) >>> 0) % n;
  };
  const float = graph(0.25, 96);
  const sampleInput = Float32Array.from({ length: 96 * 96 * 3 }, (_, i) => Math.sin(i / 50));
  const saved = await build(float);
  const files = [
    await toTflite(float),
    await toTflite(graph(0.25, 128)),
    await toTflite(await quantize(float, [sampleInput])),
    saved.save(),
  ];
  saved.dispose();
  const end = began + 60 * minutes;
  const live = [];
  let [loads, runs, done, next, opened] = [[], [], 0, began + 1, 0];
  const width = Math.max(1, (60 * minutes) / 200);
  while (now() < end) {
    const start = performance.now();
    const options = random(2) ? { memory: "small" } : random(2) ? { endPoints: [] } : {};
    const bytes = files[random(files.length)];
    const session = await load(bytes, bytes === files[3] ? {} : options);
    loads.push(performance.now() - start);
    opened++;
    const size = session.inputs[0].shape.reduce((a, b) => a * b, 1);
    const Numbers = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array }[session.inputs[0].dtype];
    const input = Numbers.from({ length: size }, (_, i) => (i % 7) / 7);
    live.push({ session, input });
    // Up to eight at a time: some go at once, some stay while others come.
    while (live.length > random(8)) live.splice(random(live.length), 1)[0]?.session.dispose();
    for (const each of live) {
      for (let n = random(20); n > 0; n--) {
        const from = performance.now();
        each.session.run(each.input);
        runs.push(performance.now() - from);
        done++;
      }
    }
    // What clients do wrong must leave nothing behind, either.
    await load(files[0].subarray(0, random(files[0].length))).catch(() => {});
    await load(files[0], { signal: AbortSignal.abort() }).catch(() => {});
    if (now() < next) continue;
    next += width;
    const held = live.reduce((sum, each) => sum + each.session.memory.total, 0);
    sample(done, held / MIB, loads, runs);
    [loads, runs] = [[], []];
  }
  const tenth = Math.max(1, Math.floor(samples.length / 10));
  const median = (list, of) => quantile(list.map(of), 0.5);
  const risen = (of) => median(samples.slice(-tenth), of) - median(samples.slice(tenth, 2 * tenth), of);
  const held = risen((each) => each.heap + each.buffers - each.live);
  const resident = risen(({ rss }) => rss);
  finish(`${opened} networks loaded and disposed of, ${done} inferences in ${minutes} minutes`, resident, {
    flat: held <= FLAT && resident <= RESIDENT,
    held: `held once garbage is collected, live networks left out: risen by ${held.toFixed(2)} MiB`,
  });
}

function finish(what, rise, { flat = rise <= FLAT, ...more }) {
  const [last] = samples.slice(-1);
  const warm = samples.slice(samples.length / 10);
  const all = (key, q) =>
    quantile(
      warm.map((each) => each[key]),
      q,
    );
  const lines = [
    what,
    `resident memory ${all("rss", 0).toFixed(1)} to ${all("rss", 1).toFixed(1)} MiB after the warm-up, at the end ${last.rss.toFixed(1)}; risen by ${rise.toFixed(2)} MiB: ${flat ? "flat" : "not flat"}`,
    `a run: median ${all("run50", 0.5).toFixed(3)} ms, 99th percentile ${all("run99", 0.5).toFixed(3)} ms (medians of windows)`,
    ...(all("load50", 0.5) > 0
      ? [`a load: median ${all("load50", 0.5).toFixed(2)} ms, 99th percentile ${all("load99", 0.5).toFixed(2)} ms`]
      : []),
    ...Object.values(more),
  ];
  console.log(lines.join("\n"));
  if (values.chart) {
    const machine = `Node ${process.versions.node}, ${os.cpus()[0]?.model.trim()}`;
    writeFileSync(
      `${values.chart}.json`,
      `${JSON.stringify({ what, machine, summary: lines, samples }, undefined, 1)}\n`,
    );
    writeFileSync(`${values.chart}.svg`, soakChart({ what, machine, samples }));
  }
  process.exit(flat ? 0 : 1);
}
