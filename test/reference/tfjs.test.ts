/**
 * The naive references against an outside one: TensorFlow.js's plain CPU backend, which computes in f32 and so has to
 * lie within the same bounds. (Its WebAssembly backend is wrong on several of these geometries and is not asked.)
 */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import type { Padding } from "../../src/graph/graph.ts";
import { random } from "../cases/random.ts";
import { BLIND, DILATED, type Geometry, geometry, WINDOWS } from "../cases/window.ts";
import { firstOutside } from "../kernels/harness.ts";
import { sigmoid } from "./activation.ts";
import { batchNorm, moments } from "./batchNorm.ts";
import { concat, pad } from "./concat.ts";
import { conv2d } from "./conv2d.ts";
import { depthwise } from "./depthwise.ts";
import { bilinearTaps, image } from "./image.ts";
import { averagePool, globalAveragePool, maxPool } from "./pool.ts";
import { softmax } from "./softmax.ts";
import { exact, type Value } from "./value.ts";
import { place } from "./window.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
  expect(tf.getBackend()).toBe("cpu");
});

/** TensorFlow.js refuses a stride and a dilation above 1 together. */
const GEOMETRIES = [...WINDOWS, ...DILATED].filter(
  ({ strides, dilations }) => Math.max(...strides) === 1 || Math.max(...dilations) === 1,
);

type Pads = "same" | "valid" | [[number, number], [number, number], [number, number], [number, number]];

function pads(padding: Padding): Pads {
  if (typeof padding === "string") return padding;
  return [
    [0, 0],
    [padding.top, padding.bottom],
    [padding.left, padding.right],
    [0, 0],
  ];
}

function check(theirs: () => tf.Tensor, ours: Value): void {
  const [values, shape] = tf.tidy(() => {
    const y = theirs();
    return [y.dataSync(), y.shape];
  });
  expect(shape).toEqual(ours.shape);
  expect(firstOutside(values as Float32Array, ours)).toBeUndefined();
}

/** An image of random data, for both sides. */
function picture(g: Geometry): { x: Value; theirs: () => tf.Tensor4D } {
  const shape: [number, number, number, number] = [g.n, g.h, g.w, g.c];
  const data = random(`tfjs ${g.name}`).floats(g.n * g.h * g.w * g.c);
  return { x: exact(shape, data), theirs: () => tf.tensor4d(data, shape) };
}

function placed(g: Geometry) {
  return place(g.h, g.w, g.kernel, g.strides, g.dilations, g.padding);
}

describe("conv2d", () => {
  it.each([...GEOMETRIES, ...BLIND.filter((g) => g.dilations[0] === 1 || g.strides[0] === 1)])("$name", (g) => {
    const { x, theirs } = picture(g);
    const shape: [number, number, number, number] = [...g.kernel, g.c, 6];
    const data = random(`tfjs weights ${g.name}`).floats(g.kernel[0] * g.kernel[1] * g.c * 6);
    const filter = () => tf.tensor4d(data, shape);
    check(
      () => tf.conv2d(theirs(), filter(), [...g.strides], pads(g.padding), "NHWC", [...g.dilations]),
      conv2d(x, { shape, data }, undefined, placed(g)),
    );
  });
});

describe("depthwise", () => {
  const cases = [1, 2, 3].flatMap((multiplier) => GEOMETRIES.map((g) => ({ name: g.name, g, multiplier })));
  it.each(cases)("$name, multiplier $multiplier", ({ g, multiplier }) => {
    const { x, theirs } = picture(g);
    const shape: [number, number, number, number] = [...g.kernel, g.c, multiplier];
    const data = random(`tfjs weights ${g.name}`).floats(g.kernel[0] * g.kernel[1] * g.c * multiplier);
    const filter = () => tf.tensor4d(data, shape);
    check(
      () => tf.depthwiseConv2d(theirs(), filter(), [...g.strides], pads(g.padding), "NHWC", [...g.dilations]),
      depthwise(x, { shape, data }, undefined, placed(g)),
    );
  });
});

describe("pools", () => {
  it.each(WINDOWS)("$name", (g) => {
    const { x, theirs } = picture(g);
    check(() => tf.maxPool(theirs(), [...g.kernel], [...g.strides], pads(g.padding)), maxPool(x, g.kernel, placed(g)));
    const mean = averagePool(x, g.kernel, placed(g));
    check(() => tf.avgPool(theirs(), [...g.kernel], [...g.strides], pads(g.padding)), mean);
  });

  it("global", () => {
    const { x, theirs } = picture(geometry("global", { n: 2, h: 7, w: 5, c: 9 }));
    check(() => tf.mean(theirs(), [1, 2], true), globalAveragePool(x));
  });
});

describe("the rest", () => {
  const { x, theirs } = picture(geometry("rest", { n: 2, h: 4, w: 3, c: 7 }));
  const numbers = random("tfjs rest");
  const [gamma, beta, mean] = [numbers.floats(7), numbers.floats(7), numbers.floats(7)];
  const variance = numbers.floats(7).map((v) => v * v);

  it("batch norm", () => {
    const vectors = () =>
      [mean, variance, beta, gamma].map((v) => tf.tensor1d(v)) as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];
    check(
      () => tf.batchNorm(theirs(), ...vectors(), 1e-3),
      batchNorm(x, { gamma, beta, mean, variance, epsilon: 1e-3 }),
    );
  });

  it("moments", () => {
    const both = () => {
      const { mean: m, variance: v } = tf.moments(theirs(), [0, 1, 2]);
      return tf.stack([m, v]);
    };
    check(both, moments(x));
  });

  it("sigmoid", () => check(() => tf.sigmoid(theirs()), sigmoid(x)));
  it("softmax", () => check(() => tf.softmax(theirs()), softmax(x, 1)));
  it("concat", () => {
    for (const axis of [0, 1, 2, 3])
      check(() => tf.concat([theirs(), theirs(), theirs()], axis), concat([x, x, x], axis));
  });
  it("pad", () => {
    const by = { top: 1, bottom: 2, left: 0, right: 3 };
    check(() => tf.pad(theirs(), pads(by) as Exclude<Pads, string>, 2.5), pad(x, by, 2.5));
    const around = [...(pads(by) as Exclude<Pads, string>).slice(0, 3), [3, 2]] as Exclude<Pads, string>;
    check(() => tf.pad(theirs(), around, 2.5), pad(x, { ...by, front: 3, back: 2 }, 2.5));
  });

  it.each([
    [7, 5, 3, 2],
    [7, 5, 14, 11],
    [8, 6, 4, 3],
    [5, 5, 5, 5],
    [1, 1, 3, 3],
  ])("bilinear resize of %i×%i to %i×%i", (width, height, outW, outH) => {
    const data = Uint8Array.from({ length: width * height * 3 }, () => numbers.int(0, 255));
    const rows = bilinearTaps(0, height, outH, 0, height - 1);
    const columns = bilinearTaps(0, width, outW, 0, width - 1);
    const ours = image({ data, width, height, channels: 3 }, rows, columns, { scale: [1, 1, 1], shift: [0, 0, 0] });
    const resized = () =>
      tf.image.resizeBilinear(tf.tensor3d(data, [height, width, 3], "float32"), [outH, outW], false, true);
    check(resized, ours);
  });
});
