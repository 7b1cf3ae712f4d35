/** Frozen networks of every kind that there is, against their sessions: the same bits. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { frozen } from "../../src/frozen.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { initialize } from "../../src/graph/initialize.ts";
import {
  build,
  decodeImage,
  detect,
  freeze,
  load,
  mobilenetV1,
  type Numbers,
  quantize,
  type Session,
  type ValueInfo,
} from "../../src/index.ts";
import { detectionsOf } from "../../src/vision/detect.ts";
import { random } from "../cases/random.ts";
import { missingShared, shared } from "../formats/builders/shared.ts";
import { graphOf, PLAIN } from "../graph/build.ts";

/** Numbers for an input, of its type. */
function numbersFor({ name, shape, dtype }: ValueInfo): Numbers {
  const size = shape.reduce((product, length) => product * length, 1);
  const next = random(name);
  if (dtype === "float32") return next.floats(size);
  const bytes = Array.from({ length: size }, () => next.int(0, 255));
  return dtype === "int8" ? Int8Array.from(bytes) : dtype === "uint8" ? Uint8Array.from(bytes) : Int32Array.from(bytes);
}

/** Runs both on the same numbers, twice. */
async function expectSame(session: Session, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const net = await frozen(bytes);
  expect(net.inputs.map(({ name, shape }) => [name, shape])).toEqual(
    session.inputs.map(({ name, shape }) => [name, [...shape]]),
  );
  const input = Object.fromEntries(session.inputs.map((each) => [each.name, numbersFor(each)]));
  const right = session.run<Numbers>(input);
  for (let n = 0; n < 2; n++) expect(net.run(input)).toEqual(right);
}

describe("MobileNet v1, frozen", () => {
  for (const alpha of [0.25, 0.5, 0.75, 1]) {
    for (const resolution of alpha < 1 ? [128, 224] : [160]) {
      it(`${alpha}_${resolution}`, async () => {
        const graph = initialize(mobilenetV1({ alpha, resolution }), 1);
        await expectSame(await build(graph, { variant: "simd" }), await freeze(graph));
      });
    }
  }

  it("0.25_128 in 8 bits, in scalar code and with vectors", async () => {
    const float = initialize(mobilenetV1({ alpha: 0.25, resolution: 128 }), 1);
    const graph = await quantize(float, [random("sample").floats(128 * 128 * 3)], { io: "int8" });
    for (const variant of ["scalar", "simd"] as const) {
      await expectSame(await build(graph, { variant }), await freeze(graph, { variant }));
    }
  });
});

describe("a network of several values, frozen", () => {
  /** x (rows of pixels) and gate (a number for each channel) go in. */
  const graph: Graph = initialize(
    {
      ...graphOf({
        x: [1, 7, 5, 4],
        constants: { w: [3, 3, 4, 8], v: [1, 1, 8, 3] },
        nodes: [
          { op: "conv2d", name: "wide", inputs: ["x"], weights: "w", ...PLAIN },
          { op: "mul", name: "gated", inputs: ["wide", "gate"] },
          { op: "conv2d", name: "narrow", inputs: ["gated"], weights: "v", ...PLAIN },
          { op: "globalAveragePool", name: "mean", inputs: ["narrow"], keepDims: false },
        ],
        outputs: ["mean", "gated", "mean"],
      }),
      inputs: [
        { name: "x", shape: [1, 7, 5, 4], dtype: "float32" },
        { name: "gate", shape: [1, 1, 1, 8], dtype: "float32" },
      ],
    },
    1,
  );

  for (const variant of ["scalar", "simd"] as const) {
    it(`gives the bits of its session: two inputs, three outputs of two values, end points (${variant})`, async () => {
      const endPoints = ["wide", "narrow"];
      const session = await build(graph, { variant, endPoints });
      await expectSame(session, await freeze(graph, { variant, endPoints }));
    });
  }

  it("is described as it is", async () => {
    const bytes = await freeze(graph, { endPoints: ["narrow"] });
    const { exports } = await WebAssembly.instantiate(await WebAssembly.compile(bytes));
    const { input_count, output_count, end_point_count, end_points, output, memory } = exports as unknown as Record<
      string,
      (i?: number) => number
    > & { memory: WebAssembly.Memory };
    expect([input_count!(), output_count!(), end_point_count!()]).toEqual([2, 3, 1]);
    expect(output!(0)).toBe(output!(2));
    const view = new DataView(memory.buffer, end_points!());
    const words = Array.from({ length: 7 }, (_, i) => view.getInt32(4 * (i + 1), true));
    expect(words).toEqual([4 * 105, 0, 4, 1, 7, 5, 3]);
  });

  it("says which input is missing", async () => {
    const net = await frozen(await freeze(graph));
    expect(() => net.run({ x: new Float32Array(140) })).toThrow(/input gate: expected float32 \[1,1,1,8\]/);
    expect(() => net.output("wide")).toThrow(/expected mean,gated,mean, got wide/);
  });
});

describe("detectors, frozen", () => {
  const home = dirname(createRequire(import.meta.url).resolve("@vladmandic/face-api/package.json"));
  const faces = join(home, "model/ssd_mobilenetv1_model-weights_manifest.json");

  /** What a frozen network finds in a picture that goes in as it is. */
  async function found(session: Session, file: string) {
    const { width, height, data } = await decodeImage(readFileSync(file));
    const bytes = await freeze(session, { variant: "simd", image: { format: "rgba8", width, height } });
    const { outputs } = (await frozen(bytes)).run(data);
    return detectionsOf(session, outputs);
  }

  it("find the faces that the session finds, in the photograph itself", async () => {
    const session = await load(faces, { variant: "simd" });
    await expectSame(session, await freeze(session));
    const photograph = join(home, "demo/sample1.jpg");
    const boxes = await found(session, photograph);
    const right = await detect(session, photograph);
    expect(right.length).toBeGreaterThan(1);
    expect(boxes.map(({ score }) => score)).toEqual(right.map(({ score }) => score));
  }, 60_000);

  const coco = shared("models/coco_ssd_mobilenet_v1_quant.tflite");
  it.skipIf(missingShared(coco))(
    "of 90 classes, in 8 bits",
    async () => {
      const session = await load(coco, { variant: "simd" });
      await expectSame(session, await freeze(session));
      const bird = shared("images/bird.bmp");
      const boxes = await found(session, bird);
      expect(boxes.map(({ label }) => label)).toContain("bird");
      expect(boxes.map(({ score }) => score)).toEqual((await detect(session, bird)).map(({ score }) => score));
    },
    60_000,
  );
});
