/**
 * The files that `toTflite` writes, read by a reader that is not ours: LiteRT.js, in Chromium. The unit tests of the
 * writer keep each file with an input and the session's answer; here they are run once more.
 */
import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { answersOf, serve } from "./browser.mjs";
import { bin, CACHE, ROOT, run, tools, write } from "./tools.mjs";

/** Floats: sums in another order. Relative to the largest number of the answer. */
const FLOAT = 1e-5;
/**
 * Bytes: how many steps LiteRT.js may be away. Its kernels round a product of scales in floats where TFLite's reference
 * does in integers.
 */
const STEPS = 1;
/** … and behind several layers, each of which adds its own. */
const DEEP_STEPS = 4;

const PAGE = `<!doctype html><script type="module" src="page.js"></script>`;

const PROGRAM = `
import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";
const array = ({ dtype, base64 }) => {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new globalThis[dtype](bytes.buffer);
};
const kept = (numbers) => ({ dtype: numbers.constructor.name, numbers: [...numbers] });
await loadLiteRt("/litert/", { threads: false });
const answers = [];
for (const name of await (await fetch("names.json")).json()) {
  const { test, shape, layers, input, outputs } = await (await fetch(name + ".json")).json();
  const one = { name, test, layers, expected: outputs.map((output) => ({ ...kept(array(output)), step: output.step })) };
  try {
    const file = new Uint8Array(await (await fetch(name + ".tflite")).arrayBuffer());
    const model = await loadAndCompile(file, { accelerator: "wasm" });
    const tensor = new Tensor(array(input), shape);
    const results = await model.run(tensor);
    one.got = results.map((result) => kept(result.toTypedArray()));
    tensor.delete();
    for (const result of results) result.delete();
    model.delete();
  } catch (error) {
    one.refused = String(error.message ?? error).slice(0, 300);
  }
  answers.push(one);
}
globalThis.answers = answers;`;

/** How far two answers are apart: in steps where they have some, else as a share of the largest number. */
function apart(expected, got) {
  if (got === undefined || got.numbers.length !== expected.numbers.length) return Number.POSITIVE_INFINITY;
  const largest = expected.numbers.reduce((most, x) => Math.max(most, Math.abs(x)), 0) || 1;
  const unit = expected.step ?? (/Float/.test(expected.dtype) ? largest : 1);
  const far = expected.numbers.map((x, i) => (Object.is(x, got.numbers[i]) ? 0 : Math.abs(x - got.numbers[i]) / unit));
  return far.reduce((most, each) => Math.max(most, each), 0);
}

async function answers() {
  const folder = await tools("litert", ["@litertjs/core@2", "esbuild@0.28"]);
  const page = join(CACHE, "litert/projects/page");
  rmSync(page, { recursive: true, force: true });
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  await run(process.execPath, [vitest, "run", "test/formats/tflite-write"], {
    cwd: ROOT,
    env: { SEPCONV_WRITTEN: page },
  });
  const names = readdirSync(page).filter((name) => name.endsWith(".tflite"));
  write(page, {
    "index.html": PAGE,
    "page.mjs": PROGRAM,
    "names.json": JSON.stringify(names.map((name) => name.slice(0, -".tflite".length))),
  });
  cpSync(join(folder, "node_modules/@litertjs/core/wasm"), join(page, "litert"), { recursive: true });
  await run(bin(folder, "esbuild"), ["page.mjs", "--bundle", "--format=esm", "--outfile=page.js"], { cwd: page });
  const server = await serve(page);
  const read = await answersOf(server.url).finally(() => server.close());
  const far = [];
  const count = { floats: 0, exact: 0, near: 0, refused: new Map() };
  for (const { name, test, layers, expected, got, refused } of read) {
    if (refused !== undefined) {
      count.refused.set(refused, [...(count.refused.get(refused) ?? []), `${name} ${test}`]);
      continue;
    }
    for (const [i, one] of expected.entries()) {
      const float = one.step === undefined && /Float/.test(one.dtype);
      const distance = apart(one, got[i]);
      // Of bytes that were made floats: a step, as floats have it.
      const allowed = float ? FLOAT : (layers > 1 ? DEEP_STEPS : STEPS) * (1 + FLOAT);
      if (!(distance <= allowed)) far.push(`${name} (${test}), output ${i}: ${distance}`);
      else if (float) count.floats++;
      else if (distance === 0) count.exact++;
      else count.near++;
    }
  }
  for (const [why, which] of count.refused) far.push(`LiteRT.js refuses ${which.length}, such as ${which[0]}: ${why}`);
  console.log(
    `  ${names.length} files: ${count.floats} outputs of floats agree to ${FLOAT}, ${count.exact} of bytes are equal, ${count.near} within ${STEPS} step, or ${DEEP_STEPS} behind several layers`,
  );
  if (far.length > 0) throw new Error(far.join("\n"));
}

export const litert = [{ name: "LiteRT.js reads toTflite's files (Chromium)", answers }];
