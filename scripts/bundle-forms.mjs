/** What the forms of the package have that are one file each: see `bundle.mjs`. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";
import { parseAst } from "rolldown/parseAst";

const source = fileURLToPath(new URL("../src/", import.meta.url));

/** Bytes of each build that take turns: near enough to each other for deflate to find what they have in common. */
const PIECE = 8192;

/** Constants of the build: the kernels, packed. */
export function define() {
  const files = Object.fromEntries(
    ["simd", "relaxed", "scalar"].map((variant) => [
      variant,
      readFileSync(new URL(`../build/sepconv.${variant}.wasm`, import.meta.url)),
    ]),
  );
  const bytes = Object.fromEntries(Object.entries(files).map(([variant, { length }]) => [variant, length]));
  const pieces = [];
  for (let from = 0; from < Math.max(...Object.values(bytes)); from += PIECE) {
    for (const file of Object.values(files)) pieces.push(file.subarray(from, from + PIECE));
  }
  const base64 = deflateRawSync(Buffer.concat(pieces), { level: 9, memLevel: 9 })
    .toString("base64")
    .match(/.{1,2000}/g);
  const sums = Object.fromEntries(Object.entries(files).map(([variant, file]) => [variant, checksum(file)]));
  return { PACKED_KERNELS: JSON.stringify({ piece: PIECE, bytes, base64 }), KERNEL_SUMS: JSON.stringify(sums) };
}

/** Constants of the build of training: its kernels, each packed for itself. */
export function defineTraining() {
  const packed = ["simd", "relaxed", "scalar"].map((variant) => {
    const file = readFileSync(new URL(`../build/sepconv-train.${variant}.wasm`, import.meta.url));
    const base64 = deflateRawSync(file, { level: 9, memLevel: 9 }).toString("base64");
    return [variant, { bytes: file.length, base64: base64.match(/.{1,2000}/g) }];
  });
  return { PACKED_TRAINING: JSON.stringify(Object.fromEntries(packed)) };
}

/**
 * Training beside the one file of everything: its kernels, and what it shares with that, once more; errors are those of
 * the one file, so that their classes are the same ones, and so are the kernels of inference.
 */
export function training(file) {
  return {
    name: "training",
    resolveId(id, importer) {
      if (id.endsWith("/training-files.ts")) return `${source}train/${file}`;
      if (/\/(errors|engine\/build)\.ts$/.test(id) && importer) return { id: "./index.js", external: true };
    },
  };
}

/** FNV-1a, as in `src/engine/builds.ts`. */
function checksum(bytes) {
  let sum = 0x811c9dc5;
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x01000193) >>> 0;
  return sum;
}

/**
 * A package that is put in asks `process.env` how it shall be tested; Parcel would install a polyfill for the question.
 */
export const withoutProcess = {
  name: "no process",
  transform(code, id) {
    if (/[\\/]node_modules[\\/]@bufbuild[\\/]/.test(id) && /\bprocess\b/.test(code)) {
      return { code: code.replaceAll(/\bprocess\b(?=\.env|\s*[!=]=)/g, "undefined"), map: null };
    }
  },
};

/** Where the kernels come from: `kernel-files.ts` is exchanged for another source with the same exports. */
export function kernelsFrom(file) {
  return {
    name: "where the kernels come from",
    // The places of the files, as the folder of the form sees them.
    generateBundle(_, files) {
      for (const file of Object.values(files)) {
        if (file.type === "chunk")
          file.code = file.code.replaceAll(
            /from ?"[^"]*\/build\/(sepconv[\w-]*\.\w+\.wasm)"/g,
            'from "../../build/$1"',
          );
      }
    },
    resolveId(id) {
      if (id.endsWith("/kernel-files.ts")) return `${source}engine/${file}`;
      if (id.endsWith(".wasm")) return { id: `../../build/${id.split("/").at(-1)}`, external: true };
    },
  };
}

/**
 * Makes imports that wait until they are needed imports like all others, of just the names that are taken: what nobody
 * takes is left out.
 */
export function loadedAtOnce() {
  return {
    name: "imports that do not wait",
    transform(code, id) {
      if (!id.startsWith(source)) return;
      const imports = [];
      const taken = (name, from) => {
        imports.push(`import { ${name} as loaded$${imports.length} } from ${JSON.stringify(from)};`);
        return `loaded$${imports.length - 1}`;
      };
      const changed = code
        .replaceAll(/const \{([\w\s,]+)\} = await import\("([^"]+)"\);/g, (_, names, from) =>
          names
            .split(",")
            .map((name) => name.trim())
            .filter(Boolean)
            .map((name) => `const ${name} = ${taken(name, from)};`)
            .join(" "),
        )
        .replaceAll(/\(await import\("([^"]+)"\)\)\.(\w+)/g, (_, from, name) => taken(name, from));
      if (/\bawait import\(|=> import\(/.test(changed)) {
        throw new Error(`${id}: expected imports as (await import("…")).name or const { name } = await import("…")`);
      }
      if (imports.length === 0) return;
      return { code: `${imports.join("\n")}\n${changed}`, map: null };
    },
  };
}

/**
 * Says of every constant of a file that making it does nothing else, which is so everywhere here: bundlers leave out
 * those that a program does not use, and do not see that by themselves where one is made by a call.
 */
export function onlyWhenUsed(code) {
  const within = (node, found) => {
    if (Array.isArray(node)) return node.some((one) => within(one, found));
    if (typeof node !== "object" || node === null || /Function/.test(node.type ?? "")) return false;
    if (node.type === "MethodDefinition") return node.computed && within(node.key, found);
    if (node.type === "PropertyDefinition" && !node.static) return node.computed && within(node.key, found);
    return found(node) || Object.entries(node).some(([key, value]) => key !== "parent" && within(value, found));
  };
  const does = ({ type }) =>
    /^(CallExpression|NewExpression|SpreadElement|TaggedTemplateExpression|MemberExpression)$/.test(type ?? "");
  const edits = [];
  for (const statement of parseAst(code).body) {
    if (statement.type !== "VariableDeclaration") continue;
    for (const { id, init } of statement.declarations) {
      if (id.type !== "Identifier" || !init || !within(init, does)) continue;
      const call = init.type === "NewExpression" && !within([init.callee, ...init.arguments], does);
      edits.push([init.start, call ? "/* @__PURE__ */ " : "/* @__PURE__ */ (()=>("]);
      if (!call) edits.push([init.end, "))()"]);
    }
  }
  let [result, from] = ["", 0];
  for (const [at, text] of edits.sort(([a], [b]) => a - b)) {
    result += code.slice(from, at) + text;
    from = at;
  }
  return result + code.slice(from);
}

/** Where the worker's code comes from: inside the code, instead of a file beside it. */
export const workerInside = {
  name: "the worker inside",
  resolveId: (id) => (id.endsWith("/code-file.ts") ? `${source}worker/code-inline.ts` : undefined),
};

/** The same of CommonJS: the file of the package's other form. */
export const workerBeside = {
  name: "the worker beside",
  resolveId: (id) => (id.endsWith("/code-file.ts") ? "\0code" : undefined),
  load: (id) =>
    id === "\0code"
      ? `export const workerCode = async () => ({
           url: process.getBuiltinModule("node:url").pathToFileURL(require("node:path").join(__dirname, "../worker/serve.js")),
         });`
      : undefined,
};

/**
 * A text, packed, in lines. It takes its place after the minifier, which would make one line of it.
 * @returns a constant of the build, and the plugin that puts the text there
 */
export function packed(text) {
  const bytes = Buffer.from(text);
  const base64 = deflateRawSync(bytes, { level: 9, memLevel: 9 }).toString("base64");
  const place = "packed text";
  const lines = `\`${base64.match(/.{1,2000}/g).join("\n")}\``;
  return {
    define: JSON.stringify({ bytes: bytes.length, base64: place }),
    plugin: {
      name: "packed text",
      generateBundle(_, files) {
        for (const file of Object.values(files)) {
          if (file.type === "chunk") file.code = file.code.replace(/(["'`])packed text\1/, () => lines);
        }
      },
    },
  };
}

/** The parts of the package that have a name of their own: `sepconv/tflite`, … */
export const parts = {
  all: [
    ...["tflite", "keras", "tfjs", "safetensors", "face-api", "onnx"].map((name) => ({
      name,
      src: `formats/${name}/read`,
    })),
    { name: "annotate", src: "vision/annotate" },
    { name: "learn", src: "vision/learn/index" },
  ],
  /** One module that has everything: what `sepconv` exports, and what its parts do. */
  entry(exportsOf) {
    const own = new Set(exportsOf({ src: "index" }));
    for (const part of parts.all) {
      for (const name of exportsOf(part)) {
        if (own.has(name)) throw new Error(`sepconv/${part.name}: expected a name that no other part has, got ${name}`);
        own.add(name);
      }
    }
    const files = ["index", ...parts.all.map(({ src }) => src)];
    return {
      name: "everything",
      resolveId: (id) => (id === "whole" ? "\0whole" : undefined),
      load: (id) =>
        id === "\0whole"
          ? files.map((file) => `export * from ${JSON.stringify(`${source}${file}.ts`)};`).join("\n")
          : undefined,
    };
  },
  /** A part's own file: its names, out of the one file. */
  file: (names, format) =>
    format === "esm"
      ? `export { ${names.join(", ")} } from "./index.js";\n`
      : `const whole = require("./index.js");\n${names.map((name) => `exports.${name} = whole.${name};\n`).join("")}`,
};
