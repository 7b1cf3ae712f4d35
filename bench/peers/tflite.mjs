/**
 * Writes a folded graph as a TFLite file (float32), tables and fields by the numbers of TensorFlow Lite's schema. Runs in a page, too.
 */
import { Builder } from "flatbuffers";
import { inferShapes } from "../../dist/graph/shape.js";

const SCHEMA_VERSION = 3;
const FLOAT32 = 0;
const INT32 = 2;
/** XNNPACK reads weights where they lie in the file. */
const BUFFER_ALIGNMENT = 16;

/** Operator codes, and the kinds of their options in the union of options. */
const OPERATORS = {
  CONV_2D: { code: 3, options: 1 },
  DEPTHWISE_CONV_2D: { code: 4, options: 2 },
  FULLY_CONNECTED: { code: 9, options: 8 },
  RESHAPE: { code: 22, options: 17 },
  SOFTMAX: { code: 25, options: 9 },
  MEAN: { code: 40, options: 27 },
};

/** @returns {Uint8Array} the model's bytes; input [1, H, W, C] */
export function toTflite(graph) {
  const shapes = inferShapes(graph);
  const tensors = [];
  const indices = new Map();
  const tensor = (name, shape, data) => {
    indices.set(name, tensors.length);
    return tensors.push({ name, shape, data }) - 1;
  };
  for (const { name, shape } of graph.inputs) tensor(name, shape);
  for (const { name } of graph.nodes) tensor(name, shapes.get(name));
  const operators = graph.nodes.map((node) => operatorOf(node, graph, tensor, indices));
  const bytes = tensors.reduce((sum, { data }) => sum + (data?.byteLength ?? 0) + 256, 1 << 16);
  const indexOf = (name) => indices.get(name);
  return encode(
    new Builder(bytes),
    tensors,
    operators,
    graph.inputs.map(({ name }) => indexOf(name)),
    graph.outputs.map(indexOf),
  );
}

/** An operator with its options as [field number, kind, value]. */
function operatorOf(node, graph, tensor, indices) {
  const x = indices.get(node.inputs[0]);
  const outputs = [indices.get(node.name)];
  const constantOf = (name) => graph.constants.get(name);
  const bias = () => tensor(`${node.name}/bias`, constantOf(node.bias).shape, constantOf(node.bias).data);
  switch (node.op) {
    case "conv2d": {
      const { shape, data } = constantOf(node.weights);
      const [kH, kW, inC, outC] = shape;
      const filter = tensor(`${node.name}/filter`, [outC, kH, kW, inC], transposed(data, kH * kW * inC, outC));
      const [dH, dW] = node.dilations;
      const options = [...windowOf(node), [3, "Int8", activation(node)], [4, "Int32", dW], [5, "Int32", dH]];
      return { op: "CONV_2D", inputs: [x, filter, bias()], outputs, options };
    }
    case "depthwiseConv2d": {
      const { shape, data } = constantOf(node.weights);
      const [kH, kW, inC, multiplier] = shape;
      const filter = tensor(`${node.name}/filter`, [1, kH, kW, inC * multiplier], data);
      const [dH, dW] = node.dilations;
      const options = [
        ...windowOf(node),
        [3, "Int32", multiplier],
        [4, "Int8", activation(node)],
        [5, "Int32", dW],
        [6, "Int32", dH],
      ];
      return { op: "DEPTHWISE_CONV_2D", inputs: [x, filter, bias()], outputs, options };
    }
    case "dense": {
      const { shape, data } = constantOf(node.weights);
      const [inC, outC] = shape;
      const filter = tensor(`${node.name}/filter`, [outC, inC], transposed(data, inC, outC));
      return { op: "FULLY_CONNECTED", inputs: [x, filter, bias()], outputs, options: [[0, "Int8", activation(node)]] };
    }
    case "globalAveragePool": {
      const axes = tensor(`${node.name}/axes`, [2], Int32Array.of(1, 2));
      return { op: "MEAN", inputs: [x, axes], outputs, options: [[0, "Int8", node.keepDims ? 1 : 0]] };
    }
    case "reshape": {
      const target = tensor(`${node.name}/shape`, [node.shape.length], Int32Array.from(node.shape));
      return { op: "RESHAPE", inputs: [x, target], outputs, options: [] };
    }
    case "softmax":
      return { op: "SOFTMAX", inputs: [x], outputs, options: [[0, "Float32", node.beta]] };
    default:
      throw new Error(`node ${node.name}: the bench does not know how TFLite says ${node.op}`);
  }
}

function windowOf({ name, padding, strides: [sH, sW] }) {
  if (typeof padding !== "string") throw new Error(`node ${name}: expected padding "same" or "valid" for TFLite`);
  return [
    [0, "Int8", padding === "same" ? 0 : 1],
    [1, "Int32", sW],
    [2, "Int32", sH],
  ];
}

function activation({ name, clamp }) {
  if (!clamp) return 0;
  if (clamp.lo === 0 && clamp.hi === Number.POSITIVE_INFINITY) return 1;
  if (clamp.lo === 0 && clamp.hi === 6) return 3;
  throw new Error(`node ${name}: expected ReLU or ReLU6 for TFLite, got [${clamp.lo}, ${clamp.hi}]`);
}

/** [rows, columns] → [columns, rows]. */
function transposed(data, rows, columns) {
  const result = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = data[r * columns + c];
  return result;
}

function encode(builder, tensors, operators, inputs, outputs) {
  const names = [...new Set(operators.map(({ op }) => op))];
  const codes = names.map((name) => {
    const { code } = OPERATORS[name];
    return table(builder, [
      [0, "Int8", code],
      [2, "Int32", 1],
      [3, "Int32", code],
    ]);
  });
  const buffers = [table(builder, [])];
  const tensorTables = tensors.map(({ name, shape, data }) => {
    const buffer = data ? buffers.push(table(builder, [[0, "Offset", raw(builder, data)]])) - 1 : 0;
    const type = data instanceof Int32Array ? INT32 : FLOAT32;
    const dims = vector(builder, "Int32", shape);
    const label = builder.createString(name);
    return table(builder, [
      [0, "Offset", dims],
      [1, "Int8", type],
      [2, "Int32", buffer],
      [3, "Offset", label],
    ]);
  });
  const operatorTables = operators.map(({ op, inputs: from, outputs: to, options }) => {
    const optionTable = table(builder, options);
    const reads = vector(builder, "Int32", from);
    const writes = vector(builder, "Int32", to);
    return table(builder, [
      [0, "Int32", names.indexOf(op)],
      [1, "Offset", reads],
      [2, "Offset", writes],
      [3, "Int8", OPERATORS[op].options],
      [4, "Offset", optionTable],
    ]);
  });
  const subgraph = table(builder, [
    [0, "Offset", vector(builder, "Offset", tensorTables)],
    [1, "Offset", vector(builder, "Int32", inputs)],
    [2, "Offset", vector(builder, "Int32", outputs)],
    [3, "Offset", vector(builder, "Offset", operatorTables)],
  ]);
  const root = table(builder, [
    [0, "Int32", SCHEMA_VERSION],
    [1, "Offset", vector(builder, "Offset", codes)],
    [2, "Offset", vector(builder, "Offset", [subgraph])],
    [4, "Offset", vector(builder, "Offset", buffers)],
  ]);
  builder.finish(root, "TFL3");
  return builder.asUint8Array().slice();
}

/** Fields that equal the schema's default are left out. */
function table(builder, fields) {
  builder.startObject(Math.max(0, ...fields.map(([index]) => index + 1)));
  for (const [index, kind, value] of fields) builder[`addField${kind}`](index, value, 0);
  return builder.endObject();
}

function vector(builder, kind, items) {
  builder.startVector(4, items.length, 4);
  for (const item of [...items].reverse()) builder[`add${kind}`](item);
  return builder.endVector();
}

/** A vector of bytes, aligned for whoever uses it in place. */
function raw(builder, { buffer, byteOffset, byteLength }) {
  builder.startVector(1, byteLength, BUFFER_ALIGNMENT);
  builder.space -= byteLength;
  builder.bb.setPosition(builder.space);
  builder.bb.bytes().set(new Uint8Array(buffer, byteOffset, byteLength), builder.space);
  return builder.endVector();
}
