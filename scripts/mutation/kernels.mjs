/**
 * Builds of changed kernels, and the kernels' own tests over them.
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import asc from "assemblyscript/asc";
import { rolldown } from "rolldown";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const BUILDS = ["scalar", "simd", "relaxed", "debug"];

/** Conditions that the compiler decides: which build it is, and of what type the numbers are. */
export const STILL = /isVector|isFloat|isInteger|isSigned|ASC_|sizeof|\bSIMD\b|FOURS|LANES|\bWAY\b|VARIANT/;

/** Sources of kernels by their paths, what is generated aside. */
export function sourcesOf() {
  return ["assembly/kernels", "assembly/lib", "assembly/simd"].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => `${folder}/${name}`),
  );
}

/**
 * Compiles the kernels, some of whose sources are others; answers with the places of errors, if there are any.
 * @param {Map<string, string>} texts sources by path
 */
export async function compiled(build, texts, folder) {
  const out = join(folder, `sepconv.${build}.wasm`);
  mkdirSync(folder, { recursive: true });
  const entries = ["assembly/index.ts", ...(build === "debug" ? ["assembly/layout.ts"] : [])];
  // The settings of the shipped builds, but for what only makes them smaller and faster.
  const { options, targets } = JSON.parse(readFileSync(join(ROOT, "asconfig.json"), "utf8"));
  const { enable = [], noAssert = options.noAssert } = targets[build];
  const { error, stderr } = await asc.main(
    [
      ...entries,
      ...["--config", "none", "--baseDir", ROOT, "--outFile", relative(ROOT, out), "--runtime", options.runtime],
      ...[
        ...options.use.flatMap((name) => ["--use", name]),
        "--optimizeLevel",
        "1",
        ...(noAssert ? ["--noAssert"] : []),
      ],
      ...enable.flatMap((feature) => ["--enable", feature]),
    ],
    {
      readFile(name, base) {
        const path = join(base, name);
        const own = texts.get(relative(ROOT, path));
        if (own !== undefined) return own;
        try {
          return readFileSync(path, "utf8");
        } catch {
          return null;
        }
      },
    },
  );
  if (!error) return [];
  const text = stderr.toString();
  const places = [
    ...text.matchAll(/ERROR[^\n]*\n(?:(?!ERROR|WARNING)[^\n]*\n)*?[^\n]*in (assembly\/[\w/]+\.ts)\((\d+),(\d+)\)/g),
  ];
  if (places.length === 0) throw new Error(`${build}: ${text.slice(0, 2000) || error.message}`);
  return places.map(([all, file, line, column]) => ({ file, line: Number(line), column: Number(column), text: all }));
}

/** The kernels' tests, bundled so that they run again and again; `hooks` is the body of a module that serves them. */
export async function testsOf(name, hooks, folder, only = /./) {
  const entry = `\0${name}`;
  const stand = fileURLToPath(new URL("vitest.mjs", import.meta.url));
  const tests = readdirSync(join(ROOT, "test/kernels")).filter(
    (file) => /\.test\.ts$/.test(file) && !/^harness/.test(file) && only.test(file),
  );
  const bundle = await rolldown({
    input: entry,
    platform: "node",
    logLevel: "silent",
    treeshake: false,
    external: (id) => /^[^./\0]/.test(id) && id !== "vitest" && !id.startsWith("/"),
    plugins: [
      {
        name: "kernels",
        resolveId: (id) => (id === entry ? id : id === "vitest" ? stand : null),
        load(id) {
          if (id !== entry) return null;
          const paths = tests.map((file) => join(ROOT, "test/kernels", file));
          return `
            import { collect } from ${JSON.stringify(stand)};
            import { serve } from ${JSON.stringify(fileURLToPath(new URL("child.mjs", import.meta.url)))};
            ${hooks}
            ${paths.map((path) => `await collect(${JSON.stringify(path)}, () => import(${JSON.stringify(path)}));`).join("\n")}
            serve(hooks);`;
        },
        transform(code, id) {
          if (!id.startsWith("/") || id.includes("node_modules")) return null;
          return { code: code.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href)) };
        },
      },
    ],
  });
  const path = join(folder, `${name}.mjs`);
  await bundle.write({ dir: folder, entryFileNames: `${name}.mjs`, chunkFileNames: `${name}-[name]-[hash].mjs` });
  return path;
}

/** Which sources each one uses, itself included, and so on. */
export function usedBy(sources) {
  const direct = new Map(
    sources.map((file) => {
      const text = readFileSync(join(ROOT, file), "utf8");
      const names = [...text.matchAll(/from "(\.{1,2}\/[\w./]+)"/g)].map(([, path]) =>
        relative(ROOT, join(ROOT, dirname(file), `${path}.ts`)),
      );
      return [file, names];
    }),
  );
  const all = (file, seen = new Set()) => {
    if (seen.has(file)) return seen;
    seen.add(file);
    for (const other of direct.get(file) ?? []) all(other, seen);
    return seen;
  };
  return new Map(sources.map((file) => [file, all(file)]));
}

/** The source that each exported function stands in. */
export function homesOf(sources) {
  const homes = new Map();
  for (const file of sources) {
    for (const [, name] of readFileSync(join(ROOT, file), "utf8").matchAll(/^export function (\w+)/gm))
      homes.set(name, file);
  }
  return homes;
}

export function save(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
