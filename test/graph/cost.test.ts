import { describe, expect, it } from "vitest";
import { cost } from "../../src/graph/cost.ts";
import { optimize } from "../../src/graph/passes/index.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";

/**
 * With 1001 classes, as TF-slim: multiply-adds in millions at 224, 192, 160, 128, 96, parameters in millions, and
 * folded.
 */
const TABLE = [
  { alpha: 1, macs: [568.74, 418.12, 290.68, 186.4, 105.3], params: 4.24, folded: 4_222_057 },
  { alpha: 0.75, macs: [325.4, 239.27, 166.4, 106.77, 60.4], params: 2.59, folded: 2_578_121 },
  { alpha: 0.5, macs: [149.5, 109.97, 76.53, 49.16, 27.88], params: 1.34, folded: 1_326_633 },
  { alpha: 0.25, macs: [41.03, 30.21, 21.06, 13.57, 7.75], params: 0.47, folded: 467_593 },
] as const;
const RESOLUTIONS = [224, 192, 160, 128, 96] as const;

const millions = (n: number, digits = 2) => Number((n / 1e6).toFixed(digits));

describe("cost", () => {
  for (const { alpha, macs, params, folded } of TABLE) {
    for (const [i, resolution] of RESOLUTIONS.entries()) {
      it(`is the published one at ${alpha}_${resolution}`, () => {
        const { macs: counted, params: held } = cost(mobilenetV1({ alpha, resolution, classes: 1001 }));
        expect([millions(counted), millions(held)]).toEqual([macs[i], params]);
      });
    }
    it(`of the folded network with 1001 classes is the published one at ${alpha}`, () => {
      expect(cost(optimize(mobilenetV1({ alpha, classes: 1001 }))).params).toBe(folded);
    });
  }

  it("knows where the multiply-adds are", () => {
    const share = (alpha: number) => {
      const sums = { stem: 0, depthwise: 0, pointwise: 0, classifier: 0 };
      for (const { name, op, macs } of cost(mobilenetV1({ alpha, classes: 1001 })).layers) {
        const kind = op === "depthwiseConv2d" ? "depthwise" : op === "dense" ? "classifier" : "pointwise";
        sums[name === "block0" ? "stem" : kind] += macs;
      }
      return Object.values(sums).map((n) => millions(n));
    };
    expect(share(1)).toEqual([10.84, 17.39, 539.49, 1.03]);
    expect(share(0.25)).toEqual([2.71, 4.35, 33.72, 0.26]);
  });

  it("of the twin with full convolutions is the paper's", () => {
    const { macs, params } = cost(mobilenetV1({ convolution: "full" }));
    expect([millions(macs, 0), millions(params, 1)]).toEqual([4867, 29.3]);
  });

  it("of the shallow variant is the paper's", () => {
    const { macs, params } = cost(mobilenetV1({ shallow: true }));
    expect([millions(macs, 0), millions(params, 1)]).toEqual([307, 2.9]);
  });

  it("has one row per layer, with the shapes before and after it", () => {
    const { layers } = cost(mobilenetV1());
    // The first convolution, 13 × 2, the pool, the classifier, softmax.
    expect(layers).toHaveLength(30);
    expect(layers[0]).toEqual({
      name: "block0",
      op: "conv2d",
      inputShape: [1, 224, 224, 3],
      outputShape: [1, 112, 112, 32],
      macs: 112 * 112 * 32 * 27,
      params: 27 * 32 + 3 * 32,
    });
    expect(layers[3]).toMatchObject({ name: "block2/depthwise", op: "depthwiseConv2d", outputShape: [1, 56, 56, 64] });
    expect(layers.slice(-3).map(({ name }) => name)).toEqual(["output", "classifier", "softmax"]);
  });

  it("does not change when depthwise and pointwise are one step, but for the folded parameters", () => {
    const graph = mobilenetV1({ alpha: 0.5, resolution: 96, top: "pool", batch: 3 });
    const folded = cost(optimize(graph));
    expect(folded.macs).toBe(cost(graph).macs);
    // The first convolution, 13 blocks, the pool.
    expect(folded.layers).toHaveLength(15);
  });

  it("counts a constant once, however many layers read it", () => {
    const graph = mobilenetV1({ shallow: true, alpha: 0.25, resolution: 32 });
    const shared = graph.nodes.map((node) => (node.op === "batchNorm" ? { ...node, variance: node.mean } : node));
    const channels = cost(graph).layers.reduce((sum, { op, outputShape }) => {
      return op === "conv2d" || op === "depthwiseConv2d" ? sum + (outputShape[3] as number) : sum;
    }, 0);
    expect(cost(graph).params - cost({ ...graph, nodes: shared }).params).toBe(channels);
  });

  it("counts all four numbers of a batch norm in training, as Keras does", () => {
    const { macs, params } = cost(mobilenetV1({ training: true, classes: 1000 }));
    expect([macs, params]).toEqual([568_740_352, 4_253_864]);
  });

  it("grows with the batch", () => {
    const graph = mobilenetV1({ alpha: 0.25, resolution: 32 });
    expect(cost(mobilenetV1({ alpha: 0.25, resolution: 32, batch: 4 })).macs).toBe(4 * cost(graph).macs);
  });
});
