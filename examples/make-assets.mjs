/**
 * Makes the model and the picture that the examples share: a network of two layers that names the color of a picture,
 * and a photograph's worth of one color. `node examples/make-assets.mjs`, after `npm run build`; both are committed.
 */
import { writeFileSync } from "node:fs";
import jpeg from "jpeg-js";
import { toTflite } from "sepconv";

const COLORS = { red: [1, -1, -1], green: [-1, 1, -1], blue: [-1, -1, 1], white: [1, 1, 1], black: [-1, -1, -1] };
const labels = Object.keys(COLORS);

/** Scores: how well the mean pixel, in [-1, 1], goes with each color. */
const weights = Float32Array.from({ length: 3 * labels.length }, (_, i) => {
  const [channel, label] = [Math.floor(i / labels.length), labels[i % labels.length]];
  return 4 * COLORS[label][channel];
});
const plain = { strides: [1, 1], dilations: [1, 1], padding: "valid" };
const graph = {
  name: "colors",
  inputs: [{ name: "picture", shape: [1, 32, 32, 3], dtype: "float32" }],
  constants: new Map([
    ["weights", { name: "weights", shape: [1, 1, 3, labels.length], dtype: "float32", data: weights }],
  ]),
  nodes: [
    { op: "conv2d", name: "scores", inputs: ["picture"], weights: "weights", ...plain },
    { op: "globalAveragePool", name: "mean", inputs: ["scores"] },
    { op: "reshape", name: "flat", inputs: ["mean"], shape: [1, labels.length] },
    { op: "softmax", name: "probabilities", inputs: ["flat"], beta: 1 },
  ],
  outputs: ["probabilities"],
  endPoints: new Map(),
  source: { format: "example", labels, normalization: { mean: 127.5, std: 127.5 } },
};

const [width, height] = [96, 64];
const data = new Uint8Array(4 * width * height);
for (let i = 0; i < width * height; i++) {
  const [x, y] = [i % width, Math.floor(i / width)];
  data.set([40 + (y >> 2), 60 + (x >> 2), 190 + (y & 31), 255], 4 * i);
}

const folder = new URL("assets/", import.meta.url);
writeFileSync(new URL("colors.tflite", folder), await toTflite(graph));
writeFileSync(new URL("picture.jpg", folder), jpeg.encode({ width, height, data }, 90).data);
