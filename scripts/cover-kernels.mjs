/**
 * `npm run coverage:kernels`: which branches of the kernels' sources their tests reach. A counter is put at the start
 * of every function, both ways of every `if`, the body of every loop, every case, and the parts of conditions.
 *
 *   npm run coverage:kernels                 all kernels, all builds
 *   npm run coverage:kernels -- --only pool  sources whose path has it in it
 *
 * Prints the branches that no test reached in any build; exit code 1 where there are any.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { dryRun } from "./mutation/drive.mjs";
import { BUILDS, compiled, STILL, sourcesOf, testsOf } from "./mutation/kernels.mjs";
import { branchesOf, withCounters } from "./mutation/sites.mjs";

const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });
const root = fileURLToPath(new URL("../", import.meta.url));
const folder = `${root}build/mutation/branches/`;
const flags = Number(process.versions.node.split(".")[0]) < 22 ? ["--experimental-wasm-relaxed-simd"] : [];

const texts = new Map(sourcesOf().map((file) => [file, readFileSync(`${root}${file}`, "utf8")]));
const branches = [...texts]
  .filter(([file]) => file.includes(values.only))
  .flatMap(([file, text]) => branchesOf(text, { still: STILL }).map((each) => ({ ...each, file })));
branches.forEach((each, i) => {
  each.number = i;
});

/** Sources with the counters in them. */
const counted = new Map();
for (const [file, text] of texts) {
  const own = branches.filter((each) => each.file === file);
  if (own.length === 0) continue;
  counted.set(file, `import { hit, passed, ways } from "../hit"; ${withCounters(text, own)}`);
}
counted.set(
  "assembly/hit.ts",
  `export declare function hit(branch: i32): void;
  // @ts-ignore: decorator
  @inline export function ways(branch: i32, is: bool): bool { hit(is ? branch : branch + 1); return is; }
  // @ts-ignore: decorator
  @inline export function passed(branch: i32): bool { hit(branch); return true; }
  `,
);
for (const build of BUILDS) {
  const errors = await compiled(build, counted, folder);
  if (errors.length > 0) throw new Error(errors.map(({ text }) => text).join("\n"));
}

// What stands in a module at all: a function that no build calls is not there.
const path = await testsOf(
  "branches",
  `const seen = new Set();
  const hit = (branch) => { seen.add(branch); };
  globalThis.sepconvKernels = {
    folder: ${JSON.stringify(new URL("build/mutation/branches/", new URL("../", import.meta.url)).href)},
    imports: { hit: { hit } },
    instantiated: (exports) => exports,
  };
  const hooks = { activate() {}, reached() { const list = [...seen]; seen.clear(); return list; } };`,
  folder,
  values.only === "" ? undefined : new RegExp(values.only),
);
const reached = new Set();
const runs = await dryRun(path, flags);
for (const { reached: list, failure, name } of runs) {
  if (failure) console.error(`failed: ${name}: ${failure}`);
  for (const branch of list) reached.add(branch);
}
const missed = branches.filter(({ number }) => !reached.has(number));
for (const { file, line, what } of missed) console.log(`  ${file}:${line} ${what}`);
console.log(
  `kernels: ${branches.length - missed.length} of ${branches.length} branches reached, ${((100 * (branches.length - missed.length)) / branches.length).toFixed(1)} %, by ${runs.length} tests`,
);
process.exit(missed.length > 0 ? 1 : 0);
