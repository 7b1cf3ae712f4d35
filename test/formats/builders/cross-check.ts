/**
 * A graph model as ours and as TF.js computes it.
 * @module
 */
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import { importModel } from "../../../src/formats/recognize.ts";
import type { Graph } from "../../../src/graph/graph.ts";
import type { GraphFile } from "./graphdef.ts";
import { compare, type Json, pixels } from "./tfjs.ts";

/** Imports, executes every node in TF.js that ours have too, and compares; returns the graph. */
export async function crossCheck(file: GraphFile, shape: number[], ...outputs: string[]): Promise<Graph> {
  const graph = await importModel(file.files(...outputs));
  const { modelTopology } = file.model();
  const theirs = await loadGraphModel(
    tf.io.fromMemory({
      modelTopology: modelTopology as Json,
      weightSpecs: file.specs,
      weightData: file.data.slice().buffer,
      format: "graph-model",
    }),
  );
  const names = new Set(file.nodes.map(({ name }) => name as string));
  const common = graph.nodes.map(({ name }) => name).filter((name) => names.has(name));
  const input = pixels(shape.reduce((product, n) => product * n, 1));
  const results = theirs.execute({ x: tf.tensor(input, shape) }, common) as tf.Tensor | tf.Tensor[];
  const list = Array.isArray(results) ? results : [results];
  compare(graph, { x: input }, Object.fromEntries(common.map((name, i) => [name, list[i]!])));
  return graph;
}
