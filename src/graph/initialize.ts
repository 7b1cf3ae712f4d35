/**
 * Numbers for the constants that have none: drawn at random, or given by name.
 * @module
 */

import { ShapeError } from "../errors.ts";
import type { Constant, Graph, Shape } from "./graph.ts";
import { sizeOf } from "./references.ts";
import { show } from "./shape.ts";

/** Weights by the names of constants: bare numbers in the constant's own layout, or with a shape to be checked. */
export type Weights =
  | ReadonlyMap<string, Float32Array | WeightTensor>
  | Readonly<Record<string, Float32Array | WeightTensor>>;

/** Numbers and their shape. */
export interface WeightTensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/**
 * `graph` with data for every constant that has none: Glorot (Xavier) uniform, zeros or ones, as its initializer says.
 * Constants with data stay. Equal seeds give equal bits on every host, and a constant's numbers depend on nothing but
 * the seed, its name and its shape.
 * @param seed an integer; the lowest 32 bits count
 * @throws TypeError for a constant that has neither data nor an initializer
 * @example
 * ```js
 * import { initialize, mobilenetV1, toTflite } from "sepconv";
 *
 * const graph = initialize(mobilenetV1({ alpha: 0.25, resolution: 96 }), 42); // the same seed, the same weights
 * console.log((await toTflite(graph)).length);
 * ```
 */
export function initialize(graph: Graph, seed = 0): Graph {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`initialize: expected an integer as seed, got ${seed}`);
  const constants = new Map<string, Constant>();
  for (const [name, constant] of graph.constants) {
    constants.set(name, constant.data === undefined ? { ...constant, data: drawn(constant, seed) } : constant);
  }
  return { ...graph, constants };
}

/**
 * `graph` with the given weights in place of its constants' data. The arrays are used as they are, not copied. Give all
 * that the graph lacks: to replace only some of an architecture's weights, initialize it first.
 * @throws RangeError listing names that the graph does not have and constants left without data; ShapeError where a
 * shape or length differs; TypeError for what is not a Float32Array
 */
export function withWeights(graph: Graph, weights: Weights): Graph {
  const given = weights instanceof Map ? weights : new Map(Object.entries(weights));
  const unknown = [...given.keys()].filter((name) => !graph.constants.has(name));
  const missing = [...graph.constants.values()].filter(({ name, data }) => data === undefined && !given.has(name));
  if (unknown.length + missing.length > 0) {
    const complaints = [
      unknown.length > 0 && `without those it does not have: ${unknown.join(", ")}`,
      missing.length > 0 && `with those it lacks: ${missing.map(({ name }) => name).join(", ")}`,
    ].filter(Boolean);
    throw new RangeError(`withWeights: expected the weights of graph "${graph.name}", ${complaints.join("; and ")}`);
  }
  const constants = new Map(graph.constants);
  for (const [name, weight] of given) {
    constants.set(name, filled(constants.get(name) as Constant, weight));
  }
  return { ...graph, constants };
}

function filled(constant: Constant, weight: Float32Array | WeightTensor): Constant {
  const { name, shape, dtype } = constant;
  const what = `weights "${name}"`;
  if (dtype !== "float32") throw new TypeError(`${what}: expected a float32 constant in the graph, got ${dtype}`);
  const data = weight instanceof Float32Array ? weight : weight?.data;
  if (!(data instanceof Float32Array)) {
    throw new TypeError(`${what}: expected a Float32Array or { shape, data: Float32Array }`);
  }
  const size = sizeOf(shape);
  if (!(weight instanceof Float32Array)) {
    if (weight.shape.length !== shape.length || weight.shape.some((dimension, axis) => dimension !== shape[axis])) {
      throw new ShapeError(`${what}: expected shape ${show(shape)}, got ${show(weight.shape)}`);
    }
  }
  if (data.length !== size) {
    throw new ShapeError(`${what}: expected ${size} numbers for shape ${show(shape)}, got ${data.length}`);
  }
  return { ...constant, data };
}

function drawn({ name, shape, dtype, initializer }: Constant, seed: number): Float32Array {
  if (initializer === undefined)
    throw new TypeError(`constant "${name}": expected data or an initializer, got neither`);
  if (dtype !== "float32") throw new TypeError(`constant "${name}": expected float32 to initialize, got ${dtype}`);
  const data = new Float32Array(sizeOf(shape));
  if (initializer === "ones") data.fill(1);
  if (initializer === "glorotUniform") fillUniform(data, glorotLimit(shape), streamOf(name, seed));
  return data;
}

/**
 * √(6/(fanIn + fanOut)), the fans as TensorFlow counts them: the last two dimensions, each times the taps before them.
 * For a depthwise kernel [kH, kW, C, multiplier] that means C·taps and multiplier·taps.
 */
function glorotLimit(shape: Shape): number {
  const fanOut = shape.at(-1) ?? 1;
  const fanIn = shape.at(-2) ?? fanOut;
  const taps = sizeOf(shape.slice(0, -2));
  return Math.sqrt(6 / (taps * (fanIn + fanOut)));
}

/**
 * Uniform in [−limit, limit). Integers and correctly rounded operations only, so that every host draws the same bits.
 * By blocks: engines compile a function that is called often sooner than a loop that runs long.
 */
function fillUniform(data: Float32Array, limit: number, state: number): void {
  const unit = limit / 2 ** 31;
  for (let at = 0, s = state; at < data.length; at += BLOCK) s = fillBlock(data, at, unit, s);
}

const BLOCK = 256;

/** One block; a single float operation per number: until it is compiled, each one leaves garbage behind. */
function fillBlock(data: Float32Array, at: number, unit: number, state: number): number {
  const end = Math.min(data.length, at + BLOCK);
  let s = state;
  for (let i = at; i < end; i++) {
    s = (s + 0x9e3779b9) | 0;
    data[i] = (mixed(s) ^ 0x80000000) * unit;
  }
  return s;
}

/** A starting state from the seed and the constant's name (FNV-1a). */
function streamOf(name: string, seed: number): number {
  let hash = 0x811c9dc5 ^ mixed(seed | 0);
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return mixed(hash);
}

/**
 * A bijection of 32 bits, as a signed integer, in which every input bit touches every output bit (MurmurHash3's
 * finalizer).
 */
function mixed(x: number): number {
  let h = x ^ (x >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
