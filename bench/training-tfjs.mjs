/**
 * The same step of training in TensorFlow.js: its own ops and gradients over the nodes of a graph of ours.
 * @module
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";

const sides = (padding) =>
  typeof padding === "string"
    ? padding
    : [
        [0, 0],
        [padding.top, padding.bottom],
        [padding.left, padding.right],
        [0, 0],
      ];

const bounded = (tf, y, clamp) => (clamp ? tf.minimum(tf.maximum(y, clamp.lo), clamp.hi) : y);

/**
 * Its gradients are registered by a file that only bundlers can read; what that does is for all copies of the library
 * in a process.
 */
export async function registerGradients() {
  const require = createRequire(import.meta.url);
  const { rolldown } = await import("rolldown");
  const input = `${dirname(require.resolve("@tensorflow/tfjs-core"))}/register_all_gradients.js`;
  const bundle = await rolldown({
    input,
    platform: "neutral",
    resolve: { mainFields: ["module", "main"] },
    logLevel: "silent",
  });
  const { code } = (await bundle.generate({ format: "iife" })).output[0];
  new Function(code)();
}

/** A loss of the constants of a graph, as variables, and these by name. */
export function tfjsLoss(tf, graph, batch, smoothing = 0) {
  const variables = new Map();
  for (const { name, shape, data } of graph.constants.values()) {
    variables.set(name, tf.variable(tf.tensor(data, shape), !/mean$|variance$|operand/.test(name)));
  }
  const compute = (node, values) => {
    const x = values.get(node.inputs[0]);
    const of = (name) => variables.get(name);
    switch (node.op) {
      case "conv2d": {
        const y = tf.conv2d(x, of(node.weights), node.strides, sides(node.padding), "NHWC", node.dilations);
        return bounded(tf, node.bias ? tf.add(y, of(node.bias)) : y, node.clamp);
      }
      case "depthwiseConv2d": {
        const pads = sides(node.padding);
        const y = tf.depthwiseConv2d(x, of(node.weights), node.strides, pads, "NHWC", node.dilations);
        return bounded(tf, node.bias ? tf.add(y, of(node.bias)) : y, node.clamp);
      }
      case "dense":
        return bounded(tf, tf.add(tf.matMul(x, of(node.weights)), of(node.bias)), node.clamp);
      case "batchNorm": {
        const { mean, variance } = tf.moments(
          x,
          x.shape.slice(0, -1).map((_, axis) => axis),
        );
        return tf.batchNorm(x, mean, variance, of(node.beta), of(node.gamma), node.epsilon);
      }
      case "clamp":
        return bounded(tf, x, node);
      case "globalAveragePool":
        return tf.mean(x, [1, 2], node.keepDims);
      case "reshape":
        return tf.reshape(x, [batch, -1]);
      case "softmax":
        return x;
      case "add":
        return bounded(tf, tf.add(x, values.get(node.inputs[1])), node.clamp);
      default:
        throw new Error(`tfjs: expected another op than ${node.op}`);
    }
  };
  const loss = (inputs, labels) => {
    const [input] = graph.inputs;
    const values = new Map([[input.name, tf.tensor(inputs, [batch, ...input.shape.slice(1)])]]);
    for (const node of graph.nodes) values.set(node.name, compute(node, values));
    const logits = values.get(graph.nodes.at(-1).name);
    const classes = logits.shape.at(-1);
    const hot = tf.oneHot(tf.tensor1d(Int32Array.from(labels), "int32"), classes);
    const target = tf.add(tf.mul(tf.cast(hot, "float32"), 1 - smoothing), smoothing / classes);
    return tf.neg(tf.mean(tf.sum(tf.mul(target, tf.logSoftmax(logits)), -1)));
  };
  return { loss, variables, dispose: () => tf.dispose([...variables.values()]) };
}

/** Loss and gradients of one batch. */
export function tfjsGradients(tf, graph, inputs, labels, smoothing) {
  const { loss, variables, dispose } = tfjsLoss(tf, graph, labels.length, smoothing);
  const { value, grads } = tf.variableGrads(() => loss(inputs, labels));
  const names = new Map([...variables].map(([name, { name: own }]) => [own, name]));
  const gradients = new Map(Object.entries(grads).map(([own, tensor]) => [names.get(own), tensor.dataSync()]));
  const result = { loss: value.dataSync()[0], gradients };
  tf.dispose([value, ...Object.values(grads)]);
  dispose();
  return result;
}

/** Milliseconds of a step (gradients, and the update by momentum) on the CPU backend, and what the wasm one says. */
export async function tfjsStep(graph, inputs, labels, ours) {
  const require = createRequire(import.meta.url);
  const tf = require("@tensorflow/tfjs-core");
  require("@tensorflow/tfjs-backend-cpu");
  const wasm = require("@tensorflow/tfjs-backend-wasm");
  tf.env().set("PROD", true);
  wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  wasm.setThreadsCount(1);
  await registerGradients();
  await tf.setBackend("cpu");
  const { gradients } = tfjsGradients(tf, graph, inputs, labels);
  // Of all numbers of a constant together: a value that lies at a bound of ReLU6 to the last bit falls on either side
  // of it, and what it says to single weights comes or goes.
  let apart = 0;
  for (const [name, theirs] of gradients) {
    const own = ours.get(name);
    const [difference, size] = theirs.reduce(([d, q], value, i) => [d + (value - own[i]) ** 2, q + value ** 2], [0, 0]);
    apart = Math.max(apart, Math.sqrt(difference / size));
  }
  const { loss, dispose } = tfjsLoss(tf, graph, labels.length);
  const optimizer = tf.train.momentum(0.01, 0.9, true);
  const ms = [];
  for (let i = 0; i < 2; i++) {
    const began = performance.now();
    optimizer.minimize(() => loss(inputs, labels));
    ms.push(performance.now() - began);
  }
  dispose();
  let error = "no error: it has learned to";
  await tf.setBackend("wasm");
  try {
    tfjsGradients(tf, graph, inputs, labels);
  } catch (cause) {
    error = String(cause.message).split("\n")[0];
  }
  return { version: tf.version_core, ms: Math.min(...ms), apart, wasm: error };
}
