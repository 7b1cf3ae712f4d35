/**
 * Writes the JavaScript of dist/ (its declarations come from tsc). Everything that `import "sepconv"` needs at once goes into one file: finding,
 * reading and linking thirty modules was a third of a cold start. All other sources stay files of their own, at their own place, and take what they
 * share with it from there, so that an error class is the same one wherever it was imported.
 *
 * That file lies two levels below the root, like the sources: `new URL("../../build/….wasm", import.meta.url)` means the same in both, and stays as
 * it is written, for the bundlers of others to find.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const source = fileURLToPath(new URL("../src/", import.meta.url));
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

const bundle = await rolldown({
  input: Object.fromEntries(files.map((file) => [file.replaceAll("\\", "/").slice(0, -".ts".length), source + file])),
  platform: "neutral",
  // Packages are looked up by the user's own installation.
  external: /^[^./]/,
});
/** Quotes around addresses, which the printer turns into backticks: not every bundler of others reads those. */
const quoted = {
  name: "quoted addresses",
  generateBundle(_, files) {
    for (const file of Object.values(files)) {
      if (file.type === "chunk") file.code = file.code.replaceAll(/new URL\(`([^`$]*)`,/g, 'new URL("$1",');
    }
  },
};
await bundle.write({
  dir: fileURLToPath(new URL("../dist/", import.meta.url)),
  entryFileNames: "[name].js",
  chunkFileNames: "chunks/[name].js",
  minifyInternalExports: false,
  // Names stay, for stack traces; comments are in the declarations and the sources.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  plugins: [quoted],
  codeSplitting: { groups: [{ name: "core", test: /[\\/]src[\\/]index\.ts$/ }] },
});
