/**
 * `npm run size`: what a user downloads. Follows the static imports of `import "sepconv/lean"` from dist/, adds each
 * wasm module, gzips, and fails past the budgets. Importers and pictures come in by dynamic imports there, when used,
 * and are listed without a budget of their own. The loader of frozen networks has one.
 *
 * `import "sepconv"` has all of it in one file; measured is what a bundler leaves of that for a program that only
 * builds and runs, with all kernels, and the whole.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";

const BUDGET = { frozen: 2048, module: 60 * 1024, total: 75 * 1024, used: 85 * 1024 };

const root = new URL("../", import.meta.url);
const gzip = (data) => gzipSync(data, { level: 9 }).length;
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;

/** The files that a module pulls in statically, itself included. */
function reachable(url, seen = new Set()) {
  if (seen.has(url.href)) return seen;
  seen.add(url.href);
  const source = readFileSync(url, "utf8");
  for (const [, specifier] of source.matchAll(/^\s*(?:import|export)\b[^;'"]*?from\s*["']([^"']+)["']/gm)) {
    if (specifier.startsWith(".")) reachable(new URL(specifier, url), seen);
    else throw new Error(`${fileURLToPath(url)}: expected no static import from outside, got ${specifier}`);
  }
  return seen;
}

const files = [...reachable(new URL("dist/index.js", root))];
const code = files.map((href) => readFileSync(new URL(href)));
const js = { raw: code.reduce((sum, { length }) => sum + length, 0), gzip: gzip(Buffer.concat(code)) };
console.log(`import "sepconv/lean": ${files.length} files, ${kb(js.raw)}, ${kb(js.gzip)} gzipped`);

let failed = false;
for (const variant of ["scalar", "simd", "relaxed"]) {
  const wasm = readFileSync(new URL(`build/sepconv.${variant}.wasm`, root));
  const total = js.gzip + gzip(wasm);
  const over = wasm.length >= BUDGET.module || total >= BUDGET.total;
  failed ||= over;
  console.log(
    `${over ? "✗" : "✓"} sepconv.${variant}.wasm: ${kb(wasm.length)} (budget ${kb(BUDGET.module)}), ` +
      `${kb(gzip(wasm))} gzipped; with the import ${kb(total)} (budget ${kb(BUDGET.total)})`,
  );
}
const loader = readFileSync(new URL("dist/frozen.js", root)).length;
failed ||= loader > BUDGET.frozen;
console.log(`${loader > BUDGET.frozen ? "✗" : "✓"} sepconv/frozen: ${loader} bytes (budget ${BUDGET.frozen})`);
const readers = readdirSync(new URL("dist/formats/", root), { recursive: true, encoding: "utf8" });
for (const name of readers.filter((name) => /(read|write)\.js$/.test(name))) {
  console.log(`  when used: formats/${name}, ${kb(gzip(readFileSync(new URL(`dist/formats/${name}`, root))))} gzipped`);
}

/** What is left of the one file where a program takes just these names. */
async function used(names) {
  const id = fileURLToPath(new URL("dist/static/index.js", root));
  const entry = `export { ${names} } from ${JSON.stringify(id)};`;
  const program = {
    name: "program",
    resolveId: (id) => (id === "program" ? id : undefined),
    load: (id) => (id === "program" ? entry : undefined),
  };
  const bundle = await rolldown({ input: "program", platform: "browser", plugins: [program] });
  return gzip((await bundle.generate({ format: "esm", minify: true })).output[0].code);
}
const least = await used("build, mobilenetV1");
failed ||= least >= BUDGET.used;
console.log(
  `${least >= BUDGET.used ? "✗" : "✓"} import { build, mobilenetV1 } from "sepconv", bundled: ${kb(least)} gzipped with all ` +
    `kernels (budget ${kb(BUDGET.used)}); with classify and fromTflite ${kb(await used("build, classify, fromTflite"))}, with load and classify ${kb(await used("load, classify"))}; ` +
    `the whole file ${kb(gzip(readFileSync(new URL("dist/static/index.js", root))))}`,
);
process.exit(failed ? 1 : 0);
