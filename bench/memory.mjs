/**
 * `npm run bench:memory`: what rows save and cost. The same network whole, by rows, and fed row by row, in turns in one
 * process; answers are compared to the bit before anything is timed. Prints a table, and writes it to
 * bench/results/memory.md and memory.json.
 *
 *     npm run bench:memory -- --seconds 2
 */
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { build, initialize, load, mobilenetV1, quantize } from "../dist/index.js";

const { values: options } = parseArgs({ options: { seconds: { type: "string", default: "2" } } });
const SECONDS = Number(options.seconds);

/** How each network is laid out; the first one is what the others are held against. */
const LAYOUTS = {
  whole: { memory: "fast" },
  balanced: { memory: "balanced" },
  small: { memory: "small" },
  "balanced, fed": { memory: "balanced", feed: true },
  "small, fed": { memory: "small", feed: true },
};
const SIZES = [
  [1, 224],
  [0.5, 160],
  [0.25, 224],
  [0.25, 128],
  [0.25, 96],
];

const sorted = (list) => [...list].sort((a, b) => a - b);
const quantile = (list, q) => sorted(list)[Math.floor(q * (list.length - 1))];
const median = (list) => quantile(list, 0.5);

/** Sessions of one network, timed in turns: each round has one run of each, beginning with another one each time. */
async function compare(name, graph, input) {
  const sessions = [];
  for (const [layout, asked] of Object.entries(LAYOUTS)) {
    sessions.push({ layout, session: await build(graph, { variant: "simd", ...asked }), ratios: [], ms: [], last: [] });
  }
  const expected = Object.values(sessions[0].session.run(input).outputs).map((output) => output.slice());
  for (const { layout, session } of sessions) {
    Object.values(session.run(input).outputs).forEach((output, k) => {
      const other = output.findIndex((value, i) => !Object.is(value, expected[k][i]));
      if (other >= 0)
        throw new Error(
          `${name}, ${layout}: expected ${expected[k][other]} at ${other} of output ${k}, got ${output[other]}`,
        );
    });
  }
  const time = (work) => {
    const start = performance.now();
    work();
    return performance.now() - start;
  };
  for (let round = 0, end = performance.now() + 1000 * SECONDS * sessions.length; performance.now() < end; round++) {
    const took = new Map();
    for (let i = 0; i < sessions.length; i++) {
      const one = sessions[(i + round) % sessions.length];
      took.set(
        one,
        time(() => one.session.run(input)),
      );
    }
    const whole = took.get(sessions[0]);
    for (const [one, ms] of took) {
      one.ms.push(ms);
      one.ratios.push(ms / whole);
    }
    for (const { layout, session, last } of sessions) {
      if (!layout.endsWith("fed")) continue;
      const feed = session.feed();
      const before = input.subarray(0, (feed.height - 1) * feed.rowLength);
      const behind = input.subarray(before.length);
      const first = time(() => feed.rows(before));
      const rest = time(() => {
        feed.rows(behind);
        feed.done();
      });
      last.push(rest / (first + rest));
    }
  }
  const whole = sessions[0].session.memory;
  return sessions.map(({ layout, session: { memory, manifest }, ms, ratios, last }) => ({
    ...{ network: name, layout, arena: memory.arena, share: memory.arena / whole.arena },
    ...{ steps: memory.steps, total: memory.total, entries: manifest.lanes[0], ms: median(ms) },
    ...{ ratio: median(ratios), spread: [quantile(ratios, 0.1), quantile(ratios, 0.9)] },
    ...(last.length > 0 && { last: median(last) }),
  }));
}

/** The pretrained detector of `npm run demo`: MobileNet v1 and what predicts boxes on 512×512 pixels. */
async function faceDetector() {
  const home = dirname(createRequire(import.meta.url).resolve("@vladmandic/face-api/package.json"));
  const { graph } = await load(join(home, "model", "ssd_mobilenetv1_model-weights_manifest.json"));
  return graph;
}

const rows = [];
const report = () => console.log(rows.slice(-Object.keys(LAYOUTS).length).map(line).join("\n"));
for (const bits of [32, 8]) {
  for (const [alpha, resolution] of SIZES) {
    const float = initialize(mobilenetV1({ alpha, resolution }), 1);
    const sample = Float32Array.from({ length: resolution ** 2 * 3 }, (_, i) => Math.sin(i * 12.9898) % 1);
    const graph = bits === 8 ? await quantize(float, [sample], { io: "int8" }) : float;
    const input = bits === 8 ? Int8Array.from(sample, (x) => Math.round(100 * x)) : sample;
    rows.push(...(await compare(`${alpha}_${resolution} ${bits === 8 ? "int8" : "float"}`, graph, input)));
    report();
  }
}
const picture = Float32Array.from({ length: 512 ** 2 * 3 }, (_, i) => Math.sin(i * 12.9898) % 1);
rows.push(...(await compare("face detector 512", await faceDetector(), picture)));
report();

function line({ network, layout, arena, share, steps, ms, ratio, spread, last }) {
  const kb = (bytes) => `${(bytes / 1024).toFixed(bytes < 102_400 ? 1 : 0)} KB`;
  const cells = [network, layout, kb(arena), share.toFixed(2), kb(steps), ms.toFixed(ms < 1 ? 3 : 2)];
  const answer = last === undefined ? "" : `${(100 * last).toFixed(0)} %`;
  return `| ${[...cells, ratio.toFixed(3), spread.map((x) => x.toFixed(2)).join("–"), answer].join(" | ")} |`;
}

const machine = `${os.cpus()[0].model}, ${os.cpus().length} cores, Node ${process.version}, simd`;
const text = [
  "# Rows: what they save and cost",
  "",
  `${machine}; ${new Date().toISOString().slice(0, 10)}. Made by \`npm run bench:memory\`: runs in turns, answers equal to the bit.`,
  "",
  "Activations: values and scratch that are alive at the same time. Schedule: step records and entries. Time: the",
  "median of a round's ratio to the whole network's run in the same round, and the span of the middle 80 %. Answer: the",
  "share of a run that is still to be done when the last row of the picture has come.",
  "",
  "| network | layout | activations | of whole | schedule | ms | time | 10–90 % | answer |",
  "|---|---|--:|--:|--:|--:|--:|--:|--:|",
  ...rows.map(line),
  "",
].join("\n");
const results = new URL("results/", import.meta.url);
writeFileSync(new URL("memory.md", results), text);
writeFileSync(new URL("memory.json", results), `${JSON.stringify({ machine, rows }, null, 1)}\n`);
console.log(`\nwritten to bench/results/memory.md`);
