/**
 * What becomes of the declarations that tsc wrote into dist/: forms that older compilers read too, and a copy for
 * `require`, since a declaration is ESM or CommonJS by the folder that it lies in.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));

/** Arrays with a parameter came with TypeScript 5.7: said by a function that returns one, which every version knows. */
const generic = (text) =>
  text
    .replaceAll(/\b((?:Float|Uint|Int)\d+Array)<ArrayBuffer>/g, 'ReturnType<$1Constructor["of"]>')
    .replaceAll(/\b((?:Float|Uint|Int)\d+Array)<ArrayBufferLike>/g, "$1");

/**
 * `using` came with TypeScript 5.2, and needs a library that knows it: those without it have a session all the same.
 */
const DISPOSING = `type Disposing = typeof Symbol extends {
    readonly dispose: infer D extends symbol;
} ? {
    [K in D]: () => void;
} : {};
export interface Session extends Disposing {
}
`;

function disposable(text) {
  const method = /^ *\[Symbol\.dispose\]\(\): void;\n/m;
  return method.test(text) ? text.replace(method, "") + DISPOSING : text;
}

/**
 * What hosts bring along. Who compiles without a library that has it (that of browsers, or Node's types) gets the
 * little of it that is used here.
 */
const HOST_TYPES = `type Has<T, Otherwise> = [T] extends [never] ? Otherwise : T extends { prototype: infer P } ? P : Otherwise;
type Of<Name extends string> = typeof globalThis extends { [K in Name]: infer T } ? T : never;
export type AbortSignal = Has<Of<"AbortSignal">, {
    readonly aborted: boolean;
    readonly reason: any;
    throwIfAborted(): void;
}>;
export type Blob = Has<Of<"Blob">, {
    readonly size: number;
    readonly type: string;
    arrayBuffer(): Promise<ArrayBuffer>;
}>;
export type Response = Has<Of<"Response">, {
    readonly ok: boolean;
    readonly status: number;
    readonly url: string;
    arrayBuffer(): Promise<ArrayBuffer>;
}>;
export type URL = Has<Of<"URL">, {
    readonly href: string;
}>;
export type ImageBitmap = Has<Of<"ImageBitmap">, never>;
export type HTMLImageElement = Has<Of<"HTMLImageElement">, never>;
export type HTMLCanvasElement = Has<Of<"HTMLCanvasElement">, never>;
export type OffscreenCanvas = Has<Of<"OffscreenCanvas">, never>;
export type HTMLVideoElement = Has<Of<"HTMLVideoElement">, never>;
export type VideoFrame = Has<Of<"VideoFrame">, never>;
type Wasm = Of<"WebAssembly">;
export declare namespace WebAssembly {
    type Module = Has<Wasm extends { Module: infer T } ? T : never, {
        readonly [Symbol.toStringTag]: "WebAssembly.Module";
    }>;
    type Memory = Has<Wasm extends { Memory: infer T } ? T : never, {
        readonly buffer: ArrayBuffer;
    }>;
}
`;
const HOST_NAMES = [...HOST_TYPES.matchAll(/^export (?:type|declare namespace) (\w+)/gm)].map(([, name]) => name);

/** Takes those names from the file above, where a declaration uses them. */
function hosted(text, file) {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, "");
  const names = HOST_NAMES.filter((name) => new RegExp(`(?<![\\w."'])${name}\\b(?!["'])`).test(code));
  if (names.length === 0) return text;
  const up = "../".repeat(file.split("/").length - 1) || "./";
  return `import type { ${names.join(", ")} } from "${up}host-types.js";\n${text}`;
}

export function writeDeclarations() {
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".d.ts") && !/^(cjs|static|workerd|cli)\/|^host-types|^wasm\.d/.test(file));
  for (const file of files) {
    // `./x.ts` names a declaration only for compilers that are told so.
    const declared = disposable(generic(readFileSync(`${dist}${file}`, "utf8"))).replaceAll(
      /(from "|import\(")(\.[^"]*)\.ts"/g,
      '$1$2.js"',
    );
    const text = hosted(declared, file);
    const bare = text.replaceAll(/^[ \t]*\/\*\*[\s\S]*?\*\/\n/gm, "");
    // The table of the kernels is no part of what people call.
    writeFileSync(`${dist}${file}`, /(^|\/)abi\.d\.ts$/.test(file) ? bare : text);
    mkdirSync(dirname(`${dist}cjs/${file}`), { recursive: true });
    // The same once more, without what people read: a sixteenth of the whole package was that.
    writeFileSync(`${dist}cjs/${file}`, bare);
  }
  for (const folder of ["", "cjs/"]) writeFileSync(`${dist}${folder}host-types.d.ts`, HOST_TYPES);
  // For `sepconv/wasm/*`, which hosts hand over as a module, and bundlers as its address.
  writeFileSync(
    `${dist}wasm.d.ts`,
    `import type { WasmGiven } from "./engine/wasm-source.js";\ndeclare const wasm: WasmGiven;\nexport default wasm;\n`,
  );
  removeUnreached();
}

/** Declarations that none of the package's entries leads to are half of them: nobody's compiler reads those. */
function removeUnreached() {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const typesOf = (value) => (typeof value === "string" ? [value] : Object.values(value).flatMap(typesOf));
  const { exports } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  const open = typesOf(exports).flatMap((file) => (file.endsWith(".d.ts") ? [join(root, file)] : []));
  const reached = new Set();
  while (open.length > 0) {
    const file = open.pop();
    if (reached.has(file)) continue;
    if (!existsSync(file)) throw new Error(`${file}: expected declarations, got no file`);
    reached.add(file);
    for (const [, to] of readFileSync(file, "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
      open.push(join(dirname(file), to.replace(/\.js$/, ".d.ts")));
    }
  }
  for (const file of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    const path = join(dist, file);
    if (file.endsWith(".d.ts") && !reached.has(path)) rmSync(path);
  }
}
