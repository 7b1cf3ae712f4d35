/**
 * Gradients against an outside opinion: those of TensorFlow.js's plain CPU backend, of the networks whose ops it has
 * gradients for. It computes in f32, too, so each may be as far from the naive reference as the bound says.
 */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { registerGradients, tfjsGradients } from "../../bench/training-tfjs.mjs";
import { trainer } from "../../src/train/index.ts";
import { readTraining } from "./builds.ts";
import { TRIALS } from "./networks.ts";

const KNOWN = ["conv2d", "depthwiseConv2d", "dense", "batchNorm", "clamp", "globalAveragePool", "reshape", "softmax"];

beforeAll(async () => {
  await registerGradients();
  await tf.setBackend("cpu");
  expect(tf.getBackend()).toBe("cpu");
});

/** Of those, the windows that it has gradients for: it knows no dilated one, and no stride that differs. */
const asked = TRIALS.filter(({ graph }) =>
  graph.nodes.every((node) => {
    if (!KNOWN.includes(node.op)) return false;
    if (node.op !== "conv2d" && node.op !== "depthwiseConv2d") return true;
    const [down, right] = node.strides;
    return Math.max(...node.dilations) === 1 && down === right;
  }),
);

describe("TensorFlow.js", () => {
  it("is asked about most kinds of layers", () => {
    expect(asked.length).toBeGreaterThanOrEqual(10);
  });

  for (const { name, graph, inputs, labels } of asked) {
    it(`comes to the same gradients: ${name}`, async () => {
      const theirs = tfjsGradients(tf, graph, inputs, labels, 0.1);
      const t = await trainer(graph, {
        ...{ batch: labels.length, learningRate: 0, labelSmoothing: 0.1, wasm: readTraining("simd") },
      });
      expect(Math.abs(t.step(inputs, labels).loss - theirs.loss)).toBeLessThan(1e-5 * (1 + theirs.loss));
      const ours = t.gradients();
      expect([...theirs.gradients.keys()].sort()).toEqual([...ours.keys()].sort());
      for (const [constant, own] of ours) {
        const their = theirs.gradients.get(constant)!;
        const largest = own.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
        for (const [i, value] of own.entries()) {
          expect(Math.abs(value - their[i]!), `${constant}[${i}]`).toBeLessThan(1e-4 * largest);
        }
      }
    });
  }
});
