import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { formatNpy, parseNpy } from "../../src/cli/npy.ts";
import { initialise } from "../../src/graph/initialise.ts";
import { mobilenetV1 } from "../../src/graph/mobilenet-v1.ts";
import { build, load, type Numbers, toTflite } from "../../src/index.ts";
import { random } from "../cases/random.ts";
import { failure, json, scratchFolder, sepconv } from "./sepconv.ts";

const SIZE = 32;
const folder = scratchFolder();
const at = (name: string) => join(folder, name);
const graph = initialise(mobilenetV1({ alpha: 0.25, resolution: SIZE, classes: 10, inputChannels: 1 }), 4);
const input = random("convert").floats(3 * SIZE * SIZE, 1);

/** A colour picture of 40×24 pixels as a 24-bit BMP. */
function bmp(): Uint8Array {
  const [width, height] = [40, 24];
  const bytes = Buffer.alloc(54 + 3 * width * height);
  bytes.write("BM");
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  for (let i = 54; i < bytes.length; i++) bytes[i] = (i * 37) % 256;
  return bytes;
}

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
  it("writes an int8 file that runs, says what it costs, and classifies a colour photo with a gray network", async () => {
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
});
