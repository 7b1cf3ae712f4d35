import { strToU8, zipSync } from "fflate";
import { beforeAll, describe, expect, test } from "vitest";
import { FormatError, SepconvError, UnsupportedError } from "../../src/errors.ts";
import { fromKeras } from "../../src/formats/keras/read.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { interpret } from "../reference/interpreter.ts";
import { buildDoublingHdf5, buildHdf5, type Stored } from "./builders/hdf5.ts";
import { functional, inputLayer, keras3Paths, kerasMobilenet, noise, sequential } from "./builders/keras.ts";

const RESOLUTION = 32;
const CLASSES = 5;
const pixels = noise(99, RESOLUTION * RESOLUTION * 3, 1);
const model = kerasMobilenet(0.25, RESOLUTION, CLASSES, 2);
const model3 = kerasMobilenet(0.25, RESOLUTION, CLASSES, 3);

function answer(graph: Graph, value = graph.outputs[0]!): number[] {
  return Array.from(interpret(graph, { [graph.inputs[0]!.name]: pixels }).get(value)!.values);
}

/** Keras 2: each layer's group holds its variables under their full names. */
function named(weights: ReadonlyMap<string, Stored>, top: string): [string, Stored][] {
  return [...weights].map(([name, stored]) => [`${top}${name.split("/")[0]}/${name}:0`, stored]);
}

function config(version: 2 | 3): string {
  const { layers } = version === 2 ? model : model3;
  return JSON.stringify(functional("mobilenet_0.25_32", layers, ["predictions"], version));
}

function zip(files: Record<string, Uint8Array>): Uint8Array {
  return zipSync(files, { level: 0 });
}

let full: Graph;
let expected: number[];

beforeAll(async () => {
  const bytes = await buildHdf5(named(model.weights, "model_weights/"), {
    model_config: config(2),
    backend: "tensorflow",
  });
  full = await fromKeras(bytes);
  expected = answer(full);
});

/** The two builds differ in nothing but the order of a few operations. */
function expectSame(got: readonly number[]): void {
  expect(got).toHaveLength(expected.length);
  for (const [i, value] of got.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-9);
}

describe("a MobileNet in every container", () => {
  test("Keras 2, full model: layers, end points, normalization", () => {
    expect(full.outputs).toEqual(["predictions"]);
    expect(full.nodes).toHaveLength(model.layers.length - 1);
    expect([...full.endPoints.keys()]).toEqual([...Array.from({ length: 14 }, (_, i) => `block${i}`), "output"]);
    expect(full.source).toEqual({ format: "keras", normalization: { mean: 127.5, std: 127.5 } });
    expect(Math.max(...expected)).toBeLessThan(1);
  });

  test("Keras 3, legacy .h5: names without scopes and without :0", async () => {
    const weights = [...model3.weights].map(([name, stored]): [string, Stored] => [
      `model_weights/${name.split("/")[0]}/${name}`,
      stored,
    ]);
    expectSame(answer(await fromKeras(await buildHdf5(weights, { model_config: config(3) }))));
  });

  test.each(["layers", "_layer_checkpoint_dependencies"])("Keras 3, .keras, weights below %s", async (folder) => {
    const weights = await buildHdf5(keras3Paths(model3, folder));
    const file = zip({
      "config.json": strToU8(config(3)),
      "metadata.json": strToU8("{}"),
      "model.weights.h5": weights,
    });
    const graph = await fromKeras(file);
    expectSame(answer(graph));
    expect(graph.source.format).toBe("keras");
  });

  test("weights alone, as keras-applications names them", async () => {
    const graph = await fromKeras(await buildHdf5(named(model.weights, "")), { resolution: RESOLUTION });
    expectSame(answer(graph));
    expect(graph.inputs[0]!.shape).toEqual([1, RESOLUTION, RESOLUTION, 3]);
    expect(graph.source).toEqual({ format: "keras", normalization: { mean: 127.5, std: 127.5 } });
  });

  test("weights alone, 224 if nobody says otherwise, and in float64", async () => {
    const doubled = [...model.weights].map(
      ([name, stored]) => [`${name}:0`, { ...stored, dtype: "<d" as const }] as const,
    );
    expect((await fromKeras(await buildHdf5(doubled))).inputs[0]!.shape).toEqual([1, 224, 224, 3]);
  });

  test("weights alone, by position (Keras 3 .weights.h5)", async () => {
    expectSame(answer(await fromKeras(await buildHdf5(keras3Paths(model3)), { resolution: RESOLUTION })));
  });

  test("weights alone, without top", async () => {
    const weights = new Map([...model.weights].filter(([name]) => !name.startsWith("conv_preds")));
    const graph = await fromKeras(await buildHdf5(named(weights, "")), { resolution: RESOLUTION });
    expect(graph.outputs).toEqual(["output"]);
    const pool = answer(full, "global_average_pooling2d");
    for (const [i, value] of answer(graph).entries()) expect(Math.abs(value - pool[i]!)).toBeLessThan(1e-9);
  });

  test("within two Sequentials, as Teachable Machine nests it", async () => {
    const inner = functional("mobilenet_0.25_32", model.layers.slice(0, -5), ["conv_pw_13_relu"]);
    const features = sequential("sequential_1", [
      { className: "Functional", name: "mobilenet_0.25_32", config: inner.config },
      { className: "GlobalAveragePooling2D", name: "pool" },
    ]);
    const head = sequential("sequential_3", [
      {
        className: "Dense",
        name: "dense_1",
        config: { units: 4, activation: "relu", use_bias: true, batch_input_shape: [null, 256] },
      },
      { className: "Dense", name: "dense_2", config: { units: 2, activation: "softmax", use_bias: false } },
    ]);
    const outer = sequential("sequential_4", [
      { className: "Sequential", name: "sequential_1", config: features.config as Record<string, unknown> },
      { className: "Sequential", name: "sequential_3", config: head.config as Record<string, unknown> },
    ]);
    const weights: [string, Stored][] = [...model.weights]
      .filter(([name]) => !name.startsWith("conv_preds"))
      .map(([name, stored]) => [`model_weights/sequential_1/${name}:0`, stored]);
    weights.push(
      ["model_weights/sequential_3/dense_1/kernel:0", { shape: [256, 4], data: noise(1, 1024, 0.1) }],
      ["model_weights/sequential_3/dense_1/bias:0", { shape: [4], data: [1, 2, 3, 4] }],
      ["model_weights/sequential_3/dense_2/kernel:0", { shape: [4, 2], data: noise(2, 8, 1) }],
    );
    const graph = await fromKeras(await buildHdf5(weights, { model_config: JSON.stringify(outer) }));
    expect(graph.inputs).toEqual([{ name: "input", shape: [1, 32, 32, 3], dtype: "float32" }]);
    expect(graph.outputs).toEqual(["sequential_3/dense_2"]);
    expect(graph.endPoints.get("block13")).toBe("sequential_1/mobilenet_0.25_32/conv_pw_13_relu");
    expect(graph.source.normalization).toEqual({ mean: 127.5, std: 127.5 });
    const pool = answer(full, "global_average_pooling2d");
    for (const [i, value] of answer(graph, "sequential_1/pool").entries()) {
      expect(Math.abs(value - pool[i]!)).toBeLessThan(1e-9);
    }
    expect(answer(graph).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
  });
});

describe("files that lie, or lack something", () => {
  const small = functional(
    "m",
    [inputLayer("in", [4, 4, 1]), conv("c"), { className: "Flatten", name: "flat" }],
    ["flat"],
  );
  function conv(name: string) {
    const settings = { filters: 2, kernel_size: [1, 1], strides: [1, 1], padding: "valid", use_bias: true };
    return { className: "Conv2D", name, config: { ...settings, activation: "linear" } };
  }
  const kernel: [string, Stored] = ["model_weights/c/c/kernel:0", { shape: [1, 1, 1, 2], data: [1, 2] }];
  const bias: [string, Stored] = ["model_weights/c/c/bias:0", { shape: [2], data: [3, 4] }];
  const text = JSON.stringify(small);

  test("the honest one is read", async () => {
    const graph = await fromKeras(await buildHdf5([kernel, bias], { model_config: text }));
    expect(graph.nodes.map((node) => node.name)).toEqual(["c", "flat"]);
    expect(graph.nodes[1]).toMatchObject({ op: "reshape", shape: [-1, 32] });
  });

  test.each<[string, [string, Stored][], Record<string, string>, RegExp]>([
    [
      "no bias",
      [kernel],
      { model_config: text },
      /^keras: layer 'c' \(Conv2D\): expected variable 'bias' \[2\], got none$/,
    ],
    [
      "no weights at all",
      [],
      { model_config: text },
      /layer 'c' \(Conv2D\): expected variable 'kernel' \[1,1,1,2\], got none/,
    ],
    [
      "kernel of another shape",
      [["model_weights/c/c/kernel:0", { shape: [1, 1, 2, 1], data: [1, 2] }], bias],
      { model_config: text },
      /expected variable 'kernel' \[1,1,1,2\], got \[1,1,2,1\]/,
    ],
    [
      "configuration that is not JSON",
      [kernel, bias],
      { model_config: "{layers" },
      /model configuration: expected JSON, got "\{layers"/,
    ],
    ["configuration of nothing", [kernel, bias], { model_config: "{}" }, /class_name: expected a string, got nothing/],
    ["no configuration, other weights", [kernel], {}, /expected dataset 'conv1\/kernel' of 4 dimensions, got none/],
  ])("%s", async (_, weights, attributes, message) => {
    const bytes = await buildHdf5(weights, attributes);
    await expect(fromKeras(bytes)).rejects.toThrow(FormatError);
    await expect(fromKeras(bytes)).rejects.toThrow(message);
  });

  test("weights alone: one dataset missing, one of another shape", async () => {
    const without = new Map([...model.weights].filter(([name]) => name !== "conv_dw_7_bn/moving_mean"));
    await expect(fromKeras(await buildHdf5(named(without, "")))).rejects.toThrow(
      /expected dataset 'conv_dw_7_bn\/moving_mean' of \[128\], got none/,
    );
    const other = new Map(model.weights).set("conv1_bn/gamma", { shape: [7], data: noise(1, 7, 1) });
    await expect(fromKeras(await buildHdf5(named(other, "")))).rejects.toThrow(/'conv1_bn\/gamma' of \[8\], got \[7\]/);
  });

  test("weights alone, by position, of a network with biases", async () => {
    const paths = keras3Paths(model3);
    paths.push(["layers/conv2d/vars/1", { shape: [8], data: noise(1, 8, 1) }]);
    await expect(fromKeras(await buildHdf5(paths))).rejects.toThrow(UnsupportedError);
  });

  test("a zip without weights, without configuration, cut off", async () => {
    const weights = await buildHdf5(keras3Paths(model3));
    const json = strToU8(config(3));
    await expect(fromKeras(zip({ "config.json": json }))).rejects.toThrow(
      /expected 'model.weights.h5' in the zip, got config.json/,
    );
    await expect(fromKeras(zip({ "model.weights.h5": weights }))).rejects.toThrow(/expected 'config.json' in the zip/);
    const whole = zip({ "config.json": json, "model.weights.h5": weights });
    await expect(fromKeras(whole.subarray(0, whole.length >> 1))).rejects.toThrow(FormatError);
    await expect(
      fromKeras(zip({ "config.json": json, "model.weights.h5": weights.subarray(0, 5000) })),
    ).rejects.toThrow(FormatError);
  });

  test("groups that are linked to twice, level by level, end soon", async () => {
    const bytes = await buildDoublingHdf5(40);
    await expect(fromKeras(bytes)).rejects.toThrow(/expected at most 80000 names \(limits.maxTensors\), got more/);
  });

  test("cut anywhere: an error of ours", async () => {
    const bytes = await buildHdf5([kernel, bias], { model_config: text });
    for (let length = 0; length < bytes.length; length += 97) {
      const error = await fromKeras(bytes.slice(0, length)).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error !== undefined) expect(error, `${length} bytes`).toBeInstanceOf(SepconvError);
    }
  });

  test("bytes changed: a graph, or an error of ours", async () => {
    const bytes = await buildHdf5([kernel, bias], { model_config: text });
    for (let at = 0; at < bytes.length; at += 5) {
      for (const value of [0, 0x7f, 0xff]) {
        const changed = bytes.slice();
        changed[at] = value;
        const error = await fromKeras(changed).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        if (error !== undefined) expect(error, `byte ${at} = ${value}`).toBeInstanceOf(SepconvError);
      }
    }
  });
});
