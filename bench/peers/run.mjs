/**
 * `npm run bench:peers`: sepconv against TensorFlow.js's WebAssembly backend, onnxruntime-web, LiteRT.js and, as the
 * wall, native onnxruntime-node, with the same weights, in Node 20, a current Node and Chromium; sepconv alone in Deno
 * and Bun. One thread, batch 1, float32. Ten minutes on a quiet machine; nothing else should run beside it.
 *
 *     npm run bench:peers -- --networks 1.0_224,0.25_96 --hosts node20,chromium --rounds 20 --out somewhere
 *
 * A run with default settings writes bench/results/peers.{json,md,svg}; any other writes to --out, or to a folder for
 * temporary files. After every cell (a network on a host) the JSON is written anew, and --resume keeps its cells where
 * the kernels are still the same. What can't be had is named and left out; the rest goes on. What is inside of a timed
 * run: contenders.mjs.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    networks: { type: "string" },
    hosts: { type: "string" },
    model: { type: "string" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    "no-cold": { type: "boolean", default: false },
    resume: { type: "boolean", default: false },
    out: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  console.log(`npm run bench:peers -- [options]
  --networks LIST   such as 1.0_224,0.25_96; all six by default
  --hosts LIST      of node20, node, deno, bun, chromium; all by default
  --model FILE      a TFLite file instead of a network: sepconv beside LiteRT.js, in Chromium alone
  --rounds N        turns of each contender at most (default 60; each network has its time limit, too)
  --quick           few rounds, no conclusions: to see that it works
  --no-cold         without cold starts and download sizes
  --resume          keep the cells that an interrupted run has measured
  --out FOLDER      where peers.json, peers.md and peers.svg go`);
  process.exit(0);
}

const here = fileURLToPath(new URL("./", import.meta.url));
const root = fileURLToPath(new URL("../../", import.meta.url));
const HOSTS = ["node20", "node", "deno", "bun", "chromium"];

install();
const { ENGINES, start } = await import("./engines.mjs");
const { firstLine } = await import("./measure.mjs");
const { NETWORKS } = await import("./network.mjs");
const { coldStarts, downloads } = await import("./startup.mjs");
const { checkTargets } = await import("./targets.mjs");
const { markdown } = await import("./report.mjs");
const { chart } = await import("./chart.mjs");

const networks = chosen("networks", NETWORKS);
const hosts = chosen("hosts", HOSTS);
const whole = !options.quick && !options["no-cold"] && !options.networks && !options.hosts && !options.rounds;
const out = options.out ?? (whole ? join(root, "bench/results") : join(os.tmpdir(), "sepconv-bench-peers"));
mkdirSync(out, { recursive: true });

const rounds = Number(options.rounds ?? (options.quick ? 3 : 60));
if (!(rounds > 0)) throw new RangeError(`--rounds: expected a positive number, got ${options.rounds}`);
/** Seconds of a cell's timed part, and of one contender's warm-up, at most. */
const limits = options.quick ? { seconds: 1, warmUp: 0.3, again: false } : { seconds: 9, warmUp: 3, again: true };

const began = Date.now();
const notes = new Set();
const note = (line) => {
  if (!notes.has(line)) console.log(`  ${line}`);
  notes.add(line);
};
const kernels = createHash("sha256");
for (const variant of ["scalar", "simd", "relaxed"]) {
  kernels.update(readFileSync(join(root, `build/sepconv.${variant}.wasm`)));
}
const report = {
  date: new Date().toISOString(),
  machine: machine(),
  kernels: kernels.digest("hex").slice(0, 16),
  settings: { rounds, ...limits, quick: options.quick },
  results: [],
  cold: [],
  downloads: [],
};
if (report.machine.load > 0.3 * report.machine.cores) {
  note(`the machine is busy: load ${report.machine.load.toFixed(1)} on ${report.machine.cores} cores when this began`);
}
const earlier = options.resume ? resumed() : [];

if (options.model) {
  const browser = await openChromium();
  if (!browser) process.exit(1);
  try {
    const model = readFileSync(options.model).toString("base64");
    const { rows } = await browser.measure({ model, rounds, ...limits }, note);
    console.log(`${options.model} · Chromium ${browser.version}`);
    for (const row of rows)
      console.log(`  ${describe(row)}  ${row.disagrees ?? row.missing ?? `differs by ${row.difference.toFixed(4)}`}`);
  } finally {
    await browser.close();
  }
  process.exit(0);
}

const chromium = hosts.includes("chromium") ? await openChromium() : undefined;
try {
  for (const network of networks) {
    for (const hostKey of hosts) await cell(network, hostKey);
  }
  if (!options["no-cold"]) await startup();
  finish();
} finally {
  await chromium?.close();
}

/** The peers are not among the package's own dependencies: they are many times its size. */
function install() {
  if (!existsSync(join(root, "dist/index.js")) || !existsSync(join(root, "build/sepconv.simd.wasm"))) {
    console.error("bench:peers: expected dist/ and build/, got none: npm run build");
    process.exit(1);
  }
  const wanted = Object.keys(JSON.parse(readFileSync(join(here, "package.json"), "utf8")).dependencies);
  if (wanted.every((name) => existsSync(join(here, "node_modules", name, "package.json")))) return;
  console.log("bench:peers: installing the peers into bench/peers/node_modules (about 800 MB)");
  // onnxruntime-node has its processor build in the package; its script would fetch one for graphics cards.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" };
  const npm = (...flags) =>
    execFileSync("npm", ["install", "--no-fund", "--no-audit", ...flags], {
      cwd: here,
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
  for (const flags of [[], ["--ignore-scripts"]]) {
    try {
      npm(...flags);
      return;
    } catch (error) {
      console.log(`bench:peers: ${error.message.split("\n")[0]}`);
    }
  }
  console.log("bench:peers: the peers could not all be installed; going on with what is there");
}

function chosen(option, all) {
  if (options[option] === undefined) return all;
  const list = options[option].split(",");
  const unknown = option === "hosts" && list.find((item) => !all.includes(item));
  if (unknown) throw new RangeError(`--${option}: expected some of ${all.join(", ")}, got ${unknown}`);
  return list;
}

function machine() {
  const [cpu] = os.cpus();
  return {
    cpu: cpu?.model.trim() ?? "unknown processor",
    cores: os.cpus().length,
    arch: os.arch(),
    platform: `${os.type()} ${os.release()}`,
    load: os.loadavg()[0],
  };
}

async function openChromium() {
  try {
    return await (await import("./chromium.mjs")).startChromium();
  } catch (error) {
    note(`chromium: left out, ${firstLine(error)}`);
    return undefined;
  }
}

async function cell(network, hostKey) {
  const known = earlier.find((result) => result.network === network && result.hostKey === hostKey);
  if (known) {
    report.results.push(known);
    return;
  }
  if (hostKey === "chromium" && !chromium) return;
  console.log(`${network} · ${hostKey}`);
  const engine = ENGINES.find(({ key }) => key === hostKey);
  const log = (line) => note(`${hostKey}, ${line}`);
  const alone = engine?.peers === false;
  const given = { network, rounds, ...limits, ...(alone && { seconds: limits.seconds / 2 }) };
  try {
    const result = engine
      ? await start(engine, join(here, "host.mjs"), [JSON.stringify({ ...given, peers: engine.peers })], log)
      : { host: { name: `Chromium ${chromium.version}`, engine: "V8" }, ...(await measuredInPage(given, log)) };
    report.results.push({ hostKey, ...result });
    for (const row of result.rows) console.log(`  ${describe(row)}`);
  } catch (error) {
    note(`${hostKey}, ${network}: left out, ${firstLine(error)}`);
  }
  save();
}

/** A page that hangs must not hold up the rest. */
async function measuredInPage(given, log) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("page: took longer than 120 s")), 120_000);
  });
  return Promise.race([chromium.measure(given, log), late]).finally(() => clearTimeout(timer));
}

function describe({ name, median, p10, p90, drift }) {
  if (median === undefined) return `${name.padEnd(18)}        –`;
  const moving = drift === undefined ? "" : `  (second half ${(drift * 100).toFixed(0)} %: not steady)`;
  return `${name.padEnd(18)} ${median.toFixed(2).padStart(8)} ms  (${p10.toFixed(2)}–${p90.toFixed(2)})${moving}`;
}

async function startup() {
  console.log("cold starts");
  const able = ENGINES.filter(({ key }) => hosts.includes(key)).map(({ key, peers, command }) => ({
    key,
    peers,
    start: (script, args) => start({ command }, script, args),
  }));
  try {
    report.cold = await coldStarts(able, chromium?.coldStart, options.quick ? 2 : 7, note);
  } catch (error) {
    note(`cold starts: left out, ${firstLine(error)}`);
  }
  console.log("download sizes");
  try {
    report.downloads = await downloads(note);
  } catch (error) {
    note(`download sizes: left out, ${firstLine(error)}`);
  }
}

function resumed() {
  const file = join(out, "peers.json");
  if (!existsSync(file)) return [];
  const { kernels: before, settings, results } = JSON.parse(readFileSync(file, "utf8"));
  if (before === report.kernels && JSON.stringify(settings) === JSON.stringify(report.settings)) return results;
  console.log("bench:peers: nothing to resume: the kernels or the settings are others now");
  return [];
}

function save() {
  report.notes = [...notes];
  writeFileSync(join(out, "peers.json"), `${JSON.stringify(report, null, 1)}\n`);
}

function finish() {
  report.targets = checkTargets(report);
  report.minutes = Number(((Date.now() - began) / 60_000).toFixed(1));
  save();
  writeFileSync(join(out, "peers.md"), markdown(report));
  writeFileSync(join(out, "peers.svg"), chart(report));
  console.log("\nTargets");
  for (const { what, target, measured, reached } of report.targets) {
    const verdict =
      measured === undefined ? "not measured" : reached ? `reached      ${measured}` : `NOT REACHED  ${measured}`;
    console.log(`  ${what.padEnd(62)} ${target.padEnd(18)} ${verdict}`);
  }
  if (options.quick) console.log("\n--quick: these figures mean nothing.");
  console.log(
    `\n${report.minutes} minutes; ${["json", "md", "svg"].map((type) => join(out, `peers.${type}`)).join(", ")}`,
  );
}
