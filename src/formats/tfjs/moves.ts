/**
 * TensorFlow's ops that move numbers: parts of values, values in parts, other orders of axes, other sizes of images.
 * @module
 */
import { FormatError } from "../../errors.ts";
import { positiveAxis, resolvedShape, sizeOf, withOpenBatch } from "../../graph/dimensions.ts";
import type { Shape } from "../../graph/graph.ts";
import { blockMove, type Part, partsAlong, plainPart, stridedPart } from "../common/slices.ts";
import type { Call, Operand } from "./call.ts";
import {
  booleanAttribute,
  numberAttribute,
  numbersAttribute,
  stringAttribute,
  typeAttribute,
  where,
} from "./graphdef.ts";
import { anyValue, made, numbers, operand, unsupported, value, weight } from "./operands.ts";
import { requireNhwc, sides } from "./windows.ts";

/** The error for settings that do not fit the value. */
function misfit(call: Call, expected: string, got: string): FormatError {
  return new FormatError(`${where(call.node)}: expected ${expected}, got ${got}`);
}

/** An axis from 0 on. */
function axisOf(call: Call, axis: number, rank: number): number {
  const positive = positiveAxis(axis, rank);
  if (positive >= 0 && positive < rank) return positive;
  throw misfit(call, `an axis below ${rank}`, `${axis}`);
}

/** Leaves the batch open, where the first dimension is the batch before and after. */
function emitReshape(call: Call, x: string, shape: Shape, name = call.node.name): string {
  return call.emit({ op: "reshape", name, inputs: [x], shape: withOpenBatch(call.shape(x), shape) });
}

export function reshape(call: Call): Operand {
  const target = numbers(call, 1);
  const found = operand(call, 0);
  const from = "constant" in found ? found.constant.shape : call.shape(found.value);
  const shape = resolvedShape(sizeOf(from), target);
  if (!shape) throw misfit(call, `a shape of ${sizeOf(from)} elements`, `[${target}]`);
  if ("constant" in found) return { name: call.node.name, constant: { ...found.constant, shape } };
  return { value: emitReshape(call, found.value, shape) };
}

/** Without the axes of size 1 that it names, or all of them. */
export function squeeze(call: Call): Operand {
  const x = anyValue(call, 0);
  const shape = call.shape(x);
  const axes = numbersAttribute(call.node, "squeeze_dims", []).map((axis) => axisOf(call, axis, shape.length));
  if (axes.some((axis) => shape[axis] !== 1)) {
    throw misfit(call, "squeeze_dims of size 1", `[${axes}] of [${shape}]`);
  }
  const rest = shape.filter((n, axis) => (axes.length === 0 ? n !== 1 : !axes.includes(axis)));
  return { value: emitReshape(call, x, rest) };
}

export function expandDims(call: Call): Operand {
  const found = operand(call, 0);
  const [axis = 0] = numbers(call, 1);
  if ("constant" in found) {
    const { shape } = found.constant;
    const longer = shape.toSpliced(axisOf(call, axis, shape.length + 1), 0, 1);
    return { name: call.node.name, constant: { ...found.constant, shape: longer } };
  }
  const x = found.value;
  const shape = call.shape(x);
  return { value: emitReshape(call, x, shape.toSpliced(axisOf(call, axis, shape.length + 1), 0, 1)) };
}

/** The first inputs, constants as values; where all of them are constant, they were too many to be known beforehand. */
function parts(call: Call, count: number): string[] {
  const some = call.inputs.slice(0, count).some((found) => "value" in found);
  return call.inputs.slice(0, count).map((_, i) => (some ? made(call, i) : value(call, i)));
}

/** Values of one shape along a new axis. */
export function pack(call: Call): Operand {
  const inputs = parts(call, call.inputs.length);
  const shape = call.shape(inputs[0] ?? value(call, 0));
  const axis = axisOf(call, numberAttribute(call.node, "axis", 0), shape.length + 1);
  const longer = shape.toSpliced(axis, 0, 1);
  const { name } = call.node;
  const longerOnes = inputs.map((x, i) => emitReshape(call, x, longer, `${name}/${i}`));
  return { value: call.emit({ op: "concat", inputs: longerOnes, axis }) };
}

export function concat(call: Call): Operand {
  const last = call.inputs.length - 1;
  const inputs = parts(call, last);
  const axis = numbers(call, last)[0]!;
  const rank = call.shape(inputs[0] ?? value(call, 0)).length;
  return { value: call.emit({ op: "concat", inputs, axis: positiveAxis(axis, rank) }) };
}

export function pad(call: Call): Operand {
  const amounts = sides(call, numbers(call, 1));
  const fill = call.node.op === "PadV2" ? weight(call, 2).data[0]! : 0;
  return { value: call.emit({ op: "pad", inputs: [value(call, 0)], padding: amounts, value: fill }) };
}

export function mirrorPad(call: Call): Operand {
  const { front, back, ...around } = sides(call, numbers(call, 1));
  if (front || back) throw unsupported(call, "padding of height and width only", `${front} and ${back} channels`);
  const mode = stringAttribute(call.node, "mode", "REFLECT") === "SYMMETRIC" ? "symmetric" : "reflect";
  return { value: call.emit({ op: "mirrorPad", inputs: [value(call, 0)], padding: around, mode }) };
}

export function transpose(call: Call): Operand {
  const x = value(call, 0);
  const permutation = numbers(call, 1).map((axis) => axisOf(call, axis, call.shape(x).length));
  return { value: call.emit({ op: "transpose", inputs: [x], permutation }) };
}

export function tile(call: Call): Operand {
  const [x, multiples] = [value(call, 0), numbers(call, 1)];
  if (multiples.some((n) => n < 1)) throw unsupported(call, "multiples from 1 on", `[${multiples}]`);
  return { value: call.emit({ op: "tile", inputs: [x], multiples }) };
}

/** A part under a name; what it loses or gains of axes of size 1 in a reshape. */
function emitPart(call: Call, x: string, part: Part | undefined, name = call.node.name): Operand {
  if (!part) throw misfit(call, `a part of [${call.shape(x)}]`, "one outside of it");
  const { begin, size, strides, shape } = part;
  const same = shape.length === begin.length;
  const inner = same ? name : `${name}/part`;
  const slices = { op: "slice", inputs: [x], begin, size, strides } as const;
  const taken = call.emit({ ...slices, name: inner });
  return { value: `${call.shape(taken)}` === `${shape}` && same ? taken : emitReshape(call, taken, shape, name) };
}

export function stridedSlice(call: Call): Operand {
  const x = value(call, 0);
  const [begin, end, strides] = [numbers(call, 1), numbers(call, 2), numbers(call, 3)];
  const mask = (key: string) => numberAttribute(call.node, key, 0);
  const masks = {
    ...{ begin: mask("begin_mask"), end: mask("end_mask"), ellipsis: mask("ellipsis_mask") },
    ...{ newAxis: mask("new_axis_mask"), shrink: mask("shrink_axis_mask") },
  };
  return emitPart(call, x, stridedPart(call.shape(x), begin, end, strides, masks));
}

export function slice(call: Call): Operand {
  const x = value(call, 0);
  return emitPart(call, x, plainPart(call.shape(x), numbers(call, 1), numbers(call, 2)));
}

/** What the outputs of a node are called, from the first on. */
function outputName(call: Call, i: number): string {
  return i === 0 ? call.node.name : `${call.node.name}:${i}`;
}

/** Equal parts along an axis, which is the first input. */
export function split(call: Call): readonly Operand[] {
  const x = value(call, 1);
  const shape = call.shape(x);
  const axis = axisOf(call, numbers(call, 0)[0]!, shape.length);
  const count = numberAttribute(call.node, "num_split", 1);
  const sizes = Array.from({ length: count }, () => shape[axis]! / count);
  return emitParts(call, x, axis, sizes);
}

/** Parts of given sizes along an axis; one of them may be −1, the rest. */
export function splitV(call: Call): readonly Operand[] {
  const x = value(call, 0);
  const shape = call.shape(x);
  const sizes = numbers(call, 1);
  const axis = axisOf(call, numbers(call, 2)[0]!, shape.length);
  const rest = shape[axis]! - sizes.reduce((sum, n) => sum + Math.max(n, 0), 0);
  return emitParts(
    call,
    x,
    axis,
    sizes.map((n) => (n === -1 ? rest : n)),
  );
}

function emitParts(call: Call, x: string, axis: number, sizes: readonly number[]): readonly Operand[] {
  const parts = partsAlong(call.shape(x), axis, sizes);
  if (!parts) throw misfit(call, `sizes that make up axis ${axis} of [${call.shape(x)}]`, `[${sizes.slice(0, 8)}]`);
  return parts.map((part, i) => emitPart(call, x, part, outputName(call, i)));
}

/** Parts of size 1 along an axis, without it. */
export function unpack(call: Call): readonly Operand[] {
  const x = value(call, 0);
  const shape = call.shape(x);
  const axis = axisOf(call, numberAttribute(call.node, "axis", 0), shape.length);
  const parts = partsAlong(shape, axis, new Array(shape[axis]!).fill(1))!;
  const rest = shape.toSpliced(axis, 1);
  return parts.map((part, i) => emitPart(call, x, { ...part, shape: rest }, outputName(call, i)));
}

/** DepthToSpace and SpaceToDepth. */
export function blocks(call: Call): Operand {
  requireNhwc(call);
  const x = value(call, 0);
  const block = numberAttribute(call.node, "block_size", 2);
  const move = blockMove(call.shape(x), block, call.node.op === "DepthToSpace" ? "space" : "depth");
  if (!move) throw misfit(call, `an image of blocks of ${block}`, `[${call.shape(x)}]`);
  const { name } = call.node;
  const apart = emitReshape(call, x, move.apart, `${name}/apart`);
  const { permutation } = move;
  const turned = call.emit({ op: "transpose", name: `${name}/turned`, inputs: [apart], permutation });
  return { value: emitReshape(call, turned, move.together) };
}

/** ResizeBilinear and ResizeNearestNeighbor. */
export function resize(call: Call): Operand {
  const size = numbers(call, 1);
  if (size.length !== 2 || size.some((n) => n < 1)) throw misfit(call, "a height and a width from 1 on", `[${size}]`);
  const [alignCorners, halfPixelCenters] = ["align_corners", "half_pixel_centers"].map((key) =>
    booleanAttribute(call.node, key, false),
  ) as [boolean, boolean];
  const op = call.node.op === "ResizeBilinear" ? "resizeBilinear" : "resizeNearest";
  if (op === "resizeBilinear" && alignCorners && halfPixelCenters) {
    throw misfit(call, "align_corners or half_pixel_centers", "both");
  }
  const inputs = [value(call, 0)];
  return { value: call.emit({ op, inputs, size: [size[0]!, size[1]!], alignCorners, halfPixelCenters }) };
}

export function identity(call: Call): Operand {
  const found = operand(call, 0);
  if ("constant" in found) return found;
  return { value: call.emit({ op: "identity", inputs: [found.value] }) };
}

/** Whole numbers, but for those of an argmax, are held as floats: between floats and them fractions are cut off. */
export function cast(call: Call): Operand {
  const [from, to] = ["SrcT", "DstT"].map((key) => typeAttribute(call.node, key));
  const found = operand(call, 0);
  if (to === "DT_FLOAT" && "value" in found) {
    return { value: call.emit({ op: "identity", inputs: [call.floats(found.value)] }) };
  }
  if (WHOLE.has(from ?? "") || !WHOLE.has(to ?? "")) return identity(call);
  return { value: call.emit({ op: "unary", inputs: [value(call, 0)], of: "truncate" }) };
}

const WHOLE: ReadonlySet<string> = new Set(["DT_INT32", "DT_INT64", "DT_UINT8"]);

/** Parts of a value at places that another value names. */
export function gatherNd(call: Call): Operand {
  return { value: call.emit({ op: "gatherNd", inputs: [value(call, 0), made(call, 1)] }) };
}
