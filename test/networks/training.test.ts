import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { beforeAll, describe, expect, it } from "vitest";
import { build } from "../../src/engine/build.ts";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { random } from "../cases/random.ts";

const BATCH = 4;
const STEMS = ["block0", "block1/depthwise", "block1/pointwise", "block2/depthwise"];

describe("mobilenetV1({ training: true }) against tfjs-layers' batch normalization", () => {
  beforeAll(async () => {
    await tf.setBackend("cpu");
  });
  const graph = initialize(
    mobilenetV1({ alpha: 0.25, resolution: 32, reading: "article", training: true, batch: BATCH }),
    11,
  );
  const input = random("training").floats(BATCH * 32 * 32 * 3);

  for (const variant of VARIANTS.filter(accepts)) {
    it(`normalizes by the batch and answers with the updated moving averages (${variant})`, async () => {
      const names = STEMS.flatMap((stem) => [`${stem}/conv`, `${stem}/bn`]);
      const session = await build(graph, { variant, endPoints: names });
      const { output, outputs, endPoints } = session.run(input);
      expect(output).toHaveLength(BATCH * 256);
      expect(Object.keys(outputs)).toHaveLength(1 + 27);
      for (const stem of STEMS) {
        const { shape } = session.endPoints.find(({ name }) => name === `${stem}/conv`)!;
        const layer = layers.batchNormalization({ momentum: 0.99, epsilon: 0.001 });
        const x = tf.tensor(endPoints[`${stem}/conv`]!, [...shape]);
        const y = layer.apply(x, { training: true }) as tf.Tensor;
        near(endPoints[`${stem}/bn`]!, y.dataSync(), `${stem}/bn`);
        const [, , mean, variance] = layer.getWeights().map((weight) => weight.dataSync());
        near(outputs[`${stem}/bn/moving`]!, [...mean!, ...variance!], `${stem}/bn/moving`);
      }
    });
  }
});

/** Equal to 1e-5 of the largest value: tfjs computes the statistics in float32, in another order. */
function near(actual: ArrayLike<number>, expected: ArrayLike<number>, name: string): void {
  const scale = Math.max(...Array.from(expected, Math.abs));
  expect(actual).toHaveLength(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(actual[i]! - expected[i]!) <= 1e-5 * scale)) {
      expect.fail(`${name}[${i}]: expected ${expected[i]}, got ${actual[i]}`);
    }
  }
}
