import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { beforeAll, describe, expect, it } from "vitest";
import type { Node, Shape } from "../../src/graph/graph.ts";
import { evaluated, graphOf, numbers } from "./build.ts";

const CHANNELS = 5;

describe("batch normalization in training", () => {
  beforeAll(() => tf.setBackend("cpu"));

  const shapes: [string, Shape][] = [
    ["one image", [1, 3, 4, CHANNELS]],
    ["a batch", [4, 3, 3, CHANNELS]],
    ["one pixel", [1, 1, 1, CHANNELS]],
    ["features", [6, CHANNELS]],
  ];
  for (const [name, x] of shapes) {
    it(`is that of tfjs-layers on ${name}: output, moving mean and (biased) moving variance`, () => {
      const size = x.reduce((a, b) => a * b, 1);
      const c = [CHANNELS];
      const nodes: Node[] = [
        { op: "moments", name: "moments", inputs: ["x"] },
        { op: "normalize", name: "y", inputs: ["x", "moments"], gamma: "gamma", beta: "beta", epsilon: 0.001 },
        ...[
          { op: "movingAverage", name: "moving", inputs: ["moments"], mean: "mean", variance: "variance" } as const,
        ].map((node) => ({ ...node, momentum: 0.99, varianceFactor: 1 })),
      ];
      const graph = graphOf({
        x,
        constants: { gamma: c, beta: c, mean: c, variance: c },
        nodes,
        outputs: ["y", "moving"],
      });
      const values = evaluated(graph, 7);

      const layer = layers.batchNormalization({ momentum: 0.99, epsilon: 0.001 });
      layer.build([...x]);
      const data = (role: string) => graph.constants.get(role)?.data as Float32Array;
      layer.setWeights(["gamma", "beta", "mean", "variance"].map((role) => tf.tensor1d(data(role))));
      const input = tf.tensor(numbers(size, 7), [...x]);
      const y = layer.apply(input, { training: true }) as tf.Tensor;
      const [, , mean, variance] = layer.getWeights().map((weight) => weight.dataSync());

      expectNear(y.dataSync(), values.get("y"));
      expectNear([...(mean ?? []), ...(variance ?? [])], values.get("moving"));
    });
  }
});

/** tfjs computes in f32 and in another order: both bounds hold for it. */
function expectNear(got: ArrayLike<number>, expected: { values: Float64Array; bound: Float64Array } | undefined): void {
  expect(got).toHaveLength(expected?.values.length ?? -1);
  expected?.values.forEach((value, i) => {
    const off = Math.abs((got[i] as number) - value);
    if (!(off <= (expected.bound[i] as number)))
      expect.fail(`[${i}]: expected ${value} ± ${expected.bound[i]}, got ${got[i]}`);
  });
}
