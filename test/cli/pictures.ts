/**
 * Pictures and networks for the command line that need nothing from outside.
 * @module
 */
import type { Graph } from "../../src/graph/graph.ts";
import { initialize, mobilenetV1, toTflite } from "../../src/index.ts";

/** A color picture as a 24-bit BMP; `seed` makes others of it. */
export function bmp(width = 40, height = 24, seed = 37): Uint8Array {
  const pitch = Math.ceil((3 * width) / 4) * 4;
  const bytes = Buffer.alloc(54 + pitch * height);
  bytes.write("BM");
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  for (let i = 54; i < bytes.length; i++) bytes[i] = (i * seed) % 256;
  return bytes;
}

/** A small MobileNet v1 with random weights and four classes. */
export function network(): Graph {
  return initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 4 }), 4);
}

/** {@link network} as a file that says which range its pixels have, or doesn't. */
export function networkFile(saysRange: boolean): Promise<Uint8Array> {
  const { source, ...graph } = network();
  return toTflite({ ...graph, source: saysRange ? source : { format: "test" } });
}

/**
 * A TF.js layers model of two classes, in two files: a global average pool and a dense layer on pictures of 4×4 pixels.
 */
export function tfjsFiles(): Readonly<Record<string, string | Uint8Array>> {
  const layer = (class_name: string, config: object) => ({ class_name, config: { trainable: true, ...config } });
  const shapes = { batch_input_shape: [null, 4, 4, 3], dtype: "float32" };
  const pool = layer("GlobalAveragePooling2D", { name: "pool", data_format: "channels_last", ...shapes });
  const dense = layer("Dense", { name: "dense", units: 2, activation: "softmax", use_bias: false });
  const model = {
    format: "layers-model",
    modelTopology: { model_config: { class_name: "Sequential", config: { name: "teachable", layers: [pool, dense] } } },
    weightsManifest: [{ paths: ["weights.bin"], weights: [{ name: "dense/kernel", shape: [3, 2], dtype: "float32" }] }],
  };
  const weights = new Uint8Array(Float32Array.of(1, -1, 0.5, 0.25, -1, 1).buffer);
  return { "model.json": JSON.stringify(model), "weights.bin": weights };
}
