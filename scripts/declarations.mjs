/**
 * What becomes of the declarations that tsc wrote into dist/: forms that older compilers read too, and a copy for
 * `require`, since a declaration is ESM or CommonJS by the folder that it lies in.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));

/** Arrays with a parameter came with TypeScript 5.7: said by a function that returns one, which every version knows. */
const generic = (text) =>
  text
    .replaceAll(/\b((?:Float|Uint|Int)\d+Array)<ArrayBuffer>/g, 'ReturnType<$1Constructor["of"]>')
    .replaceAll(/\b((?:Float|Uint|Int)\d+Array)<ArrayBufferLike>/g, "$1");

export function writeDeclarations() {
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".d.ts") && !/^(cjs|static|workerd|cli)\//.test(file));
  for (const file of files) {
    // `./x.ts` names a declaration only for compilers that are told so.
    const text = generic(readFileSync(`${dist}${file}`, "utf8")).replaceAll(
      /(from "|import\(")(\.[^"]*)\.ts"/g,
      '$1$2.js"',
    );
    writeFileSync(`${dist}${file}`, text);
    mkdirSync(dirname(`${dist}cjs/${file}`), { recursive: true });
    writeFileSync(`${dist}cjs/${file}`, text);
  }
  // For `sepconv/wasm/*`, which hosts hand over as a module, and bundlers as its address.
  writeFileSync(
    `${dist}wasm.d.ts`,
    `import type { WasmGiven } from "./engine/wasm-source.js";\ndeclare const wasm: WasmGiven;\nexport default wasm;\n`,
  );
}
