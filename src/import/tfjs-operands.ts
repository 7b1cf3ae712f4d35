/**
 * What a TensorFlow op reads: values computed at each run, and weights known beforehand.
 * @module
 */
import { FormatError, UnsupportedError } from "../errors.ts";
import type { Shape } from "../graph/graph.ts";
import type { Weight } from "./shards.ts";
import type { Call, Operand } from "./tfjs-graph.ts";
import { where } from "./tfjs-graphdef.ts";

/** A weight and the name of its Const node. */
export interface NamedWeight extends Weight {
  readonly name: string;
}

/** The error for a node that asks for more than is supported. */
export function unsupported({ node }: Call, expected: string, got: string): UnsupportedError {
  return new UnsupportedError(`${where(node)}: expected ${expected}, got ${got}`);
}

/** An input of the op, constant or computed. @throws FormatError when there are too few */
export function operand(call: Call, index: number): Operand {
  const found = call.inputs[index];
  if (!found)
    throw new FormatError(`${where(call.node)}: expected an input ${index}, got ${call.inputs.length} inputs`);
  return found;
}

/** The name of an input that must be computed. */
export function value(call: Call, index: number): string {
  const found = operand(call, index);
  if ("value" in found) return found.value;
  throw unsupported(call, `input ${index} to be computed`, `the constant "${found.name}"`);
}

/** An input that must be constant. */
export function weight(call: Call, index: number): NamedWeight {
  const found = operand(call, index);
  if ("constant" in found) return { ...found.constant, name: found.name };
  throw unsupported(call, `input ${index} to be constant`, `the computed value "${found.value}"`);
}

/** Whole numbers: axes, sizes. */
export function numbers(call: Call, index: number): number[] {
  return Array.from(weight(call, index).data);
}

/** Makes a weight one of the graph's constants, under the shape that the op needs. */
export function constant(call: Call, { name, shape, data }: NamedWeight, as: Shape = shape): string {
  // One weight may serve two ops in two shapes.
  const unique = `${as}` === `${shape}` ? name : `${name}/${as.join("x")}`;
  return call.constant(unique, as, data instanceof Float32Array ? data : Float32Array.from(data));
}

/** A weight of one number a channel; one number alone serves all, leading dimensions of 1 do not matter. */
export function perChannel(call: Call, found: NamedWeight, channels: number): Float32Array {
  const { shape, data, name } = found;
  const significant = shape.slice(shape.findIndex((n) => n !== 1));
  if (data.length === 1) return new Float32Array(channels).fill(data[0]!);
  if (significant.length === 1 && significant[0] === channels) return Float32Array.from(data);
  throw unsupported(call, `"${name}" to be one number or ${channels}, one a channel`, `shape [${shape}]`);
}

/** The last dimension of a computed value. */
export function channelsOf(call: Call, x: string): number {
  return call.shape(x).at(-1)!;
}
