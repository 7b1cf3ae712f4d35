/**
 * TFLite's operators that move numbers: parts of values, other orders of axes, other sizes of images; each in floats
 * and in 8 bits, in which numbers keep their meaning.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import { positiveAxis, withOpenBatch } from "../../graph/dimensions.ts";
import type { Shape } from "../../graph/graph.ts";
import { blockMove, type Part, partsAlong, plainPart, stridedPart } from "../common/slices.ts";
import type { OperatorCall } from "./call.ts";
import { declares } from "./reshape.ts";

// Indices of fields in the tables of options, in the order of the schema.
const STRIDED_SLICE = { begin: 0, end: 1, ellipsis: 2, newAxis: 3, shrink: 4 } as const;
const AXIS = 1;
/** The only option, or the one that matters. */
const FIRST = 0;
/** Sizes are whole numbers of 32 bits. */
const MOST = 2 ** 31 - 1;

/** The error for settings that do not fit the value. */
function misfit(call: OperatorCall, expected: string, got: string): FormatError {
  return new FormatError(`${call.where}: expected ${expected}, got ${got}`);
}

/** An axis from 0 on. */
function axisOf(call: OperatorCall, axis: number, rank: number): number {
  const positive = positiveAxis(axis, rank);
  if (positive >= 0 && positive < rank) return positive;
  throw misfit(call, `an axis below ${rank}`, `${axis}`);
}

function reshaped(call: OperatorCall, x: string, from: Shape, to: Shape, suffix?: string): string {
  return call.node({ op: "reshape", shape: withOpenBatch(from, to) }, [x], suffix);
}

export function transpose(call: OperatorCall): string {
  const shape = call.shape(0);
  const permutation = call.integers(1).map((axis) => axisOf(call, axis, shape.length));
  if (permutation.length !== shape.length || new Set(permutation).size !== shape.length) {
    throw misfit(call, `each of ${shape.length} axes once`, `[${permutation}]`);
  }
  return call.node({ op: "transpose", permutation }, [call.value(0)]);
}

export function tile(call: OperatorCall): string {
  const multiples = call.integers(1);
  if (multiples.some((n) => n < 1)) throw new UnsupportedError(`${call.where}: expected multiples from 1 on`);
  return call.node({ op: "tile", multiples }, [call.value(0)]);
}

/** The part of a value; what it loses or gains of axes of size 1 in a reshape. */
function partOf(call: OperatorCall, x: string, from: Shape, part: Part | undefined): string {
  if (!part) throw misfit(call, `a part of [${from}]`, "one outside of it");
  const { begin, size, strides, shape } = part;
  const plain = shape.length === begin.length;
  const taken = call.node({ op: "slice", begin, size, strides }, [x], plain ? undefined : "part");
  if (plain) return taken;
  const whole = begin.map((_, axis) => (size[axis] === -1 ? from[axis]! : size[axis]!));
  return reshaped(call, taken, whole, shape);
}

export function stridedSlice(call: OperatorCall): string {
  const from = call.shape(0);
  const mask = (index: number) => call.operator.options?.int32(index) ?? 0;
  const masks = {
    ...{ begin: mask(STRIDED_SLICE.begin), end: mask(STRIDED_SLICE.end), ellipsis: mask(STRIDED_SLICE.ellipsis) },
    ...{ newAxis: mask(STRIDED_SLICE.newAxis), shrink: mask(STRIDED_SLICE.shrink) },
  };
  const [begin, end, strides] = [call.integers(1), call.integers(2), call.integers(3)];
  return partOf(call, call.value(0), from, stridedPart(from, begin, end, strides, masks));
}

export function slice(call: OperatorCall): string {
  const from = call.shape(0);
  return partOf(call, call.value(0), from, plainPart(from, call.integers(1), call.integers(2)));
}

/** SPLIT: the axis, then the value; one of its equal parts. */
export function split(call: OperatorCall): string {
  const from = call.shape(1);
  const axis = axisOf(call, call.integers(0)[0] ?? 0, from.length);
  const count = call.operator.outputs.length;
  const sizes = Array.from({ length: count }, () => from[axis]! / count);
  return partAlong(call, call.value(1), from, axis, sizes);
}

/** SPLIT_V: the value, sizes of which one may be −1, the axis. */
export function splitV(call: OperatorCall): string {
  const from = call.shape(0);
  const axis = axisOf(call, call.integers(2)[0] ?? 0, from.length);
  const sizes = call.integers(1);
  const rest = from[axis]! - sizes.reduce((sum, n) => sum + Math.max(n, 0), 0);
  const known = sizes.map((n) => (n === -1 ? rest : n));
  return partAlong(call, call.value(0), from, axis, known);
}

function partAlong(call: OperatorCall, x: string, from: Shape, axis: number, sizes: readonly number[]): string {
  const parts = partsAlong(from, axis, sizes);
  if (parts?.length !== call.operator.outputs.length) {
    throw misfit(call, `${call.operator.outputs.length} sizes that make up axis ${axis} of [${from}]`, `[${sizes}]`);
  }
  return partOf(call, x, from, parts[call.which]);
}

/** UNPACK: one of the parts of size 1, without their axis. */
export function unpack(call: OperatorCall): string {
  const from = call.shape(0);
  const axis = axisOf(call, call.operator.options?.int32(AXIS) ?? 0, from.length);
  if (from[axis] !== call.operator.outputs.length) {
    throw misfit(call, `${call.operator.outputs.length} along axis ${axis}`, `[${from}]`);
  }
  const parts = partsAlong(
    from,
    axis,
    call.operator.outputs.map(() => 1),
  )!;
  return partOf(call, call.value(0), from, { ...parts[call.which]!, shape: from.toSpliced(axis, 1) });
}

/** PACK: values of one shape along a new axis. */
export function pack(call: OperatorCall): string {
  const from = call.shape(0);
  const axis = axisOf(call, call.operator.options?.int32(AXIS) ?? 0, from.length + 1);
  const longer = from.toSpliced(axis, 0, 1);
  const parts = call.operator.inputs.map((_, i) => reshaped(call, call.value(i), from, longer, `${i}`));
  return call.node({ op: "concat", axis }, parts);
}

/** DEPTH_TO_SPACE and SPACE_TO_DEPTH. */
export function blocks(to: "space" | "depth"): (call: OperatorCall) => string {
  return (call) => {
    const from = call.shape(0);
    const block = call.positive(FIRST, "block_size");
    const move = blockMove(from, block, to);
    if (!move) throw misfit(call, `an image of blocks of ${block}`, `[${from}]`);
    const apart = reshaped(call, call.value(0), from, move.apart, "apart");
    const { permutation } = move;
    const turned = call.node({ op: "transpose", permutation }, [apart], "turned");
    return reshaped(
      call,
      turned,
      permutation.map((axis) => move.apart[axis]!),
      move.together,
    );
  };
}

/** The size that RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR bring an image to. */
export function sizeAsked(call: OperatorCall): readonly [number, number] {
  const size = call.integers(1);
  const to = call.output.shape;
  if (size.length !== 2 || (declares(call) && (size[0] !== to[1] || size[1] !== to[2]))) {
    throw new FormatError(
      `${call.where}, size: expected that of the output [${to.join(",")}], got [${size.join(",")}]`,
    );
  }
  if (size.some((n) => n < 1 || n > MOST)) {
    throw new FormatError(`${call.where}, size: expected numbers from 1 to ${MOST}, got [${size.join(",")}]`);
  }
  return [size[0]!, size[1]!];
}

export function resizeNearest(call: OperatorCall): string {
  const size = sizeAsked(call);
  const flag = (index: number) => (call.operator.options?.int8(index) ?? 0) !== 0;
  const node = { op: "resizeNearest", size, alignCorners: flag(0), halfPixelCenters: flag(1) } as const;
  return call.node(node, [call.value(0)]);
}

/** MIRROR_PAD: of height and width. */
export function mirrorPad(call: OperatorCall): string {
  const pads = call.integers(1);
  const [n0, n1, top, bottom, left, right, c0, c1] = pads as [number, number, number, number, ...number[]];
  if (pads.length !== 8 || pads.some((n) => n < 0 || n > MOST)) {
    throw misfit(call, `paddings [4,2] of numbers from 0 to ${MOST}`, `[${pads}]`);
  }
  if (n0 || n1 || c0 || c1) {
    throw new UnsupportedError(`${call.where}, paddings: expected height and width only, got [${pads}]`);
  }
  const padding = { top, bottom, left: left!, right: right! };
  const mode = (call.operator.options?.int8(FIRST) ?? 0) === 0 ? "reflect" : "symmetric";
  return call.node({ op: "mirrorPad", padding, mode }, [call.value(0)]);
}

/** CAST between floats changes nothing; what numbers of 8 bits are as whole numbers is not known here. */
export function castOperator(call: OperatorCall): string {
  const from = call.tensor(0)!;
  call.requireFloat(call.output);
  if (call.draft.raw.has(from.index)) return call.node({ op: "dequantize" }, [call.value(0)]);
  if (/^int(32|64)$/.test(from.type) && !call.isConstant(0)) return call.node({ op: "cast" }, [call.value(0)]);
  call.requireFloat(from);
  return call.node({ op: "identity" }, [call.value(0)]);
}

/** ADD_N: one after the other, in floats. */
export function addAll(call: OperatorCall): string {
  call.requireFloat(call.output);
  const [first, ...others] = call.operator.inputs.map((_, i) => call.value(i));
  if (others.length === 0) return call.node({ op: "identity" }, [first!]);
  return others.reduce((sum, next, i) => {
    return call.node({ op: "add" }, [sum, next], i === others.length - 1 ? undefined : `${i}`);
  }, first!);
}
