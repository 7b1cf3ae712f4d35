/**
 * Models within models as TensorFlow.js itself saves them: called once, twice, and within each other.
 */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { beforeAll, expect, test } from "vitest";
import { importModel } from "../../src/formats/recognize.ts";
import { interpret } from "../reference/interpreter.ts";
import { filesOf, type Json, pixels, type Spec } from "./builders/tfjs.ts";

beforeAll(async () => {
  tf.env().set("PROD", true);
  await tf.setBackend("cpu");
  await tf.ready();
});

const { layers } = tfl;

async function compare(model: tfl.LayersModel): Promise<void> {
  model.setWeights(model.getWeights().map((weight) => tf.tensor(pixels(weight.size), weight.shape)));
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save({
    save: async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    },
  });
  const { modelTopology, weightSpecs, weightData, format } = saved!;
  const data = new Uint8Array(tf.io.concatenateArrayBuffers([weightData as ArrayBuffer]));
  const graph = await importModel(filesOf({ format, modelTopology } as Json, weightSpecs as Spec[], data));
  const inputs = graph.inputs.map(({ shape }, i) => pixels(shape.reduce((a, b) => a * b, 1)).map((x) => x + i));
  const theirs = model.predict(inputs.map((input, i) => tf.tensor(input, [...graph.inputs[i]!.shape]))) as tf.Tensor;
  const given = Object.fromEntries(graph.inputs.map(({ name }, i) => [name, inputs[i]!]));
  const ours = interpret(graph, given).get(graph.outputs[0]!)!.values;
  const expected = theirs.dataSync();
  expect(ours).toHaveLength(expected.length);
  for (const [i, value] of ours.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5);
}

const base = () =>
  tfl.sequential({
    name: "base",
    layers: [
      layers.conv2d({ name: "c", inputShape: [4, 4, 2], filters: 3, kernelSize: 3, activation: "relu" }),
      layers.flatten({ name: "f" }),
      layers.dense({ name: "d", units: 2 }),
    ],
  });

test("a Sequential model within another", async () => {
  await compare(tfl.sequential({ layers: [base(), layers.dense({ name: "head", units: 3, activation: "softmax" })] }));
});

test("one called on two inputs", async () => {
  const shared = base();
  const inputs = ["a", "b"].map((name) => tfl.input({ name, shape: [4, 4, 2] }));
  const both = inputs.map((input) => shared.apply(input) as tfl.SymbolicTensor);
  const outputs = layers.concatenate({ name: "cat" }).apply(both) as tfl.SymbolicTensor;
  await compare(tfl.model({ inputs, outputs }));
});

test("a Functional one called on two inputs, within a third", async () => {
  const input = tfl.input({ name: "in", shape: [4, 4, 2] });
  const shared = tfl.model({ name: "shared", inputs: input, outputs: base().apply(input) as tfl.SymbolicTensor });
  const inputs = ["a", "b"].map((name) => tfl.input({ name, shape: [4, 4, 2] }));
  const both = inputs.map((one) => shared.apply(one) as tfl.SymbolicTensor);
  const outputs = layers.add({ name: "sum" }).apply(both) as tfl.SymbolicTensor;
  await compare(tfl.model({ inputs, outputs }));
});
