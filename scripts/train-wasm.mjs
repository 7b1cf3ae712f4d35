/**
 * Builds the kernels of training, a module of their own: the part of `npm run build:wasm` that is for them. The same
 * targets as those of inference, other files; exports that only keep functions from being inlined are taken out of all
 * but the debug build.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import binaryen from "binaryen";

/** What the host calls and reads. */
const EXPORTS = [
  "VARIANT",
  "TRAIN_ABI_VERSION",
  "STEP_BYTES",
  "VIEW_BYTES",
  "STATE_BYTES",
  "heap_base",
  "run",
  "memory",
];

const root = fileURLToPath(new URL("../", import.meta.url));
const compiler = fileURLToPath(new URL("../node_modules/assemblyscript/bin/asc.js", import.meta.url));
for (const variant of ["scalar", "simd", "relaxed", "debug"]) {
  const file = `build/sepconv-train.${variant}.wasm`;
  const source = ["assembly/train/index.ts", ...(variant === "debug" ? ["assembly/train/layout.ts"] : [])];
  execFileSync(process.execPath, [compiler, ...source, "--target", variant, "--outFile", file], {
    cwd: root,
    stdio: "inherit",
  });
  if (variant === "debug") continue;
  const module = binaryen.readBinary(new Uint8Array(readFileSync(root + file)));
  module.setFeatures(binaryen.Features.All);
  for (let i = module.getNumExports() - 1; i >= 0; i--) {
    const { name } = binaryen.getExportInfo(module.getExportByIndex(i));
    if (!EXPORTS.includes(name)) module.removeExport(name);
  }
  module.runPasses(["vacuum", "reorder-locals", "reorder-functions"]);
  if (!module.validate()) throw new Error(`train-wasm: expected a valid module of ${variant}, got another`);
  writeFileSync(root + file, module.emitBinary());
  module.dispose();
}
