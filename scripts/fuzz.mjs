/**
 * `npm run fuzz`: mutated files into every reader and into `decodeImage`, in processes of their own.
 *
 *   npm run fuzz                                      1,000 files of each format
 *   npm run fuzz -- --format tflite --count 100000    as many as wanted; --seconds N stops by the clock
 *   npm run fuzz -- --total 1000000                   so many over all formats together
 *   npm run fuzz -- --seed 7                          other changes; without it they are the same every time
 *
 * A file passes when it loads (and runs) or is refused by one of the package's errors, within 2 seconds of processor
 * time and the memory that its limits allow. One that does not is written to test/fuzz/found/, which the tests try from
 * then on; the exit code is then 1.
 */
import { fork } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { rolldown } from "rolldown";
import { processorSeconds } from "./mutation/drive.mjs";

const FORMATS = ["tflite", "keras", "tfjs", "safetensors", "face-api", "onnx", "frozen", "picture"];
/**
 * Seconds of the processor without a word until a process counts as hung: a machine that is busy, asleep or that was
 * stopped is no fault of the file. Where the host does not tell them, seconds that go by, counted one by one.
 */
const HANG = 60;
/**
 * Resident bytes of a process: Node itself and the seeds, and twice the limits of a file (what was read, what was made
 * of it).
 */
const RESIDENT = (384 + 2 * 96) * 2 ** 20;

const { values } = parseArgs({
  options: {
    format: { type: "string", multiple: true },
    count: { type: "string", default: "1000" },
    total: { type: "string" },
    seconds: { type: "string" },
    seed: { type: "string", default: "1" },
  },
});
const formats = values.format ?? FORMATS;
/** How many files of a total a format gets: fewer where each of them is large and takes longer. */
const SHARES = { "face-api": 0.05, safetensors: 0.5, frozen: 0.5 };
const share = (format) => SHARES[format] ?? 1;
const shares = formats.reduce((sum, format) => sum + share(format), 0);
const countOf = (format) =>
  values.total === undefined ? Number(values.count) : Math.ceil((Number(values.total) * share(format)) / shares);
const until =
  values.seconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + 1000 * Number(values.seconds);
const unknown = formats.find((format) => !FORMATS.includes(format));
if (unknown || !(Number(values.total ?? values.count) >= 1)) {
  console.error(
    unknown
      ? `--format: expected one of ${FORMATS.join(", ")}, got ${unknown}`
      : `--count, --total: expected a number from 1, got ${values.total ?? values.count}`,
  );
  process.exit(1);
}

const root = new URL("../", import.meta.url);
const found = fileURLToPath(new URL("test/fuzz/found/", root));
const worker = fileURLToPath(new URL("build/fuzz/attempt.mjs", root));
const bundle = await rolldown({
  input: fileURLToPath(new URL("test/fuzz/attempt.ts", root)),
  platform: "node",
  logLevel: "silent",
  external: /^[^./]/,
});
mkdirSync(new URL("build/fuzz/", root), { recursive: true });
// Beside the kernels' folder, as the sources are: addresses of the modules are relative to the file.
await bundle.write({
  dir: fileURLToPath(new URL("build/fuzz/", root)),
  entryFileNames: "[name].mjs",
  chunkFileNames: "[name]-[hash].mjs",
});

let failed = 0;
let total = 0;
for (const format of formats) {
  const begin = performance.now();
  const count = countOf(format);
  const outcomes = new Map();
  const times = [];
  let [next, rss] = [0, 0];
  while (next < count && performance.now() < until) {
    const first = Number(values.seed) * 1_000_000_007 + next;
    const result = await batch({ format, first, count: Math.min(5000, count - next), folder: found }, (message) => {
      if (message.outcome)
        outcomes.set(message.outcome.replace(/\d.*/, ""), (outcomes.get(message.outcome.replace(/\d.*/, "")) ?? 0) + 1);
      if (message.ms) times.push(message.ms);
      rss = Math.max(rss, message.rss ?? 0);
      if (message.rss > RESIDENT)
        report(format, `resident memory of ${Math.round(message.rss / 2 ** 20)} MiB`, message.number);
      if (message.fault) report(format, message.fault, message.number, message.kept);
    });
    next += result;
    if (next < count) console.log(`${format}: ${next} of ${count}`);
  }
  total += next;
  times.sort((a, b) => a - b);
  const summary = [...outcomes].sort((a, b) => b[1] - a[1]).map(([name, n]) => `${name.trim()} ${n}`);
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  console.log(
    `${format}: ${next} files in ${seconds} s; slowest ${Math.round(times.at(-1) ?? 0)} ms, resident ${Math.round(rss / 2 ** 20)} MiB; ${summary.join(", ")}`,
  );
}
console.log(`${total} files in all, ${failed} not treated rightly (seed ${values.seed})`);
process.exit(failed ? 1 : 0);

function report(format, fault, number, kept) {
  failed++;
  console.error(`${format} ${number}: ${fault}${kept ? ` → ${kept}` : ""}`);
}

/** Runs files first … first + count in one process; resolves to how many were tried. */
function batch(job, onMessage) {
  return new Promise((resolve, reject) => {
    const child = fork(worker, { stdio: ["ignore", "ignore", "pipe", "ipc"], execArgv: ["--max-old-space-size=1024"] });
    let [current, heard, ticks, errors] = [job.first - 1, 0, 0, ""];
    const seconds = () => processorSeconds(child.pid) ?? ticks;
    const timer = setInterval(() => {
      ticks++;
      if (seconds() - heard > HANG) child.kill("SIGKILL");
    }, 1000);
    child.stderr.on("data", (data) => {
      errors = (errors + data).slice(-2000);
    });
    child.on("message", (message) => {
      if (message.crashed) errors = message.crashed.slice(0, 500);
      if (message.number !== undefined) {
        current = message.number;
        heard = seconds();
        onMessage(message);
      } else if (message.kept) onMessage(message);
      if (message.done || message.crashed) child.kill();
      if (message.done) current = job.first + job.count - 1;
    });
    child.on("exit", async (code, signal) => {
      clearInterval(timer);
      const tried = current - job.first + 1;
      if (tried === job.count) return resolve(tried);
      if (current < job.first)
        return reject(new Error(`${job.format}: the process ended before its first file: ${errors}`));
      const fault =
        signal === "SIGKILL"
          ? `no answer in ${HANG} s`
          : `the process ended with ${code ?? signal}: ${errors.slice(0, 500)}`;
      await batch(
        { ...job, first: current, count: -1 },
        (message) => message.kept && report(job.format, fault, current, message.kept),
      ).catch(() => report(job.format, fault, current));
      resolve(tried);
    });
    child.send(job);
  });
}
