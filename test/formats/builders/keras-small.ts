/**
 * A Keras model of a few hundred numbers that has something of everything, as both versions store it.
 */
import type { Stored } from "./hdf5.ts";
import { functional, inputLayer, type LayerSpec } from "./keras.ts";

type Json = Record<string, unknown>;

/** Numbers of a shape, all one half. */
export const of = (...shape: number[]): Stored => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5),
});

/** A small model of everything: nested, called twice, normalized, in both styles. */
export function smallModel(version: 2 | 3): { class_name: string; config: Json } {
  const block: LayerSpec = {
    className: "Functional",
    name: "block",
    config: functional(
      "block",
      [
        inputLayer("in", [4, 4, 2], version),
        { className: "DepthwiseConv2D", name: "dw", config: { kernel_size: [3, 3], padding: "same", use_bias: false } },
        { className: "BatchNormalization", name: "bn", config: { axis: -1, epsilon: 1e-3 } },
        { className: "ReLU", name: "relu", config: { max_value: 6, negative_slope: 0, threshold: 0 } },
      ],
      ["relu"],
      version,
    ).config,
  };
  return functional(
    "m",
    [
      inputLayer("x", [4, 4, 2], version),
      { className: "Rescaling", name: "scale", config: { scale: 0.5, offset: [0, 1] } },
      {
        className: "ZeroPadding2D",
        name: "pad",
        config: {
          padding: [
            [0, 0],
            [0, 0],
          ],
        },
      },
      block,
      { className: "Add", name: "sum", inputs: ["block", "pad"] },
      {
        className: "Conv2D",
        name: "conv",
        config: { filters: 3, kernel_size: [1, 1], strides: [1, 1], padding: "valid" },
      },
      { className: "GlobalAveragePooling2D", name: "pool", config: { keepdims: true } },
      { className: "Reshape", name: "flat", config: { target_shape: [3] } },
      { className: "Dense", name: "dense", config: { units: 2, activation: "softmax" } },
    ],
    ["dense"],
    version,
  );
}

/** Its variables where versions 1 and 2 store them. */
export const BY_NAME: readonly (readonly [string, Stored])[] = [
  ["block/dw/depthwise_kernel:0", of(3, 3, 2, 1)],
  ["block/bn/gamma:0", { ...of(2), chunks: [1], compression: 1 }],
  ["block/bn/beta:0", of(2)],
  ["block/bn/moving_mean:0", { ...of(2), dtype: "<d" }],
  ["block/bn/moving_variance:0", of(2)],
  ["conv/conv/kernel:0", { ...of(1, 1, 2, 3), chunks: [1, 1, 2, 2], compression: 5 }],
  ["conv/conv/bias:0", of(3)],
  ["dense/dense/kernel:0", of(3, 2)],
  ["dense/dense/bias:0", of(2)],
];

/** And where version 3 does. */
export const BY_POSITION: readonly (readonly [string, Stored])[] = [
  ["layers/functional/layers/depthwise_conv2d/vars/0", of(3, 3, 2, 1)],
  ...[0, 1, 2, 3].map((i) => [`layers/functional/layers/batch_normalization/vars/${i}`, of(2)] as const),
  ["layers/conv2d/vars/0", { ...of(1, 1, 2, 3), chunks: [1, 1, 2, 2], compression: 5 }],
  ["layers/conv2d/vars/1", of(3)],
  ["layers/dense/vars/0", of(3, 2)],
  ["layers/dense/vars/1", of(2)],
];
