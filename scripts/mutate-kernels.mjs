/**
 * `npm run mutate:kernels`: changes operators, constants and bounds of the kernels' sources, one at a time, and expects
 * one of the kernels' tests to notice.
 *
 *   npm run mutate:kernels                         a sample of 300
 *   npm run mutate:kernels -- --count 0            all of them
 *   npm run mutate:kernels -- --only pool --seed 7 sources whose path has it in it, another sample
 *   npm run mutate:kernels -- --show               what no test noticed
 *
 * The changes that were chosen are compiled into all four builds, each behind a comparison with a global number, so
 * that the modules are made once; what the compiler must decide (and so refuses behind a condition) is left out and
 * counted. Tried are the tests of the kernels that use the changed source, until one fails that passes without the
 * change. Exit code 1 where less than 90 % are noticed.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { listOf, sampleOf, tryAll } from "./mutation/drive.mjs";
import { BUILDS, compiled, homesOf, STILL, sourcesOf, testsOf, usedBy } from "./mutation/kernels.mjs";
import { mutantsOf, withMutants } from "./mutation/sites.mjs";

const LEAST = 0.9;
const { values } = parseArgs({
  options: {
    count: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    show: { type: "boolean", default: false },
  },
});
const root = fileURLToPath(new URL("../", import.meta.url));
const folder = `${root}build/mutation/kernels/`;
const flags = Number(process.versions.node.split(".")[0]) < 22 ? ["--experimental-wasm-relaxed-simd"] : [];

const begin = performance.now();
const sources = sourcesOf();
const texts = new Map(sources.map((file) => [file, readFileSync(`${root}${file}`, "utf8")]));
const all = [...texts]
  .filter(([file]) => file.includes(values.only))
  .flatMap(([file, text]) => mutantsOf(text, { still: STILL }).map((each) => ({ ...each, file })));
all.forEach((each, i) => {
  each.number = i + 1;
});
let chosen = values.count === "0" ? all : sampleOf(all, Number(values.count), Number(values.seed));
const asked = chosen.length;

// What the compiler refuses is taken out until it takes the rest.
for (const build of BUILDS) {
  for (;;) {
    const errors = await compiled(build, changed(chosen), folder);
    if (errors.length === 0) break;
    const bad = new Set(errors.flatMap(culprits));
    if (bad.size === 0) bad.add(await culprit(build));
    chosen = chosen.filter((each) => !bad.has(each));
  }
}
// And what was taken out for one build must not be left in those before.
for (const build of BUILDS) await compiled(build, changed(chosen), folder);
console.log(
  `${chosen.length} of ${asked} changes compile, of ${all.length} in all; built in ${((performance.now() - begin) / 1000).toFixed(0)} s`,
);

const CONVOLUTIONS = ["conv_s8", "dwconv_s8", "separable_s8", "pwconv_s8", "pwconv_s8_pack"];
const MANY = {
  random: ["conv_f32", "dwconv_f32", "dwconv3x3_f32", "separable_f32", "pwconv_f32", "maxpool_f32"],
  convolutions_s8: CONVOLUTIONS,
  single_precision_s8: CONVOLUTIONS,
  pack_s8: CONVOLUTIONS,
};

const path = await testsOf(
  "kernels",
  `const modules = [];
  let active = 0;
  globalThis.sepconvKernels = {
    folder: ${JSON.stringify(new URL("build/mutation/kernels/", new URL("../", import.meta.url)).href)},
    instantiated(exports) {
      modules.push(exports);
      exports.MUTANT.value = active;
      return exports;
    },
  };
  const hooks = {
    activate(number) {
      active = number;
      for (const { MUTANT } of modules) MUTANT.value = number;
    },
  };`,
  folder,
);
const tests = await listOf(path, flags);
const uses = usedBy(sources);
const homes = homesOf(sources);
/** Which sources the kernels use that a file of tests is about: it is called after one of them, or after many. */
const about = new Map(
  [...new Set(tests.map(({ file }) => file))].map((file) => {
    const name = file.replace(/.*\/|\.test\.ts$/g, "");
    const kernels = MANY[name] ?? [name];
    const known = kernels.filter((kernel) => homes.has(kernel));
    if (known.length === 0)
      throw new Error(`${file}: expected the name of a kernel, or to be told which ones it tries`);
    return [file, new Set(known.flatMap((kernel) => [...uses.get(homes.get(kernel))]))];
  }),
);
const jobs = chosen.map(({ number, file }) => ({
  number,
  tests: mixed(
    tests.filter((each) => about.get(each.file).has(file)),
    number,
  ),
}));
const missed = [];
let done = 0;
await tryAll(
  path,
  jobs,
  (number, killed) => {
    if (!killed) missed.push(number);
    if (++done % 50 === 0) console.log(`${done} of ${jobs.length}, ${missed.length} not noticed`);
  },
  flags,
);
const share = 1 - missed.length / chosen.length;
if (values.show) {
  for (const number of missed.sort((a, b) => a - b)) {
    const { file, line, what } = all[number - 1];
    console.log(`  ${file}:${line} ${what.replace(/\s+/g, " ").slice(0, 140)}`);
  }
}
const seconds = ((performance.now() - begin) / 1000).toFixed(0);
console.log(
  `kernels: ${chosen.length} of ${all.length} changes (seed ${values.seed}; ${asked - chosen.length} more did not compile), ${chosen.length - missed.length} noticed, ${(100 * share).toFixed(1)} %, in ${seconds} s by ${tests.length} tests`,
);
process.exit(share < LEAST ? 1 : 0);

/** Tests in an order that is soon through with all kinds of cases, the builds in turn. */
function mixed(list, seed) {
  return sampleOf(list, list.length, seed).map(({ test }) => test);
}

/** Sources with changes in them. */
function changed(mutants) {
  const result = new Map();
  for (const [file, text] of texts) {
    const own = mutants.filter((each) => each.file === file);
    if (own.length === 0) continue;
    const choose = (number, replacement, original) => `(MUTANT == ${number} ? (${replacement}) : (${original}))`;
    result.set(file, `import { MUTANT } from "../mutant"; ${withMutants(text, own, choose)}`);
  }
  result.set("assembly/mutant.ts", "export let MUTANT: i32 = 0;\n");
  const index = readFileSync(`${root}assembly/index.ts`, "utf8");
  result.set("assembly/index.ts", `${index}\nexport { MUTANT } from "./mutant";\n`);
  return result;
}

/**
 * The changes that an error of the compiler may be about: those it lies in, else those of its line, else of its
 * function.
 */
function culprits({ file, line, column }) {
  const own = chosen.filter((each) => each.file === file);
  if (own.length === 0) return [];
  const text = changed(chosen).get(file);
  const at =
    text
      .split("\n")
      .slice(0, line - 1)
      .join("\n").length +
    1 +
    column -
    1;
  const inside = own.filter(({ number }) => {
    const start = text.indexOf(`(MUTANT == ${number} ?`);
    return start >= 0 && start <= at && at <= end(text, start);
  });
  if (inside.length > 0) return inside;
  const same = own.filter((each) => each.line === line);
  if (same.length > 0) return same;
  const starts = [...texts.get(file).matchAll(/^(export )?function /gm)].map(
    ({ index }) => texts.get(file).slice(0, index).split("\n").length,
  );
  const from = starts.filter((start) => start <= line).at(-1) ?? 0;
  const to = starts.find((start) => start > line) ?? Number.POSITIVE_INFINITY;
  const around = own.filter((each) => each.line >= from && each.line < to);
  return around.length > 0 ? around : own;
}

/** The change without which those before it compile, where an error lies elsewhere. */
async function culprit(build) {
  let [good, bad] = [0, chosen.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if ((await compiled(build, changed(chosen.slice(0, middle)), folder)).length > 0) bad = middle;
    else good = middle;
  }
  return chosen[bad - 1];
}

/** Where the parenthesis that opens at `start` closes. */
function end(text, start) {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === "(") depth++;
    else if (text[i] === ")" && --depth === 0) return i;
  }
  return text.length;
}
