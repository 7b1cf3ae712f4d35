/**
 * What TFLite calls each node, with its tensors and options.
 * @module
 */
import { RELU, RELU_N1_TO_1, RELU6, sameClamp } from "../../graph/clamp.ts";
import type {
  Arithmetic,
  Clamp,
  Concat,
  Constant,
  Node,
  Shape,
  TensorData,
  TransposedConv2d,
} from "../../graph/graph.ts";
import { spread } from "../../graph/ops/transposed-conv2d.ts";
import { sameMeaning } from "../../graph/quant.ts";
import { resolvePadding } from "../../graph/window.ts";
import { type Draft, data, OPERATORS, refused } from "./write-draft.ts";
import type { Field } from "./write-flatbuffer.ts";
import { emitMove } from "./write-moves.ts";

/** Adds what a node is called there. @throws {UnsupportedError} where it has no form */
export function emit(draft: Draft, node: Node): void {
  const { shapes } = draft;
  const constant = (name: string): Constant => draft.graph.constants.get(name)!;
  const integers = (role: string, values: readonly number[]) => draft.integers(node, role, values);
  const vector = (role: string, name: string, shape: Shape = constant(name).shape) =>
    draft.tensor({ name: `${node.name}/${role}`, shape, dtype: "float32", data: data(draft, name) });
  switch (node.op) {
    case "conv2d": {
      const { shape } = constant(node.weights);
      const [kH, kW, inC, outC] = shape as [number, number, number, number];
      const filter = weights(draft, node, [outC, kH, kW, inC], 0, true);
      const [dH, dW] = node.dilations;
      const options: Field[] = [...window(node), [3, "Int8", activation(node)], [4, "Int32", dW], [5, "Int32", dH]];
      draft.add(node, "CONV_2D", options, [filter, bias(draft, node, outC)]);
      return;
    }
    case "transposedConv2d":
      emitTransposed(draft, node);
      return;
    case "depthwiseConv2d": {
      const [kH, kW, inC, m] = constant(node.weights).shape as [number, number, number, number];
      const filter = weights(draft, node, [1, kH, kW, inC * m], 3, false);
      const [dH, dW] = node.dilations;
      const options: Field[] = [...window(node), [3, "Int32", m], [4, "Int8", activation(node)]];
      options.push([5, "Int32", dW], [6, "Int32", dH]);
      draft.add(node, "DEPTHWISE_CONV_2D", options, [filter, bias(draft, node, inC * m)]);
      return;
    }
    case "dense": {
      const [k, n] = constant(node.weights).shape as [number, number];
      const filter = weights(draft, node, [n, k], 0, true);
      const keep = shapes.get(node.name)!.length > 2 ? 1 : 0;
      const options: Field[] = [
        [0, "Int8", activation(node)],
        [2, "Int8", keep],
      ];
      draft.add(node, "FULLY_CONNECTED", options, [filter, bias(draft, node, n)]);
      return;
    }
    case "scaleShift": {
      const x = draft.typeOf(node.inputs[0]!);
      const middle = draft.tensor({ ...x, name: `${node.name}/scaled` });
      draft.add(node, "MUL", [], [vector("scale", node.scale)], middle);
      const output = draft.indices.get(node.name)!;
      const inputs = [middle, vector("shift", node.shift)];
      draft.operators.push({ op: "ADD", version: 1, inputs, output, options: [[0, "Int8", activation(node)]] });
      return;
    }
    case "prelu": {
      // As TensorFlow's converter writes it: of the value's rank but for the batch, pixels sharing one number.
      const [, ...sizes] = shapes.get(node.name)!;
      const ones = sizes.slice(1).map(() => 1);
      const { shape, dtype, quantization } = constant(node.alpha);
      const stored = { shape: [...ones, ...shape], dtype, data: data(draft, node.alpha) };
      const alpha = { name: `${node.name}/alpha`, ...stored, quantization };
      draft.add(node, "PRELU", [], [draft.tensor(alpha)]);
      return;
    }
    case "leakyRelu":
      draft.add(node, "LEAKY_RELU", [[0, "Float32", node.alpha]]);
      return;
    case "maxPool":
    case "averagePool": {
      const [height, width] = node.size;
      const options: Field[] = [
        ...window(node),
        [3, "Int32", width],
        [4, "Int32", height],
        [5, "Int8", activation(node)],
      ];
      draft.add(node, node.op === "maxPool" ? "MAX_POOL_2D" : "AVERAGE_POOL_2D", options);
      return;
    }
    case "globalAveragePool":
      draft.add(node, "MEAN", [[0, "Int8", node.keepDims ? 1 : 0]], [integers("axes", [1, 2])]);
      return;
    case "add":
    case "sub":
    case "mul":
    case "div":
    case "maximum":
    case "minimum":
      emitArithmetic(draft, node);
      return;
    case "concat":
      emitConcat(draft, node);
      return;
    case "resizeBilinear": {
      const options: Field[] = [
        [2, "Int8", node.alignCorners ? 1 : 0],
        [3, "Int8", node.halfPixelCenters ? 1 : 0],
      ];
      draft.add(node, "RESIZE_BILINEAR", options, [integers("size", node.size)]);
      return;
    }
    case "identity":
    case "reshape":
      draft.add(node, "RESHAPE", [], [integers("shape", shapes.get(node.name)!)]);
      return;
    case "softmax":
      draft.add(node, "SOFTMAX", [[0, "Float32", node.beta]]);
      return;
    case "clamp": {
      draft.add(node, RECTIFIERS[activation({ name: node.name, clamp: node }) - 1]!);
      return;
    }
    case "sigmoid":
      draft.add(node, "LOGISTIC");
      return;
    case "hardSwish":
      draft.add(node, "HARD_SWISH");
      return;
    case "quantize":
      draft.add(node, "QUANTIZE");
      return;
    case "dequantize":
      draft.add(node, "DEQUANTIZE");
      return;
    default:
      emitMove(draft, node);
  }
}

/** Signed bytes are joined where they mean the same: others are brought to the whole's meaning before. */
function emitConcat(draft: Draft, node: Concat): void {
  const whole = draft.typeOf(node.name);
  const inputs = node.inputs.map((name, i) => {
    const part = draft.typeOf(name);
    if (part.dtype !== "int8" || sameMeaning(part.quantization, whole.quantization)) return draft.indices.get(name)!;
    const output = draft.tensor({ ...whole, name: `${node.name}/part ${i}`, shape: part.shape });
    draft.push({ op: "QUANTIZE", version: OPERATORS.QUANTIZE.int8, inputs: [draft.indices.get(name)!], output });
    return output;
  });
  const version = whole.dtype === "int8" ? OPERATORS.CONCATENATION.int8 : 1;
  const output = draft.indices.get(node.name)!;
  draft.push({ op: "CONCATENATION", version, inputs, output, options: [[0, "Int32", node.axis]] });
}

/**
 * Sizes, weights and the value, and a bias where there is one. A padding that is neither "same" nor "valid" is what is
 * cut off of the whole image that "valid" makes.
 */
function emitTransposed(draft: Draft, node: TransposedConv2d): void {
  const x = draft.typeOf(node.inputs[0]!);
  const output = draft.indices.get(node.name)!;
  const [kH, kW, inC, outC] = draft.graph.constants.get(node.weights)!.shape as [number, number, number, number];
  const [n, h, w] = x.shape as [number, number, number];
  const own = spread(node, [h, w], [kH, kW]);
  const padding = (["same", "valid"] as const).find((kind) => {
    const { top, left, outH, outW } = resolvePadding(kind, node.size, [kH, kW], node.strides, [1, 1]);
    return top === own.top && left === own.left && outH === h && outW === w;
  });
  const [sH, sW] = node.strides;
  const whole = [(h - 1) * sH + kH, (w - 1) * sW + kW] as const;
  const size = padding ? node.size : whole;
  if (padding === undefined && (own.top + node.size[0] > whole[0] || own.left + node.size[1] > whole[1])) {
    const got = `[${node.size.join(", ")}] from row ${own.top} and column ${own.left} on`;
    throw refused(node, `a part of [${whole.join(", ")}]`, got);
  }
  const code = activation(node);
  const made = padding
    ? output
    : draft.tensor({ ...draft.tensors[output]!, name: `${node.name}/whole`, shape: [n, ...whole, outC] });
  const filter = weights(draft, node, [outC, kH, kW, inC], 0, true);
  const constants = node.bias === undefined ? [] : [bias(draft, node, outC)];
  const least = code > 0 ? 4 : constants.length > 0 ? 3 : 1;
  draft.push({
    op: "TRANSPOSE_CONV",
    version: Math.max(least, x.dtype === "int8" ? OPERATORS.TRANSPOSE_CONV.int8 : 1),
    inputs: [
      ...[draft.integers(node, "sizes", [n, ...size, outC]), filter, draft.indices.get(node.inputs[0]!)!],
      ...constants,
    ],
    output: made,
    options: [
      [0, "Int8", padding === "same" ? 0 : 1],
      [1, "Int32", sW],
      [2, "Int32", sH],
      [3, "Int8", code],
    ],
  });
  if (padding) return;
  const part = [
    [0, own.top, own.left, 0],
    [n, ...node.size, outC],
  ] as const;
  const lists = part.map((list, i) => draft.integers(node, i === 0 ? "begin" : "size", list));
  const version = x.dtype === "int8" ? OPERATORS.SLICE.int8 : 1;
  draft.push({ op: "SLICE", version, inputs: [made, ...lists], output });
}

const OPERANDS = {
  add: "ADD",
  sub: "SUB",
  mul: "MUL",
  div: "DIV",
  maximum: "MAXIMUM",
  minimum: "MINIMUM",
} as const satisfies Record<Arithmetic["op"], keyof typeof OPERATORS>;

/** MAXIMUM and MINIMUM have no fused activation: theirs is an operator of its own. */
function emitArithmetic(draft: Draft, node: Arithmetic): void {
  const { name, op, operand, operandFirst = false } = node;
  const value = draft.typeOf(node.inputs[0]!);
  let constants: readonly number[] = [];
  if (operand !== undefined) {
    const { shape, dtype, quantization } = draft.graph.constants.get(operand)!;
    const tensor = { name: `${name}/operand`, shape, dtype, data: data(draft, operand), quantization };
    constants = [draft.tensor(tensor)];
  }
  const add = (options: readonly Field[], output?: number) => {
    draft.add(node, OPERANDS[op], options, constants, output, operandFirst);
  };
  if (op !== "maximum" && op !== "minimum") {
    add([[0, "Int8", activation(node)]]);
    return;
  }
  if (node.clamp === undefined) {
    add([]);
    return;
  }
  const output = draft.indices.get(name)!;
  const code = activation(node);
  const middle = draft.tensor({ ...draft.tensors[output]!, name: `${name}/unbounded` });
  add([], middle);
  const rectifier = RECTIFIERS[code - 1]!;
  const version = value.dtype === "int8" ? OPERATORS[rectifier].int8 : 1;
  draft.operators.push({ op: rectifier, version, inputs: [middle], output, options: [] });
}

type Layer = Extract<Node, { op: "conv2d" | "depthwiseConv2d" | "transposedConv2d" | "dense" }>;

/** The weights in TFLite's order, output channels at `axis`; first, when they are last here. */
function weights(draft: Draft, node: Layer, shape: Shape, axis: number, transpose: boolean): number {
  const { dtype, quantization } = draft.graph.constants.get(node.weights)!;
  const numbers = data(draft, node.weights);
  const columns = shape[axis]!;
  const ordered = transpose ? transposed(numbers, numbers.length / columns, columns) : numbers;
  const meaning = quantization && {
    quantization: { ...quantization, axis: quantization.scales.length > 1 ? axis : 0 },
  };
  return draft.tensor({ name: `${node.name}/filter`, shape, dtype, data: ordered, ...meaning });
}

/** The bias, zeros where there is none; of an 8-bit layer in 32 bits, with the scale of its sums. */
function bias(draft: Draft, node: Layer, channels: number): number {
  const { quantization } = draft.graph.constants.get(node.weights)!;
  const scale = draft.typeOf(node.inputs[0]!).quantization?.scales[0];
  const scales =
    quantization && scale !== undefined ? quantization.scales.map((s) => Math.fround(s * scale)) : undefined;
  const none = scales ? new Int32Array(channels) : new Float32Array(channels);
  const numbers = node.bias === undefined ? none : data(draft, node.bias);
  const meaning = scales && { quantization: { scales, zeroPoints: scales.map(() => 0), axis: 0 } };
  const dtype = scales ? "int32" : "float32";
  return draft.tensor({ name: `${node.name}/bias`, shape: [channels], dtype, data: numbers, ...meaning });
}

/** [rows, columns] → [columns, rows]. */
function transposed(numbers: TensorData, rows: number, columns: number): TensorData {
  const result = numbers.slice();
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = numbers[r * columns + c]!;
  return result;
}

function window(node: Extract<Node, { op: "conv2d" | "depthwiseConv2d" | "maxPool" | "averagePool" }>): Field[] {
  const { padding, strides } = node;
  if (typeof padding === "object") throw refused(node, 'padding "same" or "valid"', "explicit padding");
  return [
    [0, "Int8", padding === "same" ? 0 : 1],
    [1, "Int32", strides[1]],
    [2, "Int32", strides[0]],
  ];
}

/** What the fused activations from 1 on hold values within, and what they are called as operators. */
const FUSED = [RELU, RELU_N1_TO_1, RELU6] as const;
const RECTIFIERS = ["RELU", "RELU_N1_TO_1", "RELU6"] as const;

/** The number of a fused activation: none, RELU, RELU_N1_TO_1, RELU6. */
function activation(node: { readonly name: string; readonly clamp?: Clamp }): number {
  const { clamp } = node;
  if (!clamp) return 0;
  const code = FUSED.findIndex((bounds) => sameClamp(bounds, clamp));
  if (code >= 0) return code + 1;
  throw refused(node, "bounds of ReLU, ReLU6 or −1 … 1", `${clamp.lo} … ${clamp.hi}`);
}
