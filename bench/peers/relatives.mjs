/**
 * `node bench/peers/relatives.mjs`: MobileNet v2 1.0_224, v3-small 1.0_224 and, where its file is given, BlazeFace,
 * beside TensorFlow.js's WebAssembly backend and onnxruntime-web, with the same weights, in this Node, one thread,
 * batch 1, float32. `npm run bench:peers` has installed the peers before.
 *
 *     node bench/peers/relatives.mjs --face face_detection_front.tflite --out bench/results
 *
 * Everyone takes turns (measure.mjs); outputs are compared before anything is timed. Writes relatives.json and
 * relatives.md to --out. Fails where plain SIMD falls behind what is expected of it: 1.3 times the speed of tfjs-wasm,
 * 1.6 times that of onnxruntime-web.
 */
import { writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { load } from "../../dist/index.js";
import { peers, sepconvs } from "./contenders.mjs";
import { measure } from "./measure.mjs";
import { networkOf, prepared, RELATIVES } from "./network.mjs";

/** Times as fast as each peer, with plain SIMD. */
const FLOORS = { "tfjs-wasm": 1.3, "onnxruntime-web": 1.6 };

const { values: options } = parseArgs({
  options: {
    face: { type: "string" },
    only: { type: "string" },
    out: { type: "string" },
    rounds: { type: "string", default: "60" },
    seconds: { type: "string", default: "9" },
  },
});
const limits = { rounds: Number(options.rounds), seconds: Number(options.seconds), warmUp: 3, again: true };

const networks = Object.keys(RELATIVES)
  .filter((name) => !options.only || name.includes(options.only))
  .map((name) => networkOf(name));
if (options.face) networks.push(prepared("BlazeFace 128", (await load(options.face)).graph));

const results = [];
let slow = 0;
for (const network of networks) {
  const contenders = [...sepconvs(network), ...peers(network)].filter(({ name }) => !/scalar|node/.test(name));
  const rows = await measure(contenders, limits, (line) => console.log(`  ${line}`));
  results.push({ network: network.name, macs: network.macs, rows });
  const own = rows.find(({ name }) => name === "sepconv simd").median;
  for (const { name, median, p10, p90, disagrees, missing } of rows) {
    const ratio = median / own;
    const late = median !== undefined && FLOORS[name] !== undefined && ratio < FLOORS[name];
    if (late) slow++;
    const times =
      median === undefined ? (disagrees ?? missing) : `${median.toFixed(2)} ms [${p10.toFixed(2)}, ${p90.toFixed(2)}]`;
    console.log(
      `${network.name.padEnd(18)} ${name.padEnd(18)} ${times}${median ? ` ×${ratio.toFixed(2)}` : ""}${late ? " BELOW" : ""}`,
    );
  }
}
if (options.out) write(options.out);
process.exit(slow > 0 ? 1 : 0);

function write(folder) {
  const machine = `${os.cpus()[0]?.model.trim()}, ${os.cpus().length} cores, Node ${process.version.slice(1)}`;
  writeFileSync(
    join(folder, "relatives.json"),
    `${JSON.stringify({ date: new Date().toISOString(), machine, limits, results }, null, 1)}\n`,
  );
  const measured = ({ name }) => results.some(({ rows }) => rows.some((row) => row.name === name && row.median));
  const names = results[0].rows.filter(measured).map(({ name }) => name);
  const cell = (row) => (row?.median === undefined ? "–" : row.median.toFixed(2));
  const ratio = (rows, name) => {
    const [own, other] = ["sepconv simd", name].map((one) => rows.find((row) => row.name === one)?.median);
    return own && other ? `${(other / own).toFixed(2)} times` : "–";
  };
  const head = ["ms", "multiply-adds", ...names, "simd beside tfjs-wasm", "simd beside onnxruntime-web"];
  const lines = [
    "# MobileNet v1's relatives beside others",
    "",
    "Medians of interleaved runs with the same weights, one thread, batch 1, float32; outputs were compared first.",
    `Written by \`node bench/peers/relatives.mjs\` on: ${machine}.`,
    "",
    `| ${head.join(" | ")} |`,
    `|---|${head
      .slice(1)
      .map(() => "--:|")
      .join("")}`,
    ...results.map(({ network, macs, rows }) => {
      const times = names.map((name) => cell(rows.find((row) => row.name === name)));
      const beside = Object.keys(FLOORS).map((name) => ratio(rows, name));
      return `| ${[network, `${Math.round(macs / 1e6)} M`, ...times, ...beside].join(" | ")} |`;
    }),
    "",
  ];
  writeFileSync(join(folder, "relatives.md"), lines.join("\n"));
}
