/**
 * TF.js layers models, with TF.js itself as the outside reference: it builds, saves and executes them on its CPU
 * backend. Each layer is compared on its own, fed with what TF.js computed before it, within the bound of
 * `test/reference/value.ts`.
 */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { beforeAll, describe, expect, test } from "vitest";
import { FormatError, LoadError } from "../../src/errors.ts";
import { importModel } from "../../src/formats/recognize.ts";
import { random } from "../cases/random.ts";
import { compare, type Files, filesOf, type Json, json, pixels, type Spec } from "./builders/tfjs.ts";

beforeAll(async () => {
  tf.env().set("PROD", true);
  await tf.setBackend("cpu");
  await tf.ready();
});

const SIDE = 18;

/**
 * A small network with all that keras-applications' MobileNet has: hand padding, batch norms, ReLU6, a 1×1 classifier.
 */
function mobileNetLike(): tfl.LayersModel {
  const { layers } = tfl;
  const norm = (name: string) => layers.batchNormalization({ name, epsilon: 1e-3 });
  const rectifier = (name: string) => layers.reLU({ name, maxValue: 6 });
  const model = tfl.sequential({
    layers: [
      layers.conv2d({
        name: "conv1",
        inputShape: [SIDE, SIDE, 3],
        filters: 8,
        kernelSize: 3,
        strides: 2,
        padding: "same",
        useBias: false,
      }),
      norm("conv1_bn"),
      rectifier("conv1_relu"),
      layers.depthwiseConv2d({ name: "conv_dw_1", kernelSize: 3, padding: "same", useBias: false }),
      norm("conv_dw_1_bn"),
      rectifier("conv_dw_1_relu"),
      layers.conv2d({ name: "conv_pw_1", filters: 13, kernelSize: 1, useBias: false }),
      norm("conv_pw_1_bn"),
      rectifier("conv_pw_1_relu"),
      layers.zeroPadding2d({
        name: "conv_pad_2",
        padding: [
          [0, 1],
          [0, 1],
        ],
      }),
      layers.depthwiseConv2d({ name: "conv_dw_2", kernelSize: 3, strides: 2, padding: "valid", depthMultiplier: 2 }),
      layers.globalAveragePooling2d({ name: "pool", dataFormat: "channelsLast" }),
      layers.reshape({ name: "reshape_1", targetShape: [1, 1, 26] }),
      layers.dropout({ name: "dropout", rate: 0.1 }),
      layers.conv2d({ name: "conv_preds", filters: 5, kernelSize: 1, activation: "linear" }),
      layers.flatten({ name: "flatten" }),
      layers.dense({ name: "dense", units: 4, activation: "softmax" }),
    ],
  });
  const draw = random("tfjs layers");
  model.setWeights(
    model.getWeights().map((weight, i) => {
      const values = Float32Array.from({ length: weight.size }, () => 2 * draw.next() - 1);
      const positive = model.weights[i]!.name.includes("variance");
      return tf.tensor(positive ? values.map((x) => Math.abs(x) + 0.1) : values, weight.shape);
    }),
  );
  return model;
}

/** What the model saves, through a handler in memory. */
async function save(model: tfl.LayersModel): Promise<{ model: Json; specs: Spec[]; data: Uint8Array }> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save({
    save: async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    },
  });
  const { modelTopology, weightSpecs, weightData, format, generatedBy } = saved!;
  return {
    model: { format, generatedBy, modelTopology },
    specs: weightSpecs!,
    data: new Uint8Array(tf.io.concatenateArrayBuffers([weightData as ArrayBuffer])),
  };
}

/** All layers' results. */
function predictAll(model: tfl.LayersModel, input: Float32Array): Record<string, tf.Tensor> {
  const all = tfl.model({
    inputs: model.inputs,
    outputs: model.layers.map(({ output }) => output as tfl.SymbolicTensor),
  });
  const results = all.predict(tf.tensor(input, [1, SIDE, SIDE, 3])) as tf.Tensor[];
  return Object.fromEntries(model.layers.map(({ name }, i) => [name, results[i]!]));
}

/** Requantizes a saved model's weights. */
function quantize(
  specs: readonly Spec[],
  data: Uint8Array,
  dtype: "uint8" | "uint16" | "float16",
): { specs: Spec[]; data: Uint8Array } {
  const parts: Uint8Array[] = [];
  let offset = 0;
  const quantized = specs.map((spec): Spec => {
    const size = spec.shape.reduce((product, n) => product * n, 1);
    const values = new Float32Array(data.slice(offset, offset + 4 * size).buffer);
    offset += 4 * size;
    if (dtype === "float16") {
      // Truncated mantissas: all that matters here is that both sides read the same bits.
      const halves = Uint16Array.from(new Uint32Array(values.buffer), (bits) => {
        const exponent = ((bits >> 23) & 0xff) - 112;
        return ((bits >> 16) & 0x8000) | (exponent <= 0 ? 0 : (exponent << 10) | ((bits >> 13) & 0x3ff));
      });
      parts.push(new Uint8Array(halves.buffer));
      return { ...spec, quantization: { dtype, original_dtype: "float32" } as NonNullable<Spec["quantization"]> };
    }
    const min = Math.min(...values);
    const scale = (Math.max(...values) - min) / (dtype === "uint8" ? 255 : 65535) || 1;
    const codes = Array.from(values, (x) => Math.round((x - min) / scale));
    parts.push(dtype === "uint8" ? Uint8Array.from(codes) : new Uint8Array(Uint16Array.from(codes).buffer));
    return { ...spec, quantization: { dtype, scale, min } };
  });
  return { specs: quantized, data: Uint8Array.from(parts.flatMap((part) => [...part])) };
}

describe("layers model", () => {
  test("every layer answers as in TF.js; weights span shards", async () => {
    const model = mobileNetLike();
    const saved = await save(model);
    const graph = await importModel(filesOf(saved.model, saved.specs, saved.data, 777));
    expect(graph.source.format).toBe("tfjs");
    const input = pixels(SIDE * SIDE * 3);
    const compared = compare(graph, { [graph.inputs[0]!.name]: input }, predictAll(model, input));
    expect(compared).toBe(model.layers.length);
  });

  test.each(["uint8", "uint16", "float16"] as const)("weights quantized to %s are those of TF.js", async (dtype) => {
    const saved = await save(mobileNetLike());
    const { specs, data } = quantize(saved.specs, saved.data, dtype);
    const theirs = await tfl.loadLayersModel(
      tf.io.fromMemory({
        modelTopology: saved.model.modelTopology as Json,
        weightSpecs: specs,
        weightData: data.slice().buffer,
      }),
    );
    const graph = await importModel(filesOf(saved.model, specs, data, 500));
    const found = [...graph.constants.values()].map(({ data: values }) => [...values!].join());
    for (const weight of theirs.getWeights()) expect(found).toContain([...weight.dataSync()].join());
    const input = pixels(SIDE * SIDE * 3);
    compare(graph, { [graph.inputs[0]!.name]: input }, predictAll(theirs, input));
  });

  test("in the form of the Python converter, and without format", async () => {
    const saved = await save(mobileNetLike());
    const { class_name, config } = saved.model.modelTopology as Json;
    const modelTopology = { keras_version: "2.4.0", backend: "tensorflow", model_config: { class_name, config } };
    const graph = await importModel(filesOf({ modelTopology }, saved.specs, saved.data));
    expect(graph.nodes.some(({ name }) => name === "conv_preds")).toBe(true);
  });

  describe("lies", () => {
    test.each<
      readonly [
        string,
        (files: Files, saved: Awaited<ReturnType<typeof save>>) => unknown,
        new (message: string) => Error,
        RegExp,
      ]
    >([
      [
        "a missing shard",
        (f) => delete f["group1-shard2of4.bin"],
        LoadError,
        /expected "group1-shard2of4\.bin" among the files/,
      ],
      [
        "a truncated shard",
        (f) => (f["group1-shard4of4.bin"] = f["group1-shard4of4.bin"]!.subarray(4)),
        FormatError,
        /group1-shard4of4\.bin: expected (\d+) bytes, got (\d+)/,
      ],
      [
        "a missing weight",
        (f, s) => Object.assign(f, filesOf(s.model, s.specs.slice(1), s.data.subarray(4 * 3 * 3 * 3 * 8))),
        FormatError,
        /conv1/,
      ],
      [
        "a weight of another shape",
        (f, s) =>
          Object.assign(
            f,
            filesOf(
              s.model,
              s.specs.map((spec, i) => (i ? spec : { ...spec, shape: [3, 3, 8, 3] })),
              s.data,
            ),
          ),
        FormatError,
        /conv1/,
      ],
      [
        "no topology",
        (f, s) => Object.assign(f, filesOf({}, s.specs, s.data)),
        FormatError,
        /expected a modelTopology/,
      ],
      [
        "an empty topology",
        (f, s) => Object.assign(f, filesOf({ modelTopology: {} }, s.specs, s.data)),
        FormatError,
        /modelTopology with node or class_name/,
      ],
      [
        "another format",
        (f, s) => Object.assign(f, filesOf({ ...s.model, format: "x" }, s.specs, s.data)),
        FormatError,
        /got "x"/,
      ],
      [
        "no manifest",
        (f, s) => Object.assign(f, { "model.json": json(s.model) }),
        FormatError,
        /expected a weightsManifest/,
      ],
    ])("%s", async (_, change, kind, message) => {
      const saved = await save(mobileNetLike());
      const files = filesOf(saved.model, saved.specs, saved.data, Math.ceil(saved.data.length / 4));
      change(files, saved);
      await expect(importModel(files)).rejects.toThrow(message);
      await expect(importModel(files)).rejects.toThrow(kind);
    });
  });
});
