/**
 * Writes a folded graph as an ONNX file: channels first, as the format has it; TensorFlow's SAME padding as explicit
 * pads, which may differ from side to side. A protobuf message is a list of fields, so a writer needs no library.
 */
import { inferShapes, resolvePadding } from "../../dist/graph/shape.js";

const OPSET = 14;
const IR_VERSION = 8;
const FLOAT = 1;
const INT64 = 7;

/** @returns {Uint8Array} the model's bytes; input and output named as in the graph, input [1, C, H, W] */
export function toOnnx(graph) {
  const shapes = inferShapes(graph);
  const initializers = [];
  const constant = (name, dims, type, bytes) => {
    initializers.push(
      message(...dims.map((dim) => varint(1, dim)), varint(2, type), text(8, name), bytesField(9, bytes)),
    );
    return name;
  };
  const floats = (name, dims, data) =>
    constant(name, dims, FLOAT, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const context = { graph, shapes, floats, constant };
  const nodes = graph.nodes.flatMap((node) => nodesOf(node, context));
  const [input] = graph.inputs;
  const [n, h, w, c] = input.shape;
  const body = message(
    ...nodes.map((node) => bytesField(1, node)),
    text(2, graph.name),
    ...initializers.map((tensor) => bytesField(5, tensor)),
    bytesField(11, valueInfo(input.name, [n, c, h, w])),
    ...graph.outputs.map((output) => bytesField(12, valueInfo(output, shapes.get(output)))),
  );
  return message(
    varint(1, IR_VERSION),
    text(2, "sepconv bench"),
    bytesField(7, body),
    bytesField(8, message(text(1, ""), varint(2, OPSET))),
  );
}

function nodesOf(node, { graph, shapes, floats, constant }) {
  const [x] = node.inputs;
  const data = (name) => graph.constants.get(name).data;
  const bias = () => floats(`${node.name}/bias`, [data(node.bias).length], data(node.bias));
  /** An operator, and its bounds behind it. */
  const bounded = (type, inputs, attributes) => {
    const name = node.clamp ? `${node.name}/open` : node.name;
    const computed = operator(type, inputs, name, attributes);
    return node.clamp ? [computed, clip(name, node, floats)] : [computed];
  };
  switch (node.op) {
    case "conv2d":
    case "depthwiseConv2d": {
      const weights = graph.constants.get(node.weights);
      const [kH, kW, inC, last] = weights.shape;
      const depthwise = node.op === "depthwiseConv2d";
      const outC = depthwise ? inC * last : last;
      const dims = [outC, depthwise ? 1 : inC, kH, kW];
      const filter = floats(`${node.name}/filter`, dims, outermost(weights.data, kH * kW, depthwise ? 1 : inC, outC));
      const [, height, width] = shapes.get(x);
      const pad = resolvePadding(node.padding, [height, width], [kH, kW], node.strides, node.dilations, node.name);
      const attributes = [
        ints("kernel_shape", [kH, kW]),
        ints("strides", node.strides),
        ints("dilations", node.dilations),
        ints("pads", [pad.top, pad.left, pad.bottom, pad.right]),
        int("group", depthwise ? inC : 1),
      ];
      return bounded("Conv", [x, filter, bias()], attributes);
    }
    case "add":
    case "mul": {
      const { operand } = node;
      const own = `${node.name}/operand`;
      const other = operand ? floats(own, graph.constants.get(operand).shape, data(operand)) : node.inputs[1];
      return bounded(node.op === "add" ? "Add" : "Mul", [x, other]);
    }
    case "hardSwish":
      return [operator("HardSwish", [x], node.name)];
    case "clamp":
      return [clip(x, { name: node.name, clamp: node }, floats)];
    case "maxPool": {
      const [, height, width] = shapes.get(x);
      const pad = resolvePadding(node.padding, [height, width], node.size, node.strides, [1, 1], node.name);
      const sides = [pad.top, pad.left, pad.bottom, pad.right];
      return bounded(
        "MaxPool",
        [x],
        [ints("kernel_shape", node.size), ints("strides", node.strides), ints("pads", sides)],
      );
    }
    case "pad": {
      const { top, bottom, left, right, front = 0, back = 0 } = node.padding;
      const pads = BigInt64Array.from([0, front, top, left, 0, back, bottom, right], BigInt);
      const list = constant(`${node.name}/pads`, [8], INT64, new Uint8Array(pads.buffer));
      return [operator("Pad", [x, list], node.name)];
    }
    case "concat":
      return [operator("Concat", node.inputs, node.name, [int("axis", node.axis)])];
    case "globalAveragePool":
      return [operator("GlobalAveragePool", [x], node.name)];
    case "reshape": {
      const target = BigInt64Array.from(node.shape, BigInt);
      const shape = constant(`${node.name}/shape`, [target.length], INT64, new Uint8Array(target.buffer));
      const [, height = 1, width = 1] = shapes.get(x).length === 4 ? shapes.get(x) : [];
      if (height * width === 1) return [operator("Reshape", [x, shape], node.name)];
      // What becomes of a map is written in the order of its pixels.
      const last = operator("Transpose", [x], `${node.name}/pixels`, [ints("perm", [0, 2, 3, 1])]);
      return [last, operator("Reshape", [`${node.name}/pixels`, shape], node.name)];
    }
    case "dense": {
      const weights = floats(`${node.name}/weights`, graph.constants.get(node.weights).shape, data(node.weights));
      return [operator("Gemm", [x, weights, bias()], node.name)];
    }
    case "softmax":
      return [operator("Softmax", [x], node.name, [int("axis", -1)])];
    default:
      throw new Error(`node ${node.name}: the bench does not know how ONNX says ${node.op}`);
  }
}

function clip(input, { name, clamp }, floats) {
  const bound = (which) =>
    Number.isFinite(clamp[which]) ? floats(`${name}/${which}`, [], Float32Array.of(clamp[which])) : "";
  return operator("Clip", [input, bound("lo"), bound("hi")], name);
}

/** [taps, inC, outC] → [outC, inC, taps]. */
function outermost(data, taps, inC, outC) {
  const result = new Float32Array(data.length);
  for (let t = 0; t < taps; t++)
    for (let i = 0; i < inC; i++)
      for (let o = 0; o < outC; o++) result[(o * inC + i) * taps + t] = data[(t * inC + i) * outC + o];
  return result;
}

function operator(type, inputs, output, attributes = []) {
  return message(
    ...inputs.map((input) => text(1, input)),
    text(2, output),
    text(3, output),
    text(4, type),
    ...attributes.map((attribute) => bytesField(5, attribute)),
  );
}

const int = (name, value) => message(text(1, name), varint(3, value), varint(20, 2));
const ints = (name, values) => message(text(1, name), ...values.map((value) => varint(8, value)), varint(20, 7));

function valueInfo(name, dims) {
  const shape = message(...dims.map((dim) => bytesField(1, message(varint(1, dim)))));
  return message(text(1, name), bytesField(2, message(bytesField(1, message(varint(1, FLOAT), bytesField(2, shape))))));
}

// Protobuf: every field is its number and kind, then a varint or a length and bytes.

function message(...parts) {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** Negative numbers take ten bytes: two's complement of 64 bits. */
function digits(value) {
  const result = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    result.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(result);
}

const varint = (field, value) => message(digits(field << 3), digits(value));
const bytesField = (field, bytes) => message(digits((field << 3) | 2), digits(bytes.length), bytes);
const text = (field, value) => bytesField(field, new TextEncoder().encode(value));
