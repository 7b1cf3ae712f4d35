/**
 * TF.js models as files, and the comparison with what TF.js itself computes.
 * @module
 */
import type * as tf from "@tensorflow/tfjs-core";
import { expect } from "vitest";
import type { Graph } from "../../../src/graph/graph.ts";
import { validate } from "../../../src/graph/validate.ts";
import { random } from "../../cases/random.ts";
import { interpret } from "../../reference/interpreter.ts";

export type Json = Record<string, unknown>;
export type Files = Record<string, Uint8Array>;
export type Spec = tf.io.WeightsManifestEntry;

export const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** `model.json` and shards of `shardBytes`, as the converter writes them. */
export function filesOf(model: Json, specs: readonly Spec[], data: Uint8Array, shardBytes = 1 << 22): Files {
  const files: Files = {};
  const count = Math.ceil(data.length / shardBytes);
  for (let i = 0; i < count; i++) {
    files[`group1-shard${i + 1}of${count}.bin`] = data.slice(i * shardBytes, (i + 1) * shardBytes);
  }
  const weightsManifest = [{ paths: Object.keys(files), weights: specs }];
  return { "model.json": json({ ...model, weightsManifest }), ...files };
}

/** Compares every value that both have; returns how many. */
export function compare(
  graph: Graph,
  inputs: Readonly<Record<string, Float32Array>>,
  theirs: Record<string, tf.Tensor>,
): number {
  validate(graph);
  const measured: Record<string, Float32Array> = {};
  for (const { name } of graph.nodes) if (theirs[name]) measured[name] = theirs[name].dataSync() as Float32Array;
  const ours = interpret(graph, inputs, { measured });
  for (const [name, got] of Object.entries(measured)) {
    const { shape, values, bound } = ours.get(name)!;
    expect(theirs[name]!.shape, name).toEqual(shape);
    got.forEach((x, i) => {
      if (!(Math.abs(x - values[i]!) <= bound[i]!)) {
        throw new Error(`${name}[${i}]: expected ${values[i]} ± ${bound[i]}, got ${x}`);
      }
    });
  }
  return Object.keys(measured).length;
}

/** Pixels in [−1, 1]. */
export const pixels = (length: number) => random("tfjs pixels").floats(length);
