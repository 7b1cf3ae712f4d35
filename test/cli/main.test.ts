import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { failure, json, scratchFolder, sepconv } from "./sepconv.ts";

const COMMANDS = ["info", "run", "classify", "detect", "convert", "quantize", "bench"];
const folder = scratchFolder();
const path = (name: string) => join(folder, name);

describe("sepconv", () => {
  it.each(COMMANDS)("%s --help explains itself, with examples", async (name) => {
    const { code, stdout, stderr } = await sepconv(name, "--help");
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(stdout).toMatch(new RegExp(`^Usage: sepconv ${name} `));
    expect(stdout).toContain(`\n  $ sepconv ${name} `);
    expect(stdout).toContain("JSON: ");
    expect(stdout).not.toContain("\x1b");
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  it("lists its subcommands, with --help and with nothing at all", async () => {
    const [asked, bare] = await Promise.all([sepconv("--help"), sepconv()]);
    expect(asked.code).toBe(0);
    for (const name of COMMANDS) {
      expect(asked.stdout).toMatch(new RegExp(`\n  ${name} `));
    }
    expect(bare).toEqual(asked);
  });

  it("prints the package's version", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(await sepconv("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("refuses unknown commands and options in one line", async () => {
    expect(await failure("inform")).toMatch(/unknown command 'inform'.*info/);
    expect(await failure("clasify", "x")).toMatch(/Did you mean classify\?/);
    expect(await failure("info", "--alfa", "1")).toMatch(/--alfa.*--alpha/);
    expect(await failure("detect")).toMatch(/MODEL/);
  });

  it("refuses what is no model in one line that names it", async () => {
    writeFileSync(path("empty.tflite"), "");
    writeFileSync(path("text.h5"), "not a model\nat all");
    const cases: [string, RegExp][] = [
      [path("missing.tflite"), /missing\.tflite: .*no such file/],
      [folder, /directory/],
      [path("empty.tflite"), /empty\.tflite: /],
      [path("text.h5"), /text\.h5: expected TFLite, Keras/],
      [path("text.h5\nsepconv: all is well"), /text\.h5 sepconv: all is well: .*no such file/],
    ];
    for (const [model, words] of cases) expect(await failure("info", model)).toMatch(words);
  });

  it("shows the stack with --debug", async () => {
    const { code, stderr } = await sepconv("info", path("missing.tflite"), "--debug");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sepconv: LoadError: .*missing\.tflite.*\n +at /);
    expect(stderr).toMatch(/caused by .*ENOENT/);
  });

  it("times a network in the builds that run here", async () => {
    const args = ["--alpha", "0.25", "--resolution", "32", "--runs", "3", "--warm-up", "1"];
    const bench = (await json("bench", ...args, "--layers")) as {
      variants: { variant: string; ms: Record<string, number>; layers: { ms: number; macs: number }[] }[];
      absent: { variant: string; reason: string }[];
    };
    const seen = [...bench.variants, ...bench.absent].map(({ variant }) => variant);
    expect(seen.sort()).toEqual(["relaxed", "scalar", "simd"]);
    for (const { ms, layers } of bench.variants) {
      expect(ms.median).toBeGreaterThan(0);
      expect(ms.p95!).toBeGreaterThanOrEqual(ms.p5!);
      expect(layers.length).toBeGreaterThan(13);
    }
    const { stdout, stderr } = await sepconv("bench", ...args, "--variant", "scalar");
    expect(stdout).toMatch(/\nscalar +[\d.]+ ms/);
    expect(stdout + stderr).not.toContain("\x1b");
    expect(stderr).toBe("");
  });
});
