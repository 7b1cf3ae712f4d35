/**
 * Imports run one way, those of types too: errors ← graph ← models ← formats; graph ← engine ← quantize; all
 * ← vision ← freeze ← index ← worker ← cli; engine ← train ← cli. No circles, and nothing outside the command line
 * needs Node to be loaded.
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import * as table from "../abi/table.mjs";

const SOURCE = fileURLToPath(new URL("../src/", import.meta.url));

/** What files of a layer may import, beside their own layer. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  arguments: [],
  text: [],
  turn: [],
  host: [],
  frozen: [],
  vite: [],
  limits: ["errors", "turn"],
  graph: ["errors", "arguments"],
  models: ["errors", "graph"],
  formats: ["errors", "limits", "turn", "arguments", "graph", "models", "host"],
  engine: ["errors", "arguments", "text", "turn", "limits", "graph", "host"],
  quantize: ["errors", "turn", "graph", "engine"],
  freeze: ["errors", "arguments", "text", "limits", "graph", "engine", "vision"],
  vision: ["errors", "arguments", "text", "turn", "graph", "formats", "engine", "host"],
  train: ["errors", "arguments", "turn", "limits", "graph", "engine", "host", "vision"],
  worker: ["errors", "arguments", "host", "graph", "formats", "engine", "vision", "index"],
  index: ["errors", "graph", "models", "formats", "engine", "vision", "quantize", "freeze", "limits", "arguments"],
  cli: ["errors", "graph", "formats", "engine", "vision", "freeze", "train", "worker", "index"],
};

/** The same for folders of a layer, and its files of no folder, "". Lowering and planning touch no memory. */
const WITHIN: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  engine: {
    contract: [],
    lower: ["contract"],
    plan: ["contract", "lower"],
    host: ["contract", "lower", "plan", ""],
    "": ["contract", "lower", "plan", "host"],
  },
  formats: {
    common: [],
    hdf5: ["common"],
    tflite: ["common"],
    keras: ["common", "hdf5"],
    tfjs: ["common", "keras"],
    safetensors: ["common"],
    "face-api": ["common"],
    onnx: ["common"],
    "": ["common", "tflite", "keras", "tfjs", "safetensors", "face-api", "onnx"],
  },
};

/** Files of engine/ that say what a kernel's record is. */
const CONTRACT = ["abi", "step", "footprint"].map((name) => `engine/${name}.ts`);

const folderOf = (file: string) => (CONTRACT.includes(file) ? "contract" : file.split("/").slice(1, -1).join("/"));

interface Import {
  readonly from: string;
  /** A file of ours, relative to src/, or the name of a package. */
  readonly to: string;
  /** Loaded at once, loaded only when used, or gone after compiling. */
  readonly kind: "static" | "dynamic" | "type";
}

const FILES = readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts"));

/** What the ops stand on: helpers that know nothing of nodes and graphs. */
const BELOW_OPS = ["errors.ts", ...["value", "dimensions", "clamp", "window"].map((file) => `graph/${file}.ts`)];

const IMPORTS = FILES.flatMap((file) => importsOf(file, readFileSync(join(SOURCE, file), "utf8")));

function importsOf(from: string, text: string): Import[] {
  // Strings and templates may quote anything, but never begin a line with import or export.
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const statements = code.matchAll(/^(?:import|export)\b(?<what>[^;"']*?)(?:\bfrom\s*)?["'](?<to>[^"'\n]+)["']/gm);
  const written = [...statements].map(({ groups }) => {
    return { to: groups?.to as string, kind: /^\s+type\b/.test(groups?.what as string) ? "type" : "static" } as const;
  });
  const loaded = [...code.matchAll(/\bimport\(\s*["'](?<to>[^"']+)["']/g)].map(({ groups }) => {
    return { to: groups?.to as string, kind: "dynamic" } as const;
  });
  return [...written, ...loaded].map(({ to, kind }) => ({ from, to: resolved(from, to), kind }));
}

function resolved(from: string, to: string): string {
  if (!to.startsWith(".")) return to;
  return relative(SOURCE, join(SOURCE, dirname(from), to)).replaceAll("\\", "/");
}

const isOurs = (to: string) => to.endsWith(".ts");
const layerOf = (file: string) => file.replace(/(\/.*|\.ts)$/, "");
const written = ({ from, to, kind }: Import) => `${from} → ${to} (${kind})`;

/** The files of a circle, or nothing. */
function circle(imports: readonly Import[]): string[] {
  const next = new Map<string, Import[]>();
  for (const one of imports) next.set(one.from, [...(next.get(one.from) ?? []), one]);
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const { to } of next.get(file) ?? []) {
      const found = visit(to, [...path, file]);
      if (found.length > 0) return found;
    }
    done.add(file);
    return [];
  };
  for (const file of next.keys()) {
    const found = visit(file, []);
    if (found.length > 0) return found;
  }
  return [];
}

describe("architecture", () => {
  const own = IMPORTS.filter(({ to }) => isOurs(to));

  it("finds the imports", () => {
    expect(own.map(written)).toContain("graph/window.ts → errors.ts (static)");
    expect(own.map(written)).toContain("graph/shape.ts → graph/graph.ts (type)");
    expect(
      importsOf("graph/a.ts", 'import {\n  b,\n} from "./b.ts";\nawait import("node:fs");\nexport * from "../c.ts";'),
    ).toEqual([
      { from: "graph/a.ts", to: "graph/b.ts", kind: "static" },
      { from: "graph/a.ts", to: "c.ts", kind: "static" },
      { from: "graph/a.ts", to: "node:fs", kind: "dynamic" },
    ]);
  });

  it("imports files that are there", () => {
    expect(own.filter(({ to }) => !FILES.includes(to)).map(written)).toEqual([]);
  });

  it("lets every file be in a known layer, and imports run one way", () => {
    expect(FILES.map(layerOf).filter((layer) => !(layer in BELOW))).toEqual([]);
    const against = own.filter(({ from, to }) => {
      const [own, other] = [layerOf(from), layerOf(to)];
      return own !== other && !BELOW[own]?.includes(other);
    });
    expect(against.map(written)).toEqual([]);
  });

  it("lets folders of a layer stand on each other in one order", () => {
    const against = own.filter(({ from, to }) => {
      const layer = layerOf(from);
      const [own, other] = [folderOf(from), folderOf(to)];
      if (layer !== layerOf(to) || !(layer in WITHIN) || own === other) return false;
      return !WITHIN[layer]![own]?.includes(other);
    });
    expect(against.map(written)).toEqual([]);
  });

  it("builds graphs on ops, and ops on what knows of neither", () => {
    const ops = own.filter(({ from }) => from.startsWith("graph/ops/"));
    expect(ops.filter(({ to }) => !to.startsWith("graph/ops/") && !BELOW_OPS.includes(to)).map(written)).toEqual([]);
    const helpers = own.filter(({ from }) => BELOW_OPS.includes(from));
    expect(helpers.filter(({ to }) => !BELOW_OPS.includes(to)).map(written)).toEqual([]);
    const passes = own.filter(({ from, to }) => to.startsWith("graph/passes/") && layerOf(from) === "graph");
    expect(passes.filter(({ from }) => !from.startsWith("graph/passes/")).map(written)).toEqual([]);
  });

  it("has no circle", () => {
    expect(circle(own)).toEqual([]);
    const a: Import = { from: "a.ts", to: "b.ts", kind: "static" };
    expect(circle([a, { ...a, from: "b.ts", to: "c.ts" }, { ...a, from: "c.ts", to: "b.ts" }])).toEqual([
      "b.ts",
      "c.ts",
      "b.ts",
    ]);
  });

  it("loads nothing of Node outside the command line, but for what bundlers load", () => {
    const allowed = ["host.ts", "vite.ts"];
    const node = IMPORTS.filter(
      ({ from, to, kind }) =>
        /^node:/.test(to) && kind !== "type" && layerOf(from) !== "cli" && !allowed.includes(from),
    );
    expect(node.map(written)).toEqual([]);
  });
});

/** The kernels' sources, which no formatter reads: it would stumble over decorators of functions. */
describe("assembly/", () => {
  const folder = fileURLToPath(new URL("../assembly/", import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".ts"));
  const lines = files.flatMap((file) =>
    readFileSync(join(folder, file), "utf8")
      .split("\n")
      .map((text, i) => ({ file, text, where: `${file}:${i + 1}: ${text}` })),
  );
  /** An operation of a vector type by its own name, or a question for what the compiler was told. */
  const INTRINSIC = /\b(?:v128|[if]\d+x\d+)\s*\.\s*\w|\bASC_FEATURE/;

  it("names intrinsics and features in simd/ only", () => {
    expect(lines.filter(({ file }) => file.startsWith("simd/")).some(({ text }) => INTRINSIC.test(text))).toBe(true);
    const outside = lines.filter(({ file, text }) => !file.startsWith("simd/") && INTRINSIC.test(text));
    expect(outside.map(({ where }) => where)).toEqual([]);
    for (const text of [
      "v128.load(p)",
      "i8x16.splat(<i8>x)",
      "f32x4.relaxed_madd(a, b, c)",
      "ASC_FEATURE_SIMD ? 4 : 1",
    ])
      expect(text).toMatch(INTRINSIC);
    for (const text of ["load<v128>(p)", "four<v128>(g, x, y, c)", "const V: v128 = x;"]) {
      expect(text).not.toMatch(INTRINSIC);
    }
  });

  it("keeps its lines within 120 columns", () => {
    expect(lines.filter(({ text }) => text.length > 120).map(({ where }) => where)).toEqual([]);
  });

  it("has every kernel in a file that the table of the ABI names, and none besides", () => {
    const named = Object.entries(table.KERNELS).flatMap(([name, kernel]) => [
      "file" in kernel ? kernel.file : name,
      ...("packsFile" in kernel ? [kernel.packsFile] : []),
    ]);
    const own = files.filter((file) => file.startsWith("kernels/")).map((file) => file.slice("kernels/".length, -3));
    expect(own.sort()).toEqual([...new Set(named)].sort());
  });
});

/** Code is broken by the formatter; comments and pages are not, and what is too long to read at once is not read. */
describe("prose", () => {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const FOLDERS = ["abi", "bench", "docs", "examples", "scripts", "src", "test"];
  const pages = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => join(folder, file)),
  );
  const own = [...readdirSync(root), ...pages]
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => /\.(ts|mjs|md)$/.test(file) && !/(^|\/)node_modules\/|^docs\/api\/|^bench\/results\//.test(file));
  // Tables and figures have the width that they need.
  const isProse = (file: string, line: string) =>
    file.endsWith(".md") ? !/^(\||\s{4})/.test(line) : /^\s*(\*|\/\*\*|\/\/) /.test(line) && !/^\s*\* {5}/.test(line);

  it("keeps its lines within 120 columns", () => {
    expect(own).toContain("README.md");
    const long = own.flatMap((file) => {
      const lines = readFileSync(join(root, file), "utf8").split("\n");
      return lines
        .map((line, i) => ({ line, where: `${file}:${i + 1}` }))
        .filter(({ line }) => line.length > 120 && isProse(file, line))
        .map(({ where }) => where);
    });
    expect(long).toEqual([]);
  });
});
