/**
 * What a TensorFlow op reads: values computed at each run, and weights known beforehand.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import type { Shape } from "../../graph/graph.ts";
import { sizeOf } from "../../graph/references.ts";
import { type Known, MOST_KNOWN } from "../common/integers.ts";
import type { Weight } from "../common/shards.ts";
import type { Call, Operand } from "./call.ts";
import { where } from "./graphdef.ts";

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

/** The name of an input that must be computed, as floats. */
export function value(call: Call, index: number): string {
  return call.floats(anyValue(call, index));
}

/** The same, of whatever type it is. */
export function anyValue(call: Call, index: number): string {
  const found = operand(call, index);
  if ("value" in found) return found.value;
  throw unsupported(call, `input ${index} to be computed`, `the constant "${found.name}"`);
}

/** The name of an input as floats, a constant as a value that is always the same. */
export function made(call: Call, index: number): string {
  const found = operand(call, index);
  if ("value" in found) return call.floats(found.value);
  const numbers = { ...found.constant, name: found.name };
  return call.emit({
    op: "constant",
    name: `${call.node.name}/${found.name}`,
    inputs: [],
    operand: constant(call, numbers),
  });
}

/** An input that must be constant. */
export function weight(call: Call, index: number): NamedWeight {
  const found = operand(call, index);
  if ("constant" in found) return { ...found.constant, name: found.name };
  throw unsupported(call, `input ${index} to be constant`, `the computed value "${found.value}"`);
}

/** Whole numbers: axes, sizes. @throws FormatError for other numbers, and for more than any op wants */
export function numbers(call: Call, index: number): number[] {
  const { name, data } = weight(call, index);
  if (data.length > MOST_KNOWN || !data.every(Number.isInteger)) {
    throw new FormatError(
      `${where(call.node)}: expected "${name}" to be at most ${MOST_KNOWN} whole numbers, got ${data.length > MOST_KNOWN ? data.length : `[${data.slice(0, 8)}]`}`,
    );
  }
  return Array.from(data);
}

/** What an input is known to be; undefined where it is computed, or not a few whole numbers. */
export function known(found: Operand): Known | undefined {
  if (!("constant" in found)) return undefined;
  const { shape, dtype, data } = found.constant;
  return dtype === "int32" && data.length <= MOST_KNOWN ? { shape, values: Array.from(data) } : undefined;
}

/** Makes a weight one of the graph's constants, under the shape that the op needs. */
export function constant(call: Call, { name, shape, data, dtype }: NamedWeight, as: Shape = shape): string {
  // One weight may serve two ops in two shapes.
  const unique = `${as}` === `${shape}` ? name : `${name}/${as.join("x")}`;
  if (sizeOf(as) !== data.length) {
    throw new FormatError(`${where(call.node)}: expected "${name}" to have the numbers of [${as}], got [${shape}]`);
  }
  const floats = dtype === "float32" && data instanceof Float32Array;
  return call.constant(unique, { key: name, shape: as, bytes: floats ? 0 : 4 * data.length }, () =>
    floats ? data : Float32Array.from(data),
  );
}

/**
 * A weight of one number per channel: what it is stored under; one number alone serves all, leading dimensions of 1 do
 * not matter.
 */
export function perChannel(
  call: Call,
  found: NamedWeight,
  channels: number,
  as: { readonly name: string; readonly key: string },
  of: (n: number) => number = (n) => n,
): string {
  const { shape, data, name } = found;
  const significant = shape.slice(shape.findIndex((n) => n !== 1));
  if (data.length !== 1 && !(significant.length === 1 && significant[0] === channels)) {
    throw unsupported(call, `"${name}" to be one number or ${channels}, one per channel`, `shape [${shape}]`);
  }
  return call.constant(as.name, { key: as.key, shape: [channels], bytes: 4 * channels }, () => {
    if (data.length === 1) return new Float32Array(channels).fill(of(data[0]!));
    return Float32Array.from(data, of);
  });
}

/** The last dimension of a computed value. */
export function channelsOf(call: Call, x: string): number {
  return call.shape(x).at(-1)!;
}

/** A weight as one number per channel, under its own name where it is just that. */
export function channelConstant(call: Call, found: NamedWeight, channels: number): string {
  const { name, shape } = found;
  if (`${shape}` === `${[channels]}`) return constant(call, found);
  return perChannel(call, found, channels, { name: `${name}/${channels}`, key: name });
}
