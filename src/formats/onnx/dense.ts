/**
 * ONNX's matrices: Gemm and MatMul by a constant are dense layers. Where the features of a flattened map are held
 * channels last, the rows of the weights are brought into that order.
 * @module
 */

import { sizeOf } from "../../graph/dimensions.ts";
import type { Shape } from "../../graph/graph.ts";
import { general } from "./arithmetic.ts";
import { arranged, rowsIn } from "./arrange.ts";
import type { NodeCall } from "./call.ts";
import { heldValue } from "./draft.ts";
import { asWritten, lastAxis, transposed } from "./layout.ts";
import type { Operand, Tensor, Value } from "./operand.ts";

/** y = alpha·A·B + beta·C, B and C constant. */
export function gemm(call: NodeCall): Operand {
  const b = call.tensor(1);
  const given = call.value(0);
  const { dims } = given.layout;
  if (dims.length !== 2 || b.dims.length !== 2) throw call.wrong("two matrices", `[${dims}] and [${b.dims}]`);
  const a = call.integer("transA", 0) === 0 ? given : { ...given, layout: transposed(given.layout, [1, 0]) };
  const turned = call.integer("transB", 0) !== 0;
  const [inputs, outputs] = (turned ? [b.dims[1], b.dims[0]] : b.dims) as [number, number];
  const alpha = call.float("alpha", 1);
  const beta = call.float("beta", 1);
  const fields = { inputs, outputs, turned, alpha, bias: {} };
  if (call.has(2) && !isRow(call.tensor(2).dims, outputs)) {
    if (beta !== 1) throw call.unsupported("beta 1 beside a matrix that is added", `${beta}`);
    return { value: general(call, "add", product(call, a, b, fields, "product"), 2) };
  }
  const bias = call.has(2) ? { bias: biasOf(call, 2, outputs, beta) } : {};
  return { value: product(call, a, b, { ...fields, bias }) };
}

/** Whether something is one number, or one for each column. */
function isRow(dims: Shape, outputs: number): boolean {
  const size = sizeOf(dims);
  return size === 1 || (size === outputs && dims.at(-1) === outputs);
}

/** x·W over the last axis of x, W a constant matrix; or of two values. */
export function matMul(call: NodeCall): Operand {
  const x = call.value(0);
  if ("value" in call.operand(1)) return ofValues(call, x, call.value(1));
  const w = call.tensor(1);
  if (w.dims.length !== 2 || x.layout.dims.length < 2) {
    throw call.unsupported("a value and a constant matrix", `[${x.layout.dims}] and [${w.dims}]`);
  }
  const [inputs, outputs] = w.dims as [number, number];
  return { value: product(call, x, w, { inputs, outputs, turned: false, alpha: 1, bias: {} }) };
}

/** Of two values: matrices, as many of the one as of the other. */
function ofValues(call: NodeCall, a: Value, b: Value): Operand {
  const [left, right] = [a.layout.dims, b.layout.dims];
  const rank = left.length;
  if (rank < 2 || right.length !== rank || `${left.slice(0, -2)}` !== `${right.slice(0, -2)}`) {
    throw call.unsupported("as many matrices of each", `[${left}] and [${right}]`);
  }
  if (left.at(-1) !== right.at(-2)) throw call.wrong("as many columns as rows", `[${left}] and [${right}]`);
  const names = [a, b].map((value) => call.draft.held(value, asWritten(rank), call.where));
  return call.of(call.emit({ op: "matMul" }, names), [...left.slice(0, -1), right.at(-1)!], asWritten(rank));
}

interface Product {
  readonly inputs: number;
  readonly outputs: number;
  /** Whether the weights are [outputs, inputs]. */
  readonly turned: boolean;
  readonly alpha: number;
  readonly bias: { readonly bias?: string };
}

function product(
  call: NodeCall,
  x: Value,
  w: Tensor,
  { inputs, outputs, turned, alpha, bias }: Product,
  as?: string,
): Value {
  const { draft } = call;
  const { dims } = x.layout;
  if (dims.at(-1) !== inputs) throw call.wrong(`an input of ${inputs} columns`, `[${dims}]`);
  const order = lastAxis(x.layout) ?? "plain";
  const plain = order === "plain";
  const name =
    lastAxis(x.layout) === undefined
      ? draft.held(x, asWritten(dims.length), call.where)
      : draft.reshape(x.name, dims, {});
  const weights = call.constant(w, {
    shape: [inputs, outputs],
    layout: `${turned ? "turned" : "as written"} times ${alpha}${plain ? "" : ` for ${x.name}`}`,
    ...(alpha === 1 && { channels: { from: turned ? 0 : 1, to: 1 } }),
    arrange: async (data, budget) => {
      const rows = turned ? await arranged(data, [outputs, inputs], [1, 0], budget) : data;
      const sorted = order === "plain" ? rows : rowsIn(rows, outputs, order);
      return alpha === 1 ? sorted : (sorted.map((n: number) => n * alpha) as typeof data);
    },
  });
  const result = call.emit({ op: "dense", weights, ...bias }, [name], as);
  return heldValue(result, [...dims.slice(0, -1), outputs], asWritten(dims.length));
}

/** A bias of one number for each of `outputs`, or of one for all. */
function biasOf(call: NodeCall, i: number, outputs: number, beta: number): string {
  const tensor = call.tensor(i);
  const size = sizeOf(tensor.dims);
  const changed = size !== outputs || beta !== 1;
  return call.constant(tensor, {
    shape: [outputs],
    layout: changed ? `bias of ${outputs} times ${beta}` : "channels",
    ...(changed && {
      arrange: (data) => {
        const list = Array.from({ length: outputs }, (_, o) => data[size === 1 ? 0 : o]! * beta);
        return (data.constructor as typeof Float32Array).from(list) as typeof data;
      },
    }),
  });
}
