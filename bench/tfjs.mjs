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

function convolution({ weights, bias, strides, dilations, padding, clamp }, x, tensors) {
  const pad = typeof padding === "string" ? padding : explicit(padding);
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
