/**
 * Sound files of every format, to be mutated: small ones made on the spot, and real ones where this machine has them.
 * @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { strToU8, zipSync } from "fflate";
import { encode } from "flatbuffers/js/flexbuffers.js";
import { toSafetensors } from "../../src/formats/safetensors/read.ts";
import { toTflite } from "../../src/formats/tflite/write.ts";
import { freeze } from "../../src/freeze/freeze.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { quantizedGraph } from "../cases/quantized-graphs.ts";
import { GraphFile, window } from "../formats/builders/graphdef.ts";
import { buildHdf5 } from "../formats/builders/hdf5.ts";
import { functional, inputLayer, keras3Paths, kerasMobilenet } from "../formats/builders/keras.ts";
import { BY_NAME, BY_POSITION, smallModel } from "../formats/builders/keras-small.ts";
import { buildTflite } from "../formats/builders/tflite.ts";
import { mobilenetV2File } from "../formats/onnx/mobilenet.ts";
import { externalFiles, qdqFile, qlinearFile } from "../formats/onnx/small.ts";
import { bmp, flatJpeg, gif, png } from "../vision/pictures/writers.ts";

/** Files by name; one of them is the model, or the picture. */
export type Seed = Readonly<Record<string, Uint8Array>>;

export const FORMATS = ["tflite", "keras", "tfjs", "safetensors", "face-api", "onnx", "frozen", "picture"] as const;
export type Format = (typeof FORMATS)[number];

/** Files of the checkout's neighbors, which need not be there. */
const SHARED = fileURLToPath(new URL(process.env.SEPCONV_SHARED ?? "../shared", `file://${process.cwd()}/`));
const PACKAGES = join(process.cwd(), "node_modules");

/** All seeds of a format, always in the same order. `largest`: real files of more bytes are left out. */
export async function seedsOf(format: Format, largest = 2 ** 21): Promise<Seed[]> {
  const made = await MADE[format]();
  return [...made, ...real(format, largest)];
}

/**
 * A seed, small ones more often: a change to a few kilobytes hits structure, one to a megabyte hits weights, and takes
 * a hundred times as long.
 */
export function drawn(seeds: readonly Seed[], random: () => number): Seed {
  const bytes = (seed: Seed) => Object.values(seed).reduce((sum, { length }) => sum + length, 0);
  const shares = seeds.map((seed) => (2 ** 14 + bytes(seed)) ** -1.5);
  let left = random() * shares.reduce((sum, share) => sum + share, 0);
  for (const [i, seed] of seeds.entries()) {
    left -= shares[i]!;
    if (left < 0) return seed;
  }
  return seeds.at(-1)!;
}

const network = (resolution: number) => ({
  ...initialize(mobilenetV1({ alpha: 0.25, resolution, classes: 3, shallow: true }), 1),
  source: { format: "test", normalization: { mean: 127.5, std: 127.5 }, labels: ["a", "b", "c"] },
});

/** A dense layer whose weights are stored in blocks, by lists of 16 bits. */
function sparseFile(): Uint8Array {
  const lists = { segments: [0, 1, 3, 3, 4], indices: [2, 0, 3, 1], bits: 16 } as const;
  return buildTflite({
    tensors: [
      { name: "x", shape: [1, 8] },
      {
        ...{ name: "w", shape: [4, 8], data: [1, 2, 3, 4, 5, 6, 7, 8] },
        sparsity: { order: [0, 1, 2], blocks: [1], levels: [4, lists, 2] },
      },
      { name: "dense", shape: [4, 8] },
      { name: "y", shape: [1, 4] },
    ],
    operators: [
      { op: "DENSIFY", inputs: [1], outputs: [2] },
      { op: "FULLY_CONNECTED", inputs: [0, 2], outputs: [3] },
    ],
    ...{ inputs: [0], outputs: [3] },
  });
}

/** Maps of poses, as a file's last operator reads them. */
function poseFile(): Uint8Array {
  const settings = { max_detections: 4, score_threshold: 0.25, stride: 8, nms_radius: 20 };
  const channels = [17, 34, 64];
  const maps = channels.map((count, i) => ({ name: `map${i}`, shape: [1, 2, 3, count] }));
  const found = [0, 1, 2, 3].map((i) => ({ name: `found${i}`, shape: [1, 4] }));
  return buildTflite({
    tensors: [...maps, ...found],
    operators: [
      {
        ...{ op: "CUSTOM", custom: "PosenetDecoderOp", customOptions: new Uint8Array(encode(settings)) },
        ...{ inputs: [0, 1, 2], outputs: [3, 4, 5, 6] },
      },
    ],
    ...{ inputs: [0, 1, 2], outputs: [3, 4, 5, 6] },
  });
}

const MADE: Readonly<Record<Format, () => Promise<Seed[]>>> = {
  async tflite() {
    const float = await toTflite(network(32));
    const bytes: Uint8Array[] = [];
    for (let seed = 0; bytes.length < 8; seed++) {
      const file = await toTflite(quantizedGraph(seed).graph).catch(() => undefined);
      if (file) bytes.push(file);
    }
    return [float, ...bytes, sparseFile(), poseFile()].map((file) => ({ "model.tflite": file }));
  },

  async keras() {
    const seeds: Seed[] = [];
    for (const version of [2, 3] as const) {
      const { layers, weights } = kerasMobilenet(0.25, 32, 3, version);
      const model = functional("mobilenet", layers, [layers.at(-1)!.name], version);
      const paths = [...weights].map(([path, stored]) => {
        const layer = path.slice(0, path.indexOf("/"));
        return [`model_weights/${layer}/${path}:0`, stored] as const;
      });
      if (version === 2) {
        seeds.push({
          "model.h5": await buildHdf5(paths, { model_config: JSON.stringify(model), keras_version: "2.2.4" }),
        });
        continue;
      }
      const inner = await buildHdf5(keras3Paths({ layers, weights }));
      const config = strToU8(JSON.stringify(model));
      seeds.push({ "model.keras": zipSync({ "config.json": config, "model.weights.h5": inner }, { level: 0 }) });
      seeds.push({ "model.keras": zipSync({ "config.json": config, "model.weights.h5": inner }, { level: 6 }) });
    }
    const stored = BY_NAME.map(([path, value]) => [`model_weights/${path}`, value] as const);
    seeds.push({ "model.h5": await buildHdf5(stored, { model_config: JSON.stringify(smallModel(2)) }) });
    const third = await buildHdf5(BY_POSITION);
    const config = strToU8(JSON.stringify(smallModel(3)));
    for (const level of [0, 6] as const) {
      seeds.push({ "model.keras": zipSync({ "config.json": config, "model.weights.h5": third }, { level }) });
    }
    const small = functional(
      "small",
      [
        inputLayer("x", [8, 8, 3]),
        { className: "GlobalAveragePooling2D", name: "pool" },
        { className: "Dense", name: "d", config: { units: 2 } },
      ],
      ["d"],
    );
    const dense = [
      ["model_weights/d/d/kernel:0", { shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
      ["model_weights/d/d/bias:0", { shape: [2], data: Float32Array.of(1, 2) }],
    ] as const;
    seeds.push({ "model.h5": await buildHdf5(dense, { model_config: JSON.stringify(small) }) });
    return seeds;
  },

  async tfjs() {
    const file = new GraphFile()
      .placeholder("x", -1, 16, 16, 3)
      .weight("stem/w", [3, 3, 3, 4])
      .node("stem", "Conv2D", ["x", "stem/w"], window(2, "SAME"))
      .weight("dw/w", [3, 3, 4, 1])
      .node("dw", "DepthwiseConv2dNative", ["stem", "dw/w"], window(1, "SAME"))
      .node("relu", "Relu6", ["dw"])
      .weight("pw/w", [1, 1, 4, 6])
      .node("pw", "Conv2D", ["relu", "pw/w"], window(1, "SAME"));
    const layers = {
      class_name: "Sequential",
      config: {
        name: "s",
        layers: [
          {
            class_name: "Conv2D",
            config: {
              name: "c",
              filters: 2,
              kernel_size: [3, 3],
              strides: [2, 2],
              padding: "same",
              batch_input_shape: [null, 8, 8, 3],
              activation: "relu",
            },
          },
          { class_name: "Flatten", config: { name: "f" } },
          { class_name: "Dense", config: { name: "d", units: 2, activation: "softmax" } },
        ],
      },
    };
    const specs = [
      { name: "c/kernel", shape: [3, 3, 3, 2], dtype: "float32" },
      { name: "c/bias", shape: [2], dtype: "float32" },
      { name: "d/kernel", shape: [32, 2], dtype: "float32", quantization: { dtype: "uint8", scale: 0.01, min: -1 } },
      { name: "d/bias", shape: [2], dtype: "float32" },
    ];
    const data = new Uint8Array(4 * 56 + 64 + 8).map((_, i) => (i * 7) & 63);
    const model = {
      format: "layers-model",
      modelTopology: { model_config: layers },
      weightsManifest: [{ paths: ["w.bin"], weights: specs }],
    };
    return [file.files("pw"), { "model.json": strToU8(JSON.stringify(model)), "w.bin": data }];
  },

  async safetensors() {
    return [{ "model.safetensors": toSafetensors(network(32)) }];
  },

  async "face-api"() {
    return [];
  },

  async onnx() {
    const small = { alpha: 0.35, resolution: 32, classes: 3 };
    const bytes = qdqFile({ type: "uint8", perChannel: true });
    return [
      ...[mobilenetV2File({ ...small, head: "reshape" }), bytes, qlinearFile()].map((file) => ({ "model.onnx": file })),
      externalFiles(),
    ];
  },

  async frozen() {
    const image = { format: "rgba8", width: 40, height: 30 } as const;
    const files = [
      await freeze(network(32)),
      await freeze(network(32), { memory: "small", feed: true, variant: "scalar" }),
      await freeze(network(32), { image, endPoints: ["block1"], top: "argmax" }),
      ...(await Promise.all([1, 2, 3].map((seed) => freeze(quantizedGraph(seed).graph)))),
    ];
    return files.map((file) => ({ "network.wasm": file }));
  },

  async picture() {
    const recorded = JSON.parse(readFileSync(join(process.cwd(), "test/data/jpeg.json"), "utf8")) as {
      files: Record<string, string>;
    };
    const jpegs = Object.values(recorded.files).map((text) => new Uint8Array(Buffer.from(text, "base64")));
    const pngs = ([0, 2, 4, 6] as const).flatMap((color) =>
      [false, true].map((interlaced) => {
        const samples = { 0: 1, 2: 3, 4: 2, 6: 4 }[color];
        const at = (x: number, y: number) => Array.from({ length: samples }, (_, c) => (x * 20 + y * 3 + c) & 255);
        return png({ width: 13, height: 11, color, depth: 8, interlaced, at });
      }),
    );
    const palette = [0, 60, 120, 255].map((v) => [v, 255 - v, v >> 1]);
    const at = (x: number, y: number) => (x + y) & 3;
    const indexed = { width: 9, height: 7, depth: 2, at: (x: number, y: number) => [at(x, y)] };
    const others = [
      png({ ...indexed, color: 3, chunks: [["PLTE", Uint8Array.from(palette.flat())]] }),
      bmp({ width: 9, height: 7, bits: 24, at: (x, y) => x * 7000 + y }),
      bmp({ width: 9, height: 7, bits: 4, at, palette }),
      gif({ width: 9, height: 7, at, palette }),
      gif({ width: 9, height: 7, at, palette, interlaced: true, transparent: 1 }),
      flatJpeg([100, 120, 130]),
    ];
    return [...jpegs, ...pngs, ...others].map((file) => ({ picture: file }));
  },
};

const ENDINGS: Readonly<Record<Format, RegExp>> = {
  tflite: /\.tflite$/,
  keras: /\.(h5|keras)$/,
  tfjs: /^model\.json$/,
  safetensors: /\.safetensors$/,
  "face-api": /ssd_mobilenetv1.*manifest\.json$/,
  onnx: /\.onnx$/,
  frozen: /\.wasm$/,
  picture: /\.(jpe?g|png|bmp|gif)$/i,
};

function real(format: Format, largest: number): Seed[] {
  const folders = [join(SHARED, "models"), join(SHARED, "images"), join(PACKAGES, "@vladmandic/face-api/demo")];
  if (format === "face-api") return faceApi(join(PACKAGES, "@vladmandic/face-api/model"));
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder)
        .sort()
        .map((name) => join(folder, name)),
    )
    .filter((path) => ENDINGS[format].test(path))
    .map((path) => new Uint8Array(readFileSync(path)))
    .filter(({ length }) => length <= largest)
    .map((bytes) => ({
      [format === "picture" ? "picture" : `model${format === "keras" ? ".h5" : `.${format}`}`]: bytes,
    }));
}

/** Its manifest, and its shards cut to nothing: whoever wants their 5 MB does not need a fuzzer. */
function faceApi(folder: string): Seed[] {
  const manifest = join(folder, "ssd_mobilenetv1_model-weights_manifest.json");
  if (!existsSync(manifest)) return [];
  const bytes = new Uint8Array(readFileSync(manifest));
  const groups = JSON.parse(new TextDecoder().decode(bytes)) as { paths: string[] }[];
  const shards = groups
    .flatMap(({ paths }) => paths)
    .map((path) => {
      const file = join(dirname(manifest), path);
      return [path, existsSync(file) ? new Uint8Array(readFileSync(file)) : new Uint8Array(16)] as const;
    });
  return [{ "manifest.json": bytes, ...Object.fromEntries(shards) }];
}
