import { describe, expect, it } from "vitest";
import type { Clamp, Graph, Shape } from "../../src/graph/graph.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { validate } from "../../src/graph/validate.ts";
import { type MobilenetV1Options, mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { evaluated, ops } from "../graph/build.ts";

const ALPHAS = [1, 0.75, 0.5, 0.25] as const;
const RESOLUTIONS = [224, 192, 160, 128] as const;

/** Output channels of block0 … block13. */
const CHANNELS = {
  paper: {
    1: [32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024],
    0.75: [24, 48, 96, 96, 192, 192, 384, 384, 384, 384, 384, 384, 768, 768],
    0.5: [16, 32, 64, 64, 128, 128, 256, 256, 256, 256, 256, 256, 512, 512],
    0.25: [8, 16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256],
  },
  article: {
    1: [32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024],
    0.75: [32, 48, 96, 96, 192, 192, 384, 384, 384, 384, 384, 384, 768, 768],
    0.5: [32, 32, 64, 64, 128, 128, 256, 256, 256, 256, 256, 256, 512, 512],
    0.25: [32, 16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256],
  },
} as const;

/** By what the resolution is divided at block0 … block13. */
const SCALES = [2, 2, 4, 4, 8, 8, 16, 16, 16, 16, 16, 16, 32, 32];

function endPointShapes(graph: Graph): Record<string, Shape> {
  const shapes = inferShapes(graph);
  return Object.fromEntries([...graph.endPoints].map(([label, name]) => [label, shapes.get(name) as Shape]));
}

const clamps = (graph: Graph) =>
  new Set(graph.nodes.flatMap((node) => (node.op === "clamp" ? [`${node.lo}…${(node as Clamp).hi}`] : [])));

describe("mobilenetV1", () => {
  for (const reading of ["paper", "article"] as const) {
    for (const alpha of ALPHAS) {
      for (const resolution of RESOLUTIONS) {
        it(`has every end point's shape in the ${reading}'s reading at ${alpha}_${resolution}`, () => {
          const graph = mobilenetV1({ alpha, resolution, reading });
          validate(graph);
          const channels = CHANNELS[reading][alpha];
          const expected = Object.fromEntries(
            SCALES.map((scale, i) => [`block${i}`, [1, resolution / scale, resolution / scale, channels[i]]]),
          );
          expect(endPointShapes(graph)).toEqual({ ...expected, output: [1, 1, 1, channels[13]] });
        });
      }
    }
  }

  it("ends in the classifier and clamps at 6 as the paper's reading does", () => {
    const graph = mobilenetV1({ classes: 10, resolution: 64, batch: 2 });
    const shapes = inferShapes(graph);
    expect(graph.outputs).toEqual(["softmax"]);
    expect([shapes.get("classifier"), shapes.get("softmax")]).toEqual([
      [2, 10],
      [2, 10],
    ]);
    expect(clamps(graph)).toEqual(new Set(["0…6"]));
  });

  it("ends in the pool and clamps at nothing as the article's reading does", () => {
    const graph = mobilenetV1({ reading: "article" });
    expect(graph.outputs).toEqual(["output"]);
    expect(clamps(graph)).toEqual(new Set(["0…Infinity"]));
    expect(ops(graph).at(-1)).toBe("globalAveragePool");
  });

  it("ends otherwise when asked to", () => {
    expect(mobilenetV1({ reading: "article", top: "classifier" }).outputs).toEqual(["softmax"]);
    expect(mobilenetV1({ top: "pool" }).outputs).toEqual(["output"]);
  });

  it("names its constants canonically", () => {
    const bn = (stem: string) => ["gamma", "beta", "mean", "variance"].map((role) => `${stem}/bn/${role}`);
    const blocks = Array.from({ length: 13 }, (_, i) =>
      ["depthwise", "pointwise"].flatMap((half) => [`block${i + 1}/${half}/weights`, ...bn(`block${i + 1}/${half}`)]),
    );
    const expected = ["block0/weights", ...bn("block0"), ...blocks.flat(), "classifier/weights", "classifier/bias"];
    expect([...mobilenetV1().constants.keys()]).toEqual(expected);
  });

  it("rounds odd widths down, and to 8 at least, as TF-slim does", () => {
    const widths = (alpha: number) =>
      Object.values(endPointShapes(mobilenetV1({ alpha, resolution: 32 }))).map((shape) => shape[3]);
    expect(widths(0.35).slice(0, 4)).toEqual([11, 22, 44, 44]);
    expect(widths(0.01)).toEqual([8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 10, 10, 10]);
    expect(widths(1.4).slice(-2)).toEqual([1433, 1433]);
  });

  it("takes other inputs", () => {
    const shapes = inferShapes(mobilenetV1({ inputChannels: 1, batch: 4, resolution: 96 }));
    expect([shapes.get("input"), shapes.get("block0/weights")]).toEqual([
      [4, 96, 96, 1],
      [3, 3, 1, 32],
    ]);
  });

  it("replaces separable blocks by full convolutions, and leaves blocks out", () => {
    const full = mobilenetV1({ convolution: "full", top: "pool" });
    expect(ops(full).filter((op) => op === "conv2d")).toHaveLength(14);
    expect(ops(full)).not.toContain("depthwiseConv2d");
    expect(endPointShapes(full)).toEqual(endPointShapes(mobilenetV1()));
    const shallow = mobilenetV1({ shallow: true });
    expect([...shallow.endPoints.keys()].join()).toBe(
      "block0,block1,block2,block3,block4,block5,block6,block12,block13,output",
    );
    expect(endPointShapes(shallow).block13).toEqual([1, 7, 7, 1024]);
  });

  it("answers with moving averages in training", () => {
    const graph = mobilenetV1({ training: true, resolution: 32, batch: 2, alpha: 0.25, reading: "article" });
    validate(graph);
    expect(ops(graph)).not.toContain("batchNorm");
    expect(graph.outputs).toHaveLength(1 + 27);
    expect(graph.outputs.slice(0, 3)).toEqual(["output", "block0/bn/moving", "block1/depthwise/bn/moving"]);
    expect([...graph.constants.keys()]).toEqual([...mobilenetV1({ reading: "article" }).constants.keys()]);
    const values = evaluated(initialize(graph));
    const moments = values.get("block0/bn/moments")?.values as Float64Array;
    const moving = values.get("block0/bn/moving")?.values as Float64Array;
    // Initialized with mean 0 and variance 1, which keep 0.99 of their weight.
    for (let c = 0; c < 32; c++) {
      expect(moving[c]).toBeCloseTo(0.01 * (moments[c] as number), 12);
      expect(moving[32 + c]).toBeCloseTo(0.99 + 0.01 * (moments[32 + c] as number), 12);
    }
  });

  it("keeps small pictures large by a first stride of 1", () => {
    const shapes = endPointShapes(mobilenetV1({ resolution: 32, firstStride: 1 }));
    expect([shapes.block0, shapes.block13]).toEqual([
      [1, 32, 32, 32],
      [1, 2, 2, 1024],
    ]);
  });

  const wrong: [MobilenetV1Options, new (message: string) => Error, string][] = [
    [
      { reading: "article", alpha: 0.6 },
      RangeError,
      "expected alpha to be one of 0.25, 0.5, 0.75, 1 in the article's reading, got 0.6",
    ],
    [{ alpha: 0 }, RangeError, "expected alpha to be a positive number, got 0"],
    [{ alpha: Number.NaN }, RangeError, "expected alpha to be a positive number, got NaN"],
    [{ alpha: Number.POSITIVE_INFINITY }, RangeError, "expected alpha to be a positive number, got Infinity"],
    [{ alpha: "1" as unknown as number }, TypeError, 'expected alpha to be a number, got "1"'],
    [{ resolution: 100 }, RangeError, "expected resolution to be divisible by 32 (five layers halve it), got 100"],
    [{ resolution: -32 }, RangeError, "expected resolution to be a positive integer, got -32"],
    [{ classes: 2.5 }, RangeError, "expected classes to be a positive integer, got 2.5"],
    [{ firstStride: 3 as 2 }, RangeError, "expected firstStride to be 1 or 2, got 3"],
    [{ batch: 0 }, RangeError, "expected batch to be a positive integer, got 0"],
    [{ inputChannels: 0 }, RangeError, "expected inputChannels to be a positive integer, got 0"],
    [{ reading: "slim" as "paper" }, RangeError, 'expected reading to be "paper" or "article", got "slim"'],
    [{ training: 1 as unknown as boolean }, TypeError, "expected training to be true or false, got 1"],
  ];
  for (const [options, kind, message] of wrong) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      expect(() => mobilenetV1(options)).toThrow(new kind(`mobilenetV1: ${message}`));
    });
  }
});
