/**
 * The last step of `npm run build:wasm`: takes out of the modules that are shipped what only their making needs, and
 * sorts what is left so that numbers are short.
 *
 * Functions inside of kernels are exported for the compiler, which would inline them into one function otherwise (see
 * `inner` in abi/table.mjs). By now it is through. The debug build keeps them all, the others those that a frozen
 * network may do without, which are found by their names.
 */
import { readFileSync, writeFileSync } from "node:fs";
import binaryen from "binaryen";
import { KERNELS } from "../abi/table.mjs";

const inner = Object.values(KERNELS).flatMap(({ inner = [], optional = [] }) =>
  inner.filter((name) => !optional.includes(name)),
);
for (const variant of ["scalar", "simd", "relaxed"]) {
  const file = new URL(`../build/sepconv.${variant}.wasm`, import.meta.url);
  const module = binaryen.readBinary(new Uint8Array(readFileSync(file)));
  module.setFeatures(binaryen.Features.All);
  for (const name of inner) module.removeExport(name);
  module.runPasses(["vacuum", "reorder-locals", "reorder-functions"]);
  if (!module.validate()) throw new Error(`shrink: expected a valid module of ${variant}, got another`);
  writeFileSync(file, module.emitBinary());
  module.dispose();
}
