/** The built package, as others import it: needs `npm run build`. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What a module prints that is run in a process of its own, with nothing of the sources in sight. */
function printed(code: string): string {
  return execFileSync(process.execPath, ["--input-type=module", "--eval", code], {
    cwd: ROOT,
    encoding: "utf8",
  }).trim();
}

describe("the built package", () => {
  it("has one class for each error, wherever it is imported from", () => {
    const code = `
      import { FormatError } from "sepconv";
      import { fromSafetensors } from "sepconv/safetensors";
      const error = await fromSafetensors(new Uint8Array(3)).catch((error) => error);
      console.log(error instanceof FormatError, error.name);`;
    expect(printed(code)).toBe("true FormatError");
  });

  it("finds its kernels, and runs", () => {
    const code = `
      import { build, mobilenetV1 } from "sepconv";
      const session = await build(mobilenetV1({ alpha: 0.25, resolution: 32 }));
      console.log(session.run(new Float32Array(32 * 32 * 3)).output.length);`;
    expect(printed(code)).toBe("1001");
  });

  it.skipIf(process.platform !== "linux")("says what to do where address space is short", () => {
    const code = `
      import { build, mobilenetV1 } from "sepconv";
      const graph = mobilenetV1({ alpha: 0.25, resolution: 32 });
      console.log(await build(graph).then((s) => "built " + s.variant, (error) => error.name + ": " + error.message));`;
    const limited = (...flags: string[]) =>
      execFileSync(
        "bash",
        ["-c", 'ulimit -v 4000000; exec "$0" "$@"', process.execPath, ...flags, "--input-type=module", "--eval", code],
        {
          cwd: ROOT,
          encoding: "utf8",
        },
      ).trim();
    expect(limited()).toMatch(/^MemoryError: .*ulimit -v.*--disable-wasm-trap-handler$/);
    expect(limited("--disable-wasm-trap-handler")).toMatch(/^built /);
  });

  it("keeps the places of the kernels as literals, for bundlers to find", () => {
    const core = readFileSync(`${ROOT}dist/chunks/core.js`, "utf8");
    for (const variant of ["relaxed", "simd", "scalar"]) {
      const place = `new URL("../../build/sepconv.${variant}.wasm",import.meta.url)`;
      expect(core.replaceAll(", ", ",").includes(place), variant).toBe(true);
    }
  });

  it("comes in as two files, and asks for no package", () => {
    const index = readFileSync(`${ROOT}dist/index.js`, "utf8");
    expect([...index.matchAll(/from ?"([^"]+)"/g)].map(([, from]) => from)).toEqual(["./chunks/core.js"]);
    const core = readFileSync(`${ROOT}dist/chunks/core.js`, "utf8");
    expect([...core.matchAll(/^import\b[^;]*?from ?"([^"]+)"/gm)]).toEqual([]);
    const files = readdirSync(`${ROOT}dist`, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".js"),
    );
    const asked = files
      .filter((file) => !/^cli[\\/]/.test(file))
      .flatMap((file) => [
        ...readFileSync(`${ROOT}dist/${file}`, "utf8").matchAll(/(?:from|import\() ?"([^."][^"]*)"/g),
      ])
      .map(([, name]) => name)
      .filter((name) => !name!.startsWith("node:"));
    expect(asked).toEqual([]);
  });

  it("asks for nothing in its default form, and is one file", () => {
    const code = readFileSync(`${ROOT}dist/static/index.js`, "utf8");
    const asking = /\bimport\s*[("{*]|\bimport\.meta|\brequire\(["'`]|\bprocess\.env|[})]\s*from\s*["`]/g;
    expect(code.match(asking)).toBeNull();
    const cjs = readFileSync(`${ROOT}dist/cjs/index.js`, "utf8");
    expect(cjs.match(asking)).toBeNull();
    const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"));
    const files = JSON.stringify(exports).matchAll(/"(\.\/dist\/[^"*]+)"/g);
    for (const [, file] of files) expect(() => readFileSync(ROOT + file), file).not.toThrow();
  });

  it("unpacks its kernels on hosts that have nothing to do it with", () => {
    const code = (before: string) => `
      ${before}
      const { build, mobilenetV1 } = await import("./dist/static/index.js");
      const graph = mobilenetV1({ alpha: 0.25, resolution: 32, training: true });
      const input = Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => (i % 7) / 7);
      for (const variant of ["simd", "scalar"]) {
        const { output } = (await build(graph, { seed: 1, variant })).run(input);
        console.log(Buffer.from(output.buffer).toString("base64"));
      }`;
    const expected = printed(code(""));
    expect(new Set(expected.split("\n")).size).toBe(1);
    const pages = "process.getBuiltinModule = undefined; Uint8Array.fromBase64 = undefined;";
    expect(printed(code(pages))).toBe(expected);
    expect(printed(code(`${pages} globalThis.DecompressionStream = undefined;`))).toBe(expected);
    const other = "globalThis.DecompressionStream = class { constructor() { throw new TypeError('deflate-raw'); } };";
    expect(printed(code(`${pages} ${other}`))).toBe(expected);
  });

  it("is shipped in lines that a terminal shows when an error is not caught", () => {
    for (const file of readdirSync(`${ROOT}dist`, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".js")) continue;
      const longest = Math.max(
        ...readFileSync(`${ROOT}dist/${file}`, "utf8")
          .split("\n")
          .map(({ length }) => length),
      );
      expect(longest, file).toBeLessThan(3000);
    }
  });

  it("is installed as a few small packages", () => {
    const folder = mkdtempSync(join(tmpdir(), "sepconv-install-"));
    try {
      const run = (command: string, cwd: string) => execFileSync("bash", ["-c", command], { cwd, encoding: "utf8" });
      const tarball = run(`npm pack --silent --ignore-scripts --pack-destination "${folder}"`, ROOT)
        .trim()
        .split("\n")
        .at(-1)!;
      writeFileSync(join(folder, "package.json"), "{}");
      run(`npm install --no-audit --no-fund --silent "./${tarball}"`, folder);
      const lock = JSON.parse(readFileSync(join(folder, "node_modules/.package-lock.json"), "utf8"));
      const names = Object.keys(lock.packages);
      const size = Number(run("du -sb node_modules | cut -f1", folder));
      console.info(`installed: ${names.length} packages, ${(size / 1e6).toFixed(2)} MB`);
      expect(names.length).toBeLessThanOrEqual(12);
      // Training, with kernels of its own in each of the package's forms, takes 0.43 MB of it.
      expect(size).toBeLessThanOrEqual(4.5e6);
      const answer = run(`node --input-type=module --eval 'import "sepconv"; console.log("imported")'`, folder);
      expect(answer.trim()).toBe("imported");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
