/**
 * tfjs-wasm as a contender: runs an optimized graph of ours (same weights, batch norms folded, activations fused, as
 * its own converter would) on TensorFlow.js's WebAssembly backend, one thread.
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";

/** Loads TensorFlow.js with its WebAssembly backend, without the notices it prints. */
export async function startTfjs() {
  const require = createRequire(import.meta.url);
  const tf = require("@tensorflow/tfjs-core");
  const wasm = require("@tensorflow/tfjs-backend-wasm");
  tf.env().set("PROD", true);
  wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  wasm.setThreadsCount(1);
  await tf.setBackend("wasm");
  await tf.ready();
  return { tf, version: tf.version_core };
}

/** Uploads the constants of an optimized graph once and gives a function from a Float32Array to the first output. */
export function tfjsNetwork(tf, graph) {
  const tensors = new Map();
  for (const { name, shape, data } of graph.constants.values()) tensors.set(name, tf.tensor(data, shape));
  const [input] = graph.inputs;
  const run = (data) => {
    const output = tf.tidy(() => {
      const values = new Map([[input.name, tf.tensor(data, input.shape)]]);
      for (const node of graph.nodes) values.set(node.name, compute(tf, node, values, tensors));
      return values.get(graph.outputs[0]);
    });
    const result = output.dataSync();
    output.dispose();
    return result;
  };
  return { run, dispose: () => tf.dispose([...tensors.values()]) };
}

function compute(tf, node, values, tensors) {
  const x = values.get(node.inputs[0]);
  switch (node.op) {
    case "conv2d":
      return tf.fused.conv2d(convolution(node, x, tensors));
    case "depthwiseConv2d":
      return tf.fused.depthwiseConv2d(convolution(node, x, tensors));
    case "dense":
      return tf.fused.matMul({ a: x, b: tensors.get(node.weights), bias: tensors.get(node.bias) });
    case "add":
    case "mul": {
      const other = node.operand ? tensors.get(node.operand) : values.get(node.inputs[1]);
      return bounded(tf, tf[node.op](x, other), node.clamp);
    }
    case "hardSwish":
      // As Keras's layers come out of its converter: it has no op for it.
      return tf.mul(x, tf.mul(tf.relu6(tf.add(x, 3)), 1 / 6));
    case "clamp":
      return bounded(tf, x, node);
    case "maxPool":
      return bounded(tf, tf.maxPool(x, node.size, node.strides, sides(node.padding)), node.clamp);
    case "pad": {
      const { top, bottom, left, right, front = 0, back = 0 } = node.padding;
      return tf.pad(x, [
        [0, 0],
        [top, bottom],
        [left, right],
        [front, back],
      ]);
    }
    case "concat":
      return tf.concat(
        node.inputs.map((name) => values.get(name)),
        node.axis,
      );
    case "globalAveragePool":
      return tf.mean(x, [1, 2], node.keepDims);
    case "reshape":
      return tf.reshape(x, node.shape);
    case "softmax":
      return tf.softmax(x);
    default:
      throw new Error(`node ${node.name}: the bench does not know how TensorFlow.js does ${node.op}`);
  }
}

function bounded(tf, x, clamp) {
  if (!clamp) return x;
  if (clamp.lo === 0) return clamp.hi === 6 ? tf.relu6(x) : tf.relu(x);
  return tf.clipByValue(x, clamp.lo, clamp.hi);
}

const sides = (padding) => (typeof padding === "string" ? padding : explicit(padding));

function convolution({ weights, bias, strides, dilations, padding, clamp }, x, tensors) {
  const pad = sides(padding);
  const activation = clamp ? (clamp.hi === 6 ? "relu6" : "relu") : "linear";
  return { x, filter: tensors.get(weights), bias: tensors.get(bias), strides, dilations, pad, activation };
}

function explicit({ top, bottom, left, right }) {
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
}
