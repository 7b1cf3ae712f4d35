import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { formatNpy, parseNpy } from "../../src/cli/npy.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { build, load, type Numbers, toTflite } from "../../src/index.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { random } from "../cases/random.ts";
import { bmp } from "./pictures.ts";
import { failure, json, missingTerminal, onTerminal, scratchFolder, sepconv } from "./sepconv.ts";

const SIZE = 32;
const folder = scratchFolder();
const at = (name: string) => join(folder, name);
const graph = initialize(mobilenetV1({ alpha: 0.25, resolution: SIZE, classes: 10, inputChannels: 1 }), 4);
const input = random("convert").floats(3 * SIZE * SIZE, 1);

beforeAll(async () => {
  writeFileSync(at("float.tflite"), await toTflite(graph));
  writeFileSync(at("samples.npy"), formatNpy(input, [3, SIZE, SIZE, 1]));
  writeFileSync(at("photo.bmp"), bmp());
});

describe("sepconv convert", () => {
  it("writes what it reads, and does not replace a file unasked", async () => {
    const answer = await json("convert", at("float.tflite"), at("copy.tflite"));
    expect(answer).toMatchObject({ output: at("copy.tflite"), bytes: readFileSync(at("copy.tflite")).length });
    const sample = input.slice(0, SIZE * SIZE);
    const [one, two] = [await build(graph), await load(at("copy.tflite"))];
    expect(two.run(sample).output).toEqual(one.run(sample).output);
    expect(await failure("convert", at("float.tflite"), at("copy.tflite"))).toMatch(
      /copy\.tflite: expected .* --force/,
    );
    expect((await sepconv("convert", at("float.tflite"), at("copy.tflite"), "--force")).code).toBe(0);
  });

  it("says in one line what is wrong", async () => {
    expect(await failure("convert", at("float.tflite"), at("out.onnx"))).toMatch(/ending in \.tflite, got/);
    expect(await failure("convert", at("nothing.h5"), at("out.tflite"))).toMatch(/nothing\.h5/);
  });
});

describe("sepconv quantize", () => {
  it("writes an int8 file that runs, says what it costs, and classifies a color photo with a gray network", async () => {
    const options = ["--samples", at("samples.npy"), "--io", "int8"];
    const answer = await json("quantize", at("float.tflite"), ...options, "-o", at("int8.tflite"));
    expect(answer).toMatchObject({ output: at("int8.tflite"), samples: 3 });
    expect((answer as { layers: unknown[] }).layers.length).toBeGreaterThan(25);

    const net = await load(at("int8.tflite"));
    expect(net.inputs[0]).toMatchObject({ dtype: "int8", shape: [1, SIZE, SIZE, 1] });
    const bytes = Int8Array.from({ length: SIZE * SIZE }, (_, i) => (i % 256) - 128);
    writeFileSync(at("x.npy"), formatNpy(bytes, [1, SIZE, SIZE, 1]));
    await json("run", at("int8.tflite"), "--input", at("x.npy"), "--output", at("y.npy"));
    const { data, dtype } = parseNpy(new Uint8Array(readFileSync(at("y.npy"))), "y.npy");
    expect(dtype).toBe("int8");
    expect(data).toEqual(net.run<Numbers>(bytes).output);

    const classes = await json("classify", at("int8.tflite"), at("photo.bmp"), "--top", "3");
    expect(classes).toMatchObject([{ classes: [{ index: expect.any(Number) }, {}, {}] }]);
  });

  it("says in one line what is wrong", async () => {
    const to = ["-o", at("never.tflite")];
    expect(await failure("quantize", at("float.tflite"), "--samples", at("none"), ...to)).toMatch(
      /--samples: expected/,
    );
    writeFileSync(at("odd.npy"), formatNpy(new Float32Array(7), [7]));
    expect(await failure("quantize", at("float.tflite"), "--samples", at("odd.npy"), ...to)).toMatch(
      /odd\.npy: expected/,
    );
    expect(await failure("quantize", at("float.tflite"), "--samples", folder, "--percentile", "7", ...to)).toMatch(
      /--percentile/,
    );
  });

  it("lines its columns up, the note on the noisiest layer in one of its own", async () => {
    const { stdout } = await sepconv(
      "quantize",
      at("float.tflite"),
      "--samples",
      at("samples.npy"),
      "-o",
      at("t.tflite"),
    );
    const lines = stdout.slice(0, stdout.indexOf("\n\n")).split("\n");
    const [head = "", ...rows] = lines;
    expect(head).toMatch(/^layer +op +SQNR dB$/);
    expect(rows.length).toBeGreaterThan(25);
    for (const row of rows) {
      expect(row.slice(0, head.length)).toMatch(/ [\d.]+$| Infinity$/);
      expect(row.slice(head.length)).toMatch(/^( {2}← the noisiest)?$/);
    }
    const noise = rows.map((row) => Number(/ ([\d.]+|Infinity)(?: {2}←|$)/.exec(row)?.[1]));
    const noted = rows.flatMap((row, i) => (row.includes("←") ? [noise[i]] : []));
    expect(noted).toHaveLength(1);
    expect(noted[0]).toBe(Math.min(...noise));
    for (const line of stdout.split("\n")) expect(line).toBe(line.trimEnd());
  });

  it.skipIf(missingTerminal())("shows how far it is, on stderr alone", async () => {
    const size = 128;
    const large = initialize(mobilenetV1({ alpha: 0.25, resolution: size, top: "pool" }), 4);
    writeFileSync(at("large.tflite"), await toTflite(large));
    const samples = random("many").floats(20 * size * size * 3, 1);
    writeFileSync(at("many.npy"), formatNpy(samples, [20, size, size, 3]));
    const args = ["quantize", at("large.tflite"), "--samples", at("many.npy"), "-o", at("u.tflite")];
    const { code, screen } = await onTerminal(args, { env: { NO_COLOR: "1" } });
    expect(code, screen).toBe(0);
    expect(screen).toMatch(/\[█*░+\] \d+% (calibrating|comparing both networks)/);
    // Wiped away before the report begins.
    expect(screen.slice(screen.lastIndexOf("%", screen.indexOf("layer ")))).toContain("\x1b[2Klayer ");
  });
});
