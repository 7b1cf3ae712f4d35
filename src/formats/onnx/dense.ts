/**
 * ONNX's matrices: Gemm and MatMul by a constant are dense layers. Where the features of a flattened map are held
 * channels last, the rows of the weights are brought into that order.
 * @module
 */

import { sizeOf } from "../../graph/dimensions.ts";
import { arranged, rowsIn } from "./arrange.ts";
import type { NodeCall } from "./call.ts";
import { asWritten, lastAxis } from "./layout.ts";
import type { Operand, Tensor, Value } from "./operand.ts";

/** y = alpha·A·B + beta·C, B and C constant. */
export function gemm(call: NodeCall): Operand {
  const a = call.value(0);
  const b = call.tensor(1);
  const { dims } = a.layout;
  if (dims.length !== 2 || b.dims.length !== 2) throw call.wrong("two matrices", `[${dims}] and [${b.dims}]`);
  if (call.integer("transA", 0) !== 0) throw call.unsupported("transA 0", "a transposed input");
  const turned = call.integer("transB", 0) !== 0;
  const [inputs, outputs] = (turned ? [b.dims[1], b.dims[0]] : b.dims) as [number, number];
  const alpha = call.float("alpha", 1);
  const beta = call.float("beta", 1);
  const bias = call.has(2) ? { bias: biasOf(call, 2, outputs, beta) } : {};
  return product(call, a, b, { inputs, outputs, turned, alpha, bias });
}

/** x·W over the last axis of x, W a constant matrix. */
export function matMul(call: NodeCall): Operand {
  const x = call.value(0);
  const w = call.tensor(1);
  if (w.dims.length !== 2 || x.layout.dims.length < 2) {
    throw call.unsupported("a value and a constant matrix", `[${x.layout.dims}] and [${w.dims}]`);
  }
  const [inputs, outputs] = w.dims as [number, number];
  return product(call, x, w, { inputs, outputs, turned: false, alpha: 1, bias: {} });
}

interface Product {
  readonly inputs: number;
  readonly outputs: number;
  /** Whether the weights are [outputs, inputs]. */
  readonly turned: boolean;
  readonly alpha: number;
  readonly bias: { readonly bias?: string };
}

function product(call: NodeCall, x: Value, w: Tensor, { inputs, outputs, turned, alpha, bias }: Product): Operand {
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
  const result = call.emit({ op: "dense", weights, ...bias }, [name]);
  return call.of(result, [...dims.slice(0, -1), outputs], asWritten(dims.length));
}

/** A bias of one number for each of `outputs`, or of one for all. */
function biasOf(call: NodeCall, i: number, outputs: number, beta: number): string {
  const tensor = call.tensor(i);
  const size = sizeOf(tensor.dims);
  if (size !== 1 && !(size === outputs && tensor.dims.at(-1) === outputs)) {
    throw call.unsupported(`a bias of one row, [${outputs}]`, `[${tensor.dims}]`);
  }
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
