/**
 * Writes the JavaScript of dist/ (its declarations come from tsc) in four forms:
 *
 *   .            for Node, and for those who serve files (`sepconv/lean`): kernels beside the code, readers when used
 *   static/      one file with everything in it, kernels too, that asks for nothing: the default
 *   workerd/     the same, its kernels imported as modules
 *   cjs/         the same as static/, for `require`
 *
 * In the first, everything that `import "sepconv"` needs at once goes into one file: finding, reading and linking
 * thirty modules was a third of a cold start. All other sources stay files of their own, at their own place, and take
 * what they share with it from there, so that an error class is the same one wherever it was imported. In the others,
 * the parts of the package (`sepconv/tflite`, …) take theirs out of the one file, for the same reason.
 *
 * The core of the first lies two levels below the root, like the sources: `new URL("../../build/….wasm",
 * import.meta.url)` means the same in both, and stays as it is written, for the bundlers of others to find.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { parseAst } from "rolldown/parseAst";
import {
  define,
  defineTraining,
  kernelsFrom,
  loadedAtOnce,
  onlyWhenUsed,
  packed,
  parts,
  training,
  withoutProcess,
  workerBeside,
  workerInside,
} from "./bundle-forms.mjs";
import { writeDeclarations } from "./declarations.mjs";

const source = fileURLToPath(new URL("../src/", import.meta.url));
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
  (file) => /(?<!\.d)\.ts$/.test(file) && !/(kernel-modules|training-inline)\.ts$/.test(file),
);

/** Packages whose code goes into dist/, under their licenses. */
const INCLUDED = ["fflate", "flatbuffers", "@bufbuild/protobuf"];
/** Formats whose readers are one file each. */
const FORMATS = ["face-api", "keras", "onnx", "safetensors", "tfjs", "tflite"];
const inPackage = (name) => new RegExp(`[\\\\/]node_modules[\\\\/]${name}[\\\\/]`);

const resolve = { mainFields: ["module", "main"] };
const bundle = await rolldown({
  input: Object.fromEntries(files.map((file) => [file.replaceAll("\\", "/").slice(0, -".ts".length), source + file])),
  platform: "neutral",
  resolve,
  transform: { define: { ...define(), ...defineTraining() } },
  plugins: [withoutProcess],
  // What readers need is put in, a file for each package, loaded when used: whoever installs this package installs
  // nothing else, and no bundler has anything to resolve. The package of the command line stays one.
  external: [/^node:/, "commander"],
});
/**
 * Without blanks, a file is one line, and an uncaught error prints all of it: a line ends before the first statement,
 * expression behind a comma, argument, element, export, or member of a class or an object, that begins past WIDTH
 * characters of it. (There a line end changes nothing.) Each end costs: at 120 characters they were 3 % of the
 * download.
 */
const WIDTH = 600;
function inLines(code) {
  const starts = [];
  const walk = (node) => {
    if (Array.isArray(node)) return node.forEach(walk);
    if (typeof node !== "object" || node === null) return;
    if (/^(Program|BlockStatement|ClassBody|StaticBlock)$/.test(node.type))
      starts.push(...node.body.map(({ start }) => start));
    if (node.type === "SequenceExpression") starts.push(...node.expressions.slice(1).map(({ start }) => start));
    if (node.type === "VariableDeclaration") starts.push(...node.declarations.slice(1).map(({ start }) => start));
    if (/^(Export|Import)/.test(node.type) && node.specifiers)
      starts.push(...node.specifiers.map(({ start }) => start));
    if (node.type === "CallExpression") starts.push(...node.arguments.map(({ start }) => start));
    if (node.type === "ArrayExpression") starts.push(...node.elements.flatMap((element) => element?.start ?? []));
    if (node.type === "ObjectExpression") starts.push(...node.properties.map(({ start }) => start));
    if (node.type === "SwitchStatement") starts.push(...node.cases.map(({ start }) => start));
    for (const [key, value] of Object.entries(node)) if (key !== "parent") walk(value);
  };
  walk(parseAst(code));
  let [result, from] = ["", 0];
  for (const start of starts.sort((a, b) => a - b)) {
    const line = code.lastIndexOf("\n", start - 1) + 1;
    if (start - Math.max(line, from) < WIDTH) continue;
    result += `${code.slice(from, start)}\n`;
    from = start;
  }
  return result + code.slice(from);
}

/** Quotes around addresses, which the printer turns into backticks: not every bundler of others reads those. */
const printed = {
  name: "quoted addresses, short lines",
  generateBundle(_, files) {
    for (const file of Object.values(files)) {
      if (file.type !== "chunk") continue;
      file.code = inLines(file.code.replaceAll(/new URL\(`([^`$]*)`,/g, 'new URL("$1",'));
    }
  },
};
/** After the minifier, which would take it for nothing. */
const unused = {
  name: "only when used",
  generateBundle(_, files) {
    for (const file of Object.values(files)) if (file.type === "chunk") file.code = onlyWhenUsed(file.code);
  },
};
const lean = await bundle.write({
  dir: fileURLToPath(new URL("../dist/", import.meta.url)),
  entryFileNames: "[name].js",
  chunkFileNames: "chunks/[name].js",
  minifyInternalExports: false,
  // Names of classes and of their methods stay, for stack traces and the console; comments are in the declarations and
  // the sources.
  minify: {
    compress: true,
    mangle: { toplevel: true, keepNames: { function: false, class: true } },
    codegen: { removeWhitespace: true },
  },
  plugins: [printed],
  codeSplitting: {
    groups: [
      { name: "core", test: /[\\/]src[\\/]index\.ts$/ },
      {
        name: "vision",
        test: /[\\/]src[\\/]vision[\\/](classify|detect|embed|image|picture-feed|pose|segment|session-input)\.ts$/,
      },
      // A file from disk costs a third of a millisecond, an import of twenty files what a small network takes to load.
      {
        name: "reading",
        test: /[\\/]src[\\/](formats[\\/](common[\\/]|recognize)|graph[\\/]input-range|models[\\/](end-points|blaze-face))/,
      },
      ...FORMATS.map((name) => ({ name, test: new RegExp(`[\\\\/]src[\\\\/]formats[\\\\/]${name}[\\\\/](?!write)`) })),
      ...INCLUDED.map((name) => ({ name: name.replace(/^\W+/, "").replace(/\W+/g, "-"), test: inPackage(name) })),
    ],
  },
});

const forms = {
  static: { kernels: "kernel-inline.ts", format: "esm" },
  workerd: { kernels: "kernel-modules.ts", format: "esm" },
  cjs: { kernels: "kernel-inline.ts", format: "cjs" },
};
const exportsOf = ({ src }) => lean.output.find(({ name }) => name === src).exports;
for (const [form, { kernels, format }] of Object.entries(forms)) {
  const folder = fileURLToPath(new URL(`../dist/${form}/`, import.meta.url));
  mkdirSync(folder, { recursive: true });
  const one = await rolldown({
    input: "whole",
    ...{ platform: "neutral", resolve, external: [/\.wasm$/] },
    transform: { define: define() },
    plugins: [parts.entry(exportsOf), kernelsFrom(kernels), loadedAtOnce(), withoutProcess],
  });
  await one.write({
    file: `${folder}index.js`,
    format,
    codeSplitting: false,
    minify: { compress: true, mangle: { toplevel: true }, codegen: { removeWhitespace: true } },
    plugins: [...(format === "esm" ? [unused] : []), printed],
  });
  for (const part of parts.all) {
    writeFileSync(`${folder}${part.name}.js`, parts.file(exportsOf(part), format));
  }
  // Nobody trains in a host that compiles nothing at run time.
  if (form === "workerd") {
    writePackage(folder, format);
    continue;
  }
  const learner = await rolldown({
    input: `${source}train/index.ts`,
    ...{ platform: "neutral", resolve, external: [/\.wasm$/], transform: { define: defineTraining() } },
    plugins: [training("training-inline.ts"), kernelsFrom(kernels), loadedAtOnce(), withoutProcess],
  });
  await learner.write({
    file: `${folder}train.js`,
    ...{ format, codeSplitting: false },
    minify: { compress: true, mangle: { toplevel: true }, codegen: { removeWhitespace: true } },
    plugins: [...(format === "esm" ? [unused] : []), printed],
  });
  writePackage(folder, format);
}

function writePackage(folder, format) {
  const type = format === "esm" ? "module" : "commonjs";
  writeFileSync(`${folder}package.json`, `{ "type": "${type}", "sideEffects": false }\n`);
}

// The worker's code is the whole package as one classic script, packed into the file that starts it. That one takes
// nothing from the package's own file: who has the one needs not the other.
const inside = [kernelsFrom("kernel-inline.ts"), loadedAtOnce(), withoutProcess];
const minify = { compress: true, mangle: { toplevel: true }, codegen: { removeWhitespace: true } };
const served = await rolldown({
  input: `${source}worker/serve.ts`,
  ...{ platform: "neutral", resolve, transform: { define: define() }, plugins: inside },
});
const script = (await served.generate({ format: "iife", codeSplitting: false, minify })).output[0].code;
const { define: code, plugin: inserted } = packed(script);
// Who requires it is Node, which has the file.
for (const [form, format, from] of [
  ["static", "esm", workerInside],
  ["cjs", "cjs", workerBeside],
]) {
  const client = await rolldown({
    input: `${source}worker/client.ts`,
    ...{ platform: "neutral", resolve, plugins: [from, ...inside] },
    transform: { define: { PACKED_WORKER: code } },
  });
  await client.write({
    file: fileURLToPath(new URL(`../dist/${form}/worker.js`, import.meta.url)),
    ...{ format, codeSplitting: false, minify, plugins: [printed, inserted] },
  });
}

// The loader of frozen networks, and what makes Vite know them, are files by themselves in every form.
for (const [name, platform] of [
  ["frozen", "neutral"],
  ["vite", "node"],
]) {
  const alone = await rolldown({ input: `${source}${name}.ts`, platform });
  for (const [folder, format] of [
    ["", "esm"],
    ["cjs/", "cjs"],
  ]) {
    await alone.write({
      file: fileURLToPath(new URL(`../dist/${folder}${name}.js`, import.meta.url)),
      ...{ format, codeSplitting: false },
      minify: { compress: true, mangle: { toplevel: true }, codegen: { removeWhitespace: true } },
    });
  }
}

writeDeclarations();

const notices = INCLUDED.map((name) => {
  const folder = new URL(`../node_modules/${name}/`, import.meta.url);
  const { version, homepage, license } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(new URL(file, folder), "utf8").trim() : `Licensed under ${license}.`;
  return `${name} ${version}  ${homepage ?? ""}\n\n${text}\n`;
});
writeFileSync(new URL("../dist/THIRD-PARTY.txt", import.meta.url), notices.join(`\n${"-".repeat(80)}\n\n`));
