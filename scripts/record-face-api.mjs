/**
 * Records what face-api itself finds in its six photographs, as the data that test/vision/detect.test.ts compares with.
 *
 *   node scripts/record-face-api.mjs        writes test/data/face-api.json (about a minute or two)
 *
 * It runs face-api's own code on tfjs's plain CPU backend: slow, but the backend that is right on every padding and
 * stride. Photographs are decoded by this package (built first), as our tests decode them, so that both see the same
 * pixels. They are those of jpeg-js to the bit.
 */
import { readFile, writeFile } from "node:fs/promises";
import { createRequire, Module } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeImage } from "sepconv";

const MIN_CONFIDENCE = 0.5;
const NAMES = ["sample1.jpg", "sample2.jpg", "sample3.jpg", "sample4.jpg", "sample5.jpg", "sample6.jpg"];

const require = createRequire(import.meta.url);
const home = dirname(require.resolve("@vladmandic/face-api/package.json"));
const output = fileURLToPath(new URL("../test/data/face-api.json", import.meta.url));

// face-api's Node build asks for the umbrella package, of which it needs the core only; the core is what this project
// installs.
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = (request, ...rest) =>
  resolveFilename(request === "@tensorflow/tfjs" ? require.resolve("@tensorflow/tfjs-core") : request, ...rest);

const tf = require("@tensorflow/tfjs-core");
require("@tensorflow/tfjs-backend-cpu");
// The umbrella package also lends tensors these methods.
for (const rank of [3, 4]) {
  tf.Tensor.prototype[`as${rank}D`] = function (...shape) {
    return tf.reshape(this, shape);
  };
}
const faceapi = require(join(home, "dist/face-api.node-wasm.js"));

/** RGB tensor [height, width, 3] of a photograph. */
async function decode(path) {
  const { width, height, data } = await decodeImage(await readFile(path), { name: path });
  const rgb = new Int32Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) rgb[pixel * 3 + channel] = data[pixel * 4 + channel];
  }
  return tf.tensor3d(rgb, [height, width, 3], "int32");
}

const round = (value, digits) => Number(value.toFixed(digits));

await tf.setBackend("cpu");
await faceapi.nets.ssdMobilenetv1.loadFromDisk(join(home, "model"));
const options = new faceapi.SsdMobilenetv1Options({ minConfidence: MIN_CONFIDENCE, maxResults: 100 });

const images = {};
for (const name of NAMES) {
  const tensor = await decode(join(home, "demo", name));
  const [height, width] = tensor.shape;
  const faces = (await faceapi.detectAllFaces(tensor, options)).map(({ score, box }) => ({
    score: round(score, 6),
    box: [box.x, box.y, box.width, box.height].map((value) => round(value, 3)),
  }));
  tensor.dispose();
  images[name] = { width, height, faces };
  console.log(`${name}: ${faces.length} faces, scores ${faces.map(({ score }) => score.toFixed(3)).join(" ")}`);
}

const version = (name) => require(`${name}/package.json`).version;
const recorded = {
  versions: {
    "@vladmandic/face-api": version("@vladmandic/face-api"),
    "@tensorflow/tfjs-core": version("@tensorflow/tfjs-core"),
    "@tensorflow/tfjs-backend-cpu": version("@tensorflow/tfjs-backend-cpu"),
  },
  minConfidence: MIN_CONFIDENCE,
  images,
};
await writeFile(output, `${JSON.stringify(recorded, null, 2)}\n`);
console.log(`written: ${output}`);
