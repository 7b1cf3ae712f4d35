/**
 * `npm run mutate`: changes operators, numbers and conditions of the planner, of what makes 8-bit parameters and of
 * what validates files, one at a time, and expects a test to notice.
 *
 *   npm run mutate                                 a sample of 400
 *   npm run mutate -- --count 0                    all of them
 *   npm run mutate -- --area planner --seed 7      one area, another sample
 *   npm run mutate -- --show                       what no test noticed
 *
 * All changes are in one bundle of the sources and their tests, each behind a condition; the tests that reach a change
 * run with it. Exit code 1 where less than 85 % are noticed.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { rolldown } from "rolldown";
import { dryRun, sampleOf, tryAll } from "./mutation/drive.mjs";
import { mutantsOf, withMutants } from "./mutation/sites.mjs";

const LEAST = 0.85;

/** Sources, and the tests that are to notice. */
const AREAS = {
  planner: {
    sources: /^src\/engine\/(plan\/\w+|footprint)\.ts$/,
    tests: ["engine/plan", "engine/arena", "engine/check", "engine/rows", "engine/lanes", "engine/session"],
  },
  quantization: {
    sources: /^src\/(graph\/quant|quantize\/(calibrate|entropy|equalize|quantize)|engine\/lower\/requantize)\.ts$/,
    tests: [
      ...["quantize/quantize", "quantize/entropy", "engine/requantize", "networks/quantized"],
      ...["networks/quantized-random", "graph/input-range"],
    ],
  },
  files: {
    sources:
      /^src\/(limits|graph\/validate|formats\/(common\/(integers|slices|decode|zip|shards)|safetensors\/read|tflite\/(flatbuffer|constants|flexbuffer|sparse)|hdf5\/(bytes|types|filters|chunks)|onnx\/(protobuf|bytes)))\.ts$/,
    tests: [
      ...["limits", "graph/validate", "formats/safetensors", "formats/tflite-lies", "formats/tflite-lies-int8"],
      ...["formats/tflite", "formats/tflite-limits", "formats/tflite-sparse", "formats/tflite-shapes"],
      ...["formats/keras-lies", "formats/keras-hdf5", "formats/keras-files", "formats/zip", "formats/tfjs-shards"],
      ...["formats/tfjs-limits", "formats/source", "formats/onnx/lies", "formats/onnx/further"],
      ...["formats/tflite-detection", "formats/tflite-poses", "formats/onnx/networks", "formats/inflate"],
    ],
  },
};

const { values } = parseArgs({
  options: {
    area: { type: "string", multiple: true },
    count: { type: "string", default: "400" },
    seed: { type: "string", default: "1" },
    show: { type: "boolean", default: false },
  },
});
const areas = values.area ?? Object.keys(AREAS);
const unknown = areas.find((area) => !Object.hasOwn(AREAS, area));
if (unknown) {
  console.error(`--area: expected one of ${Object.keys(AREAS).join(", ")}, got ${unknown}`);
  process.exit(1);
}

const root = new URL("../", import.meta.url);
const folder = new URL("build/mutation/", root);
mkdirSync(folder, { recursive: true });
const flags = Number(process.versions.node.split(".")[0]) < 22 ? ["--experimental-wasm-relaxed-simd"] : [];
let failed = false;
for (const area of areas) {
  const { all, path } = await bundled(area);
  const begin = performance.now();
  const runs = await dryRun(path, flags);
  for (const { name, failure } of runs) if (failure) console.error(`without a change, left out: ${name}: ${failure}`);
  const sound = runs.filter(({ failure }) => !failure).sort((a, b) => a.ms - b.ms);
  const testsOf = new Map(all.map(({ number }) => [number, []]));
  for (const { test, reached } of sound) for (const number of reached) testsOf.get(number)?.push(test);
  const chosen = values.count === "0" ? all : sampleOf(all, Number(values.count), Number(values.seed));
  const missed = [];
  let done = 0;
  const jobs = chosen.map(({ number }) => ({ number, tests: testsOf.get(number) }));
  for (const { number } of jobs.filter(({ tests }) => tests.length === 0)) missed.push([number, "no test comes there"]);
  await tryAll(
    path,
    jobs.filter(({ tests }) => tests.length > 0),
    (number, killed) => {
      if (!killed) missed.push([number, "no test fails"]);
      if (++done % 100 === 0) console.log(`${area}: ${done} of ${jobs.length}`);
    },
    flags,
  );
  const share = 1 - missed.length / chosen.length;
  failed ||= share < LEAST;
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  console.log(
    `${area}: ${chosen.length} of ${all.length} changes (seed ${values.seed}), ${chosen.length - missed.length} noticed, ${(100 * share).toFixed(1)} %, in ${seconds} s by ${sound.length} tests`,
  );
  if (!values.show) continue;
  for (const [number, why] of missed.sort((a, b) => a[0] - b[0])) {
    const { file, line, what } = all.find((each) => each.number === number);
    console.log(`  ${file}:${line} ${why}: ${what.replace(/\s+/g, " ").slice(0, 140)}`);
  }
}
process.exit(failed ? 1 : 0);

/** Sources with all changes in them, and the tests. */
async function bundled(area) {
  const { sources, tests } = AREAS[area];
  const all = [];
  const entry = `\0${area}`;
  const bundle = await rolldown({
    input: entry,
    platform: "node",
    logLevel: "silent",
    treeshake: false,
    external: (id) => /^[^./\0]/.test(id) && id !== "vitest" && !id.startsWith("/"),
    plugins: [
      {
        name: "mutation",
        resolveId(id) {
          if (id === entry) return id;
          if (id === "vitest") return fileURLToPath(new URL("scripts/mutation/vitest.mjs", root));
          return null;
        },
        load(id) {
          if (id !== entry) return null;
          const paths = tests.map((name) => fileURLToPath(new URL(`test/${name}.test.ts`, root)));
          return `
            import { collect } from ${JSON.stringify(fileURLToPath(new URL("scripts/mutation/vitest.mjs", root)))};
            import { serve } from ${JSON.stringify(fileURLToPath(new URL("scripts/mutation/child.mjs", root)))};
            ${paths.map((path) => `await collect(${JSON.stringify(path)}, () => import(${JSON.stringify(path)}));`).join("\n")}
            serve();`;
        },
        transform(code, id) {
          if (!id.startsWith("/") || id.includes("node_modules")) return null;
          let text = code;
          const file = relative(fileURLToPath(root), id);
          if (sources.test(file)) {
            const own = mutantsOf(readFileSync(id, "utf8")).map((each, i) => ({
              ...each,
              file,
              number: all.length + i,
            }));
            all.push(...own);
            text = withMutants(
              text,
              own,
              (number, changed, original) => `(sepconvMutation.is(${number})?(${changed}):(${original}))`,
            );
          }
          const address = JSON.stringify(pathToFileURL(id).href);
          return { code: text.replaceAll("import.meta.url", address) };
        },
      },
    ],
  });
  const name = `${area}.mjs`;
  await bundle.write({ dir: fileURLToPath(folder), entryFileNames: name, chunkFileNames: `${area}-[name]-[hash].mjs` });
  return { all, path: fileURLToPath(new URL(name, folder)) };
}
