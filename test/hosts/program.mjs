/** The program for hosts with files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ASSETS, project, ROOT } from "./tools.mjs";

const conformance = readFileSync(join(ROOT, "test/hosts/conformance.mjs"), "utf8");

/** The program for hosts with files. */
export const PROGRAM = `
import * as sepconv from "sepconv";
import { fromTflite } from "sepconv/tflite";
import { readFileSync } from "node:fs";
import { conformance } from "./conformance.mjs";
const read = (name) => ${JSON.stringify(ASSETS)} + "/" + name;
const url = new URL(${JSON.stringify(new URL("../../build/sepconv.simd.wasm", import.meta.url))});
const bytes = new Uint8Array(readFileSync(url));
const module = new WebAssembly.Module(bytes);
const sources = [
  ...[bytes, bytes.buffer, module, Promise.resolve(bytes), new Blob([bytes]), url, url.href],
  ...[() => new Response(bytes), () => Promise.resolve(new Response(bytes))],
  ...[decodeURIComponent(url.pathname), "data:application/wasm;base64," + Buffer.from(bytes).toString("base64")],
];
conformance({ sepconv, fromTflite, read, sources }).then((answers) => console.log(JSON.stringify(answers)));
`;

/** A project with that program. */
export const nodeProgram = (name, toolFolder, files = {}) =>
  project(name, toolFolder, { "program.mjs": PROGRAM, "conformance.mjs": conformance, ...files });
