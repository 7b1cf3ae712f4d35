/**
 * Operators that dequantize what they read and quantize what they compute: read as the three that they stand for.
 * @module
 */

import { unary } from "./activations.ts";
import { arithmetic } from "./arithmetic.ts";
import { NodeCall } from "./call.ts";
import { matMul } from "./dense.ts";
import { type Operand, ofValues } from "./operand.ts";
import { dequantizeLinear, quantizeLinear } from "./quantization.ts";
import type { NodeInfo } from "./schema.ts";
import { averagePool, conv, globalAveragePool } from "./windows.ts";

/** Where the inputs are of an operator within: a tensor, its scale and its zero point each. */
interface Within {
  readonly op: (call: NodeCall) => Operand;
  /** Indices of what it reads; scale and zero point follow each. */
  readonly reads: readonly number[];
  /** Index of the result's scale; its zero point follows. */
  readonly result: number;
  /** Index of a bias in whole numbers, whose scale is the product of those that it reads. */
  readonly bias?: number;
}

const WITHIN: ReadonlyMap<string, Within> = new Map<string, Within>([
  ["QLinearConv", { op: conv, reads: [0, 3], result: 6, bias: 8 }],
  ["QLinearMatMul", { op: matMul, reads: [0, 3], result: 6 }],
  ["com.microsoft.QLinearAdd", { op: arithmetic("add"), reads: [0, 3], result: 6 }],
  ["com.microsoft.QLinearGlobalAveragePool", { op: globalAveragePool, reads: [0], result: 3 }],
  ["com.microsoft.QLinearAveragePool", { op: averagePool, reads: [0], result: 3 }],
  ["com.microsoft.QLinearSigmoid", { op: unary("sigmoid"), reads: [0], result: 3 }],
]);

/** The operators, by their names. */
export const QLINEAR: readonly (readonly [string, (call: NodeCall) => Operand])[] = [...WITHIN].map(
  ([name, within]) => [name, (call) => qlinear(call, within)],
);

/** The index of the scale of an input that a node reads as bytes; undefined where it reads none as such. */
export function scaleIndex({ op, inputs }: NodeInfo, input: string): number | undefined {
  const reads = op === "DequantizeLinear" ? [0] : (WITHIN.get(op)?.reads ?? []);
  const index = reads.find((i) => inputs[i] === input);
  return index === undefined ? undefined : index + 1;
}

function qlinear(call: NodeCall, { op, reads, result, bias }: Within): Operand {
  if (call.integer("channels_last", 0) !== 0) throw call.unsupported("channels first", "channels last");
  const { draft, node } = call;
  const { inputs, attributes, name } = node;
  /** The name of a tensor that the file does not name. */
  const put = (wanted: string, operand: Operand) => {
    let free = wanted;
    while (draft.operands.has(free) || draft.readers.has(free)) free += "'";
    draft.operands.set(free, operand);
    return free;
  };
  const step = (as: string, names: readonly string[], settings: NodeInfo["attributes"] = new Map()) =>
    new NodeCall(draft, { name, op: node.op, inputs: names, outputs: [as], attributes: settings });
  // Scales of weights go along their first axis, those of a matrix's columns along the last.
  const axis = { float: undefined, text: undefined, integers: [], floats: new Uint8Array(), tensor: undefined };
  const scaled = new Map([["axis", { ...axis, integer: op === conv ? 0 : -1 }]]);
  const floats = reads.map((i, place) => {
    const as = `${call.output}/input ${place}`;
    return put(as, dequantizeLinear(step(as, inputs.slice(i, i + 3), scaled)));
  });
  if (bias !== undefined && call.has(bias)) {
    const [x, w] = reads.map((i) => call.numbers(i + 1));
    const scales = w!.map((scale) => scale * x![0]!);
    const unit = put(`${call.output}/scale`, {
      tensor: ofValues(`${call.output}/scale`, "float64", [scales.length], scales),
    });
    const as = `${call.output}/bias`;
    floats.push(
      put(as, dequantizeLinear(step(as, [inputs[bias]!, unit], new Map([["axis", { ...axis, integer: 0 }]])))),
    );
  }
  const inner = step(`${call.output}/float`, floats, attributes);
  const float = put(inner.output, op(inner));
  return quantizeLinear(step(call.output, [float, inputs[result]!, inputs[result + 1] ?? ""]));
}
