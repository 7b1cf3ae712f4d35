/**
 * TypeScript: consumers of several versions and settings, with libraries checked; and what others say of the package.
 */
import { bin, packedFile, project, run, tools, write } from "../hosts/tools.mjs";

/** Uses the names that most programs do, in code that must compile, and once in code that must not. */
const program = (kind) => `
${kind === "cjs" ? 'import sepconv = require("sepconv");\nimport tflite = require("sepconv/tflite");' : 'import * as sepconv from "sepconv";\nimport * as tflite from "sepconv/tflite";\nimport * as lean from "sepconv/lean";\nimport wasm from "sepconv/wasm/sepconv.simd.wasm";'}
export async function main(bytes: Uint8Array): Promise<string> {
  const net: sepconv.Session = await sepconv.load(bytes, { maxMemory: 64e6, ${kind === "cjs" ? "" : "wasm"} });
  const { output } = net.run(new Float32Array(3));
  const first: number | undefined = output[0];
  const { classes } = await sepconv.classify(net, { data: new Uint8Array(12), width: 2, height: 2 }, { top: 3 });
  const graph: sepconv.Graph = await tflite.fromTflite(bytes);
  const file: Uint8Array = await sepconv.toTflite(graph);
  const input: Float32Array = await sepconv.toInput(bytes, { width: 8, height: 8, normalization: { mean: 0, std: 255 } });
  ${kind === "cjs" ? "" : "await lean.build(graph);"}
  net.dispose();
  return [classes[0]!.label, first, file.length, input.length].join();
}
// @ts-expect-error: numbers are no source, and no any.
export const wrong = () => sepconv.load(5);
// @ts-expect-error: neither is a number a signal.
export const signal = () => sepconv.load(new Uint8Array(1), { signal: 5 });
`;

/** Sessions end with their block, where the library knows of such. */
const USING = `import { build, mobilenetV1 } from "sepconv";
export async function main(): Promise<number> {
  using net = await build(mobilenetV1({ alpha: 0.25, resolution: 32 }));
  return net.run(new Float32Array(3)).output.length;
}
`;

const COMPILERS = { 5.4: "typescript@5.4", 5.9: "typescript@5.9", 7: "typescript@7" };
const SETTINGS = [
  { module: "node16", kind: "esm" },
  { module: "node16", kind: "cjs" },
  { module: "nodenext", kind: "esm" },
  { module: "nodenext", kind: "cjs" },
  { module: "esnext", moduleResolution: "bundler", kind: "esm" },
];

const compilers = Object.entries(COMPILERS).map(([version, packageName]) => ({
  name: `TypeScript ${version}`,
  async answers() {
    const tool = await tools(`typescript-${version}`, [packageName, "@types/node@20"]);
    const folder = await project("consumer", tool);
    for (const { kind, ...settings } of SETTINGS) {
      for (const [lib, types] of [
        [["es2022", "dom"], []],
        [["es2022"], []],
        [["es2022"], ["node"]],
      ]) {
        const options = { ...settings, target: "es2022", lib, types, strict: true, skipLibCheck: false, noEmit: true };
        write(folder, {
          "package.json": JSON.stringify({ private: true, type: kind === "cjs" ? "commonjs" : "module" }),
          "tsconfig.json": JSON.stringify({ compilerOptions: options, files: ["main.ts"] }),
          "main.ts": program(kind),
        });
        await run(bin(tool, "tsc"), ["-p", "."], { cwd: folder }).catch((error) => {
          throw new Error(`${JSON.stringify({ kind, ...options })}: ${error.message}`);
        });
      }
    }
    const options = { module: "nodenext", target: "es2022", lib: ["es2022", "esnext.disposable"], types: [] };
    write(folder, {
      "package.json": JSON.stringify({ private: true, type: "module" }),
      "tsconfig.json": JSON.stringify({
        compilerOptions: { ...options, strict: true, noEmit: true },
        files: ["using.ts"],
      }),
      "using.ts": USING,
    });
    await run(bin(tool, "tsc"), ["-p", "."], { cwd: folder });
  },
}));

export const types = [
  ...compilers,
  {
    name: "publint",
    async answers() {
      const tool = await tools("publint", ["publint@0.3"]);
      const folder = await project("consumer", tool);
      const text = await run(bin(tool, "publint"), ["node_modules/sepconv", "--strict"], { cwd: folder });
      if (!/All good!/.test(text)) throw new Error(text);
    },
  },
  {
    name: "Are the types wrong?",
    async answers() {
      const tool = await tools("attw", ["@arethetypeswrong/cli@0.18"]);
      await run(
        bin(tool, "attw"),
        [await packedFile(), "--profile", "node16", "--exclude-entrypoints", "./package.json"],
        { cwd: tool },
      );
    },
  },
];
