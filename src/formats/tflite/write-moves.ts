/**
 * What TFLite calls the nodes that move numbers, and those that take each number or many for themselves.
 * @module
 */
import type { Node, Pad, Reduce, Shape, Slice, Unary } from "../../graph/graph.ts";
import { strideOf } from "../../graph/ops/slice.ts";
import { affineOf, isByte, rangeOf, roundAway } from "../../graph/quant.ts";
import { type Draft, data, type Operator, refused } from "./write-draft.ts";
import type { Field } from "./write-flatbuffer.ts";

/** Numbers of types. */
const [FLOAT32, INT32] = [0, 2];

/** Adds what a node is called there. @throws {UnsupportedError} where it has no form */
export function emitMove(draft: Draft, node: Node): void {
  const integers = (role: string, values: readonly number[], shape?: Shape) =>
    draft.integers(node, role, values, shape);
  switch (node.op) {
    case "transpose":
      draft.add(node, "TRANSPOSE", [], [integers("permutation", node.permutation)]);
      return;
    case "tile":
      draft.add(node, "TILE", [], [integers("multiples", node.multiples)]);
      return;
    case "slice":
      emitSlice(draft, node);
      return;
    case "pad":
      emitPad(draft, node);
      return;
    case "mirrorPad": {
      if (node.mode === "edge") throw refused(node, 'mode "reflect" or "symmetric"', node.mode);
      const { top, bottom, left, right } = node.padding;
      const paddings = integers("paddings", [0, 0, top, bottom, left, right, 0, 0], [4, 2]);
      draft.add(node, "MIRROR_PAD", [[0, "Int8", node.mode === "reflect" ? 0 : 1]], [paddings]);
      return;
    }
    case "resizeNearest": {
      const options: Field[] = [
        [0, "Int8", node.alignCorners ? 1 : 0],
        [1, "Int8", node.halfPixelCenters ? 1 : 0],
      ];
      draft.add(node, "RESIZE_NEAREST_NEIGHBOR", options, [integers("size", node.size)]);
      return;
    }
    case "reduce":
      draft.add(node, REDUCTIONS[node.by], [[0, "Int8", node.keepDims ? 1 : 0]], [integers("axes", node.axes)]);
      return;
    case "unary":
      emitUnary(draft, node);
      return;
    case "cast": {
      const options: Field[] = [
        [0, "Int8", INT32!],
        [1, "Int8", FLOAT32!],
      ];
      draft.add(node, "CAST", options);
      return;
    }
    case "argMax": {
      if (node.last) throw refused(node, "the first of equal ones", "the last");
      const options: Field[] = [[0, "Int8", INT32!]];
      const axis = [integers("axis", [node.axis], [])];
      if (!node.keepDims) {
        draft.add(node, "ARG_MAX", options, axis);
        return;
      }
      const shape = draft.shapes.get(node.name)!;
      const middle = draft.tensor({
        name: `${node.name}/places`,
        shape: shape.toSpliced(node.axis, 1),
        dtype: "int32",
      });
      draft.add(node, "ARG_MAX", options, axis, middle);
      draft.push({ op: "RESHAPE", inputs: [middle, integers("shape", shape)], output: draft.indices.get(node.name)! });
      return;
    }
    case "matMul":
      draft.add(node, "BATCH_MATMUL");
      return;
    case "constant":
      draft.give(node.name, data(draft, node.operand));
      return;
    default:
      throw refused(node, "an op that TFLite has", node.op);
  }
}

const REDUCTIONS = {
  sum: "SUM",
  mean: "MEAN",
  max: "REDUCE_MAX",
  min: "REDUCE_MIN",
  product: "REDUCE_PROD",
} as const satisfies Record<Reduce["by"], Operator["op"]>;

/** SLICE of what lies next to each other, else STRIDED_SLICE; an end before the first element is none. */
function emitSlice(draft: Draft, node: Slice): void {
  const { begin } = node;
  const size = draft.shapes.get(node.name)!;
  const strides = begin.map((_, axis) => strideOf(node, axis));
  const list = (role: string, values: readonly number[]) => draft.integers(node, role, values);
  if (strides.every((stride) => stride === 1)) {
    draft.add(node, "SLICE", [], [list("begin", begin), list("size", size)]);
    return;
  }
  const ends = begin.map((from, axis) => from + (size[axis]! - 1) * strides[axis]! + Math.sign(strides[axis]!));
  const none = ends.reduce((mask, end, axis) => (end < 0 ? mask | (1 << axis) : mask), 0);
  const more = [list("begin", begin), list("end", ends), list("strides", strides)];
  draft.add(node, "STRIDED_SLICE", [[1, "Int32", none]], more);
}

/** PAD is of zeros; PADV2 of any number, one of the value's own in 8 bits. */
function emitPad(draft: Draft, node: Pad): void {
  const { top, bottom, left, right, front = 0, back = 0 } = node.padding;
  const paddings = draft.integers(node, "paddings", [0, 0, top, bottom, left, right, front, back], [4, 2]);
  if (node.value === 0) {
    draft.add(node, "PAD", [], [paddings]);
    return;
  }
  const { dtype, quantization } = draft.typeOf(node.name);
  const named = { name: `${node.name}/value`, shape: [], dtype, quantization };
  if (!isByte(dtype) || !quantization) {
    draft.add(node, "PADV2", [], [paddings, draft.tensor({ ...named, data: Float32Array.of(node.value) })]);
    return;
  }
  const { scale, zeroPoint } = affineOf(quantization);
  const [lo, hi] = rangeOf(dtype);
  const q = Math.min(hi, Math.max(lo, zeroPoint + roundAway(Math.fround(node.value / scale))));
  const number = dtype === "int8" ? Int8Array.of(q) : Uint8Array.of(q);
  draft.add(node, "PADV2", [], [paddings, draft.tensor({ ...named, data: number })]);
}

const FUNCTIONS: Readonly<Partial<Record<Unary["of"], Operator["op"]>>> = {
  abs: "ABS",
  neg: "NEG",
  square: "SQUARE",
  sqrt: "SQRT",
  rsqrt: "RSQRT",
  exp: "EXP",
  tanh: "TANH",
  floor: "FLOOR",
  ceil: "CEIL",
  round: "ROUND",
  log: "LOG",
};
/** Functions that TFLite looks up in a table where values have 8 bits. */
const LOOKED_UP: ReadonlySet<string> = new Set(["exp", "tanh"]);

/** There is no reciprocal there, but a quotient. */
function emitUnary(draft: Draft, node: Unary): void {
  const { dtype = "float32" } = node;
  if (dtype !== "float32" && !LOOKED_UP.has(node.of)) throw refused(node, `float32 for ${node.of}`, dtype);
  if (dtype === "uint8" && node.of === "exp") throw refused(node, "float32 or int8 for exp", dtype);
  if (node.of === "reciprocal") {
    const one = draft.tensor({ name: `${node.name}/one`, shape: [], dtype: "float32", data: Float32Array.of(1) });
    draft.add(node, "DIV", [], [one], undefined, true);
    return;
  }
  const op = FUNCTIONS[node.of];
  if (op === undefined) throw refused(node, `a function of ${Object.keys(FUNCTIONS).join(", ")}`, node.of);
  draft.add(node, op);
}
