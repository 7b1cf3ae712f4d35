/**
 * Thousands of small changes to sound files, each where it may hurt: in the structure of HDF5 and zip, and in values of
 * the configuration. What comes of each is a graph or an error of ours, and soon.
 */
import { strToU8, zipSync } from "fflate";
import { beforeAll, describe, expect, test } from "vitest";
import { SepconvError } from "../../src/errors.ts";
import { fromKeras } from "../../src/formats/keras/read.ts";
import { importModel } from "../../src/formats/recognize.ts";
import { type Random, random } from "../cases/random.ts";
import { processorTime } from "../processor-time.ts";
import { buildHdf5 } from "./builders/hdf5.ts";
import { sequential } from "./builders/keras.ts";
import { BY_NAME, BY_POSITION, smallModel } from "./builders/keras-small.ts";

type Json = Record<string, unknown>;

/** Milliseconds that one change may take; machines under load are given more by the runner's own limit. */
const SOON = 2000;

/** Tries to read; answers whether there was a graph. */
async function attempt(read: () => Promise<unknown>, what: string): Promise<boolean> {
  const began = processorTime();
  const error: unknown = await read().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const took = processorTime() - began;
  if (took > SOON) throw new Error(`${what}: expected an answer within ${SOON} ms, got one after ${took}`);
  if (error === undefined) return true;
  if (!(error instanceof SepconvError))
    throw new Error(`${what}: expected an error of ours, got ${error}`, { cause: error });
  expect(error.message.length).toBeLessThan(2000);
  return false;
}

const EXTREMES = [0, 1, 2, 3, 7, 0x7f, 0x80, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

/** Bytes changed as damage and malice would: single ones, numbers, pieces moved, ends cut off. */
function damage(bytes: Uint8Array, draw: Random): Uint8Array {
  const changed = bytes.slice();
  const view = new DataView(changed.buffer);
  const last = changed.length - 1;
  for (let i = draw.int(1, 3); i > 0; i--) {
    const at = draw.int(0, last);
    switch (draw.int(0, 6)) {
      case 0:
        changed[at]! ^= 1 << draw.int(0, 7);
        break;
      case 1:
        changed[at] = draw.int(0, 255);
        break;
      case 2:
        if (at + 4 <= changed.length) view.setUint32(at & ~3, EXTREMES[draw.int(0, EXTREMES.length - 1)]!, true);
        break;
      case 3:
        // An address or a length: some other place of the file.
        if (at + 8 <= changed.length) view.setBigUint64(Math.min(at & ~7, last - 7), BigInt(draw.int(0, last)), true);
        break;
      case 4:
        if (at + 8 <= changed.length)
          view.setBigUint64(Math.min(at & ~7, last - 7), 2n ** BigInt(draw.int(0, 63)), true);
        break;
      case 5: {
        const from = draw.int(0, last);
        changed.copyWithin(at, from, from + draw.int(1, 200));
        break;
      }
      default:
        if (draw.int(0, 9) === 0) return changed.subarray(0, at);
        changed.fill(draw.int(0, 1) * 255, at, at + draw.int(1, 16));
    }
  }
  return changed;
}

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1,
  2,
  0.5,
  7,
  1e9,
  2 ** 53,
  1e300,
  -1e300,
  "",
  "x",
  "linear",
  "same",
  [],
  {},
  [null],
  [0],
  [-1, -1],
  [1, 1, 1],
  [[1, 2]],
  ["x", 0, 0],
  ["block", 1, 0],
  [["dense", 0, 0]],
  { class_name: "ReLU", config: {} },
  { class_name: "Functional", config: {} },
  { type: "ndarray", value: [1] },
  "LSTM",
  "Conv2D",
  "Dense",
  "Sequential",
  "n".repeat(5000),
];

/** All objects and lists of a value, with the keys in them. */
function places(value: unknown, found: [Json, string][] = []): [Json, string][] {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value as Json, key]);
    places((value as Json)[key], found);
  }
  return found;
}

/** A configuration with some of its values changed: left out, replaced by others or by each other, or doubled. */
function twist(config: unknown, draw: Random): unknown {
  const copy = structuredClone({ config }) as Json;
  for (let i = draw.int(1, 3); i > 0; i--) {
    const all = places(copy);
    const [parent, key] = all[draw.int(1, all.length - 1)] ?? all[0]!;
    const kind = draw.int(0, 3);
    if (kind === 0) delete parent[key];
    else if (kind === 1) parent[key] = structuredClone(VALUES[draw.int(0, VALUES.length - 1)]);
    else if (kind === 2) {
      const [other, name] = all[draw.int(0, all.length - 1)]!;
      parent[key] = structuredClone(other[name]);
    } else if (Array.isArray(parent)) parent.push(structuredClone(parent[key as never]));
    else parent[`${key}_`] = parent[key];
  }
  return copy.config;
}

let byName: Uint8Array;
let byPosition: Uint8Array;
const paths = BY_NAME.map(([path, stored]) => [`model_weights/${path}`, stored] as const);
const groups = { "model_weights/conv": { weight_names: ["conv/kernel:0", "conv/bias:0"] } };

beforeAll(async () => {
  byName = await buildHdf5(paths, { model_config: JSON.stringify(smallModel(2)) }, groups);
  byPosition = await buildHdf5(BY_POSITION);
});

describe("changed at random, from seeds", () => {
  test("the seeds are read", async () => {
    expect(await attempt(() => fromKeras(byName), "h5")).toBe(true);
    expect(await attempt(() => fromKeras(keras(smallModel(3), byPosition)), "keras")).toBe(true);
    expect(await attempt(() => importModel(layersModel(smallModel(2))), "tfjs")).toBe(true);
  });

  test("1,500 .h5 files", async () => {
    const draw = random("keras fuzz h5");
    let read = 0;
    for (let i = 0; i < 1500; i++) {
      const bytes = damage(byName, draw);
      if (await attempt(() => fromKeras(bytes), `h5 ${i}`)) read++;
    }
    // Some changes hit numbers, or nothing at all; most must be noticed, or nothing was tested.
    expect(read).toBeGreaterThan(20);
    expect(read).toBeLessThan(1300);
  });

  test("500 .keras files, packed and not", async () => {
    const draw = random("keras fuzz zip");
    for (let i = 0; i < 500; i++) {
      const bytes = damage(keras(smallModel(3), byPosition, i % 2 === 0 ? 0 : 6), draw);
      await attempt(() => fromKeras(bytes), `zip ${i}`);
    }
  });

  test("500 files of sound zip around damaged HDF5", async () => {
    const draw = random("keras fuzz inner");
    for (let i = 0; i < 500; i++) {
      const bytes = keras(smallModel(3), damage(byPosition, draw));
      await attempt(() => fromKeras(bytes), `inner ${i}`);
    }
  });

  test.each([2, 3] as const)("1,000 configurations of Keras %i", async (version) => {
    const draw = random(`keras fuzz config ${version}`);
    let read = 0;
    for (let i = 0; i < 1000; i++) {
      const config = twist(smallModel(version), draw);
      const files = layersModel(config);
      if (await attempt(() => importModel(files), `config ${i}: ${JSON.stringify(config)}`)) read++;
    }
    expect(read).toBeGreaterThan(50);
    expect(read).toBeLessThan(900);
  });

  test("300 configurations of Sequential models", async () => {
    const draw = random("keras fuzz sequential");
    const first = { filters: 3, kernel_size: 1, batch_input_shape: [null, 4, 4, 2] };
    const layers = [
      { className: "Conv2D", name: "conv", config: first },
      { className: "Flatten", name: "flat" },
    ];
    for (let i = 0; i < 300; i++) {
      const config = twist(sequential("s", layers), draw);
      await attempt(() => importModel(layersModel(config)), `sequential ${i}: ${JSON.stringify(config)}`);
    }
  });

  test("200 lists of weight_names", async () => {
    const draw = random("keras fuzz names");
    const pool = [
      ...BY_NAME.map(([path]) => path.split("/").slice(1).join("/")),
      "",
      "kernel",
      "/",
      "..",
      "x".repeat(500),
    ];
    for (let i = 0; i < 200; i++) {
      const names = Array.from({ length: draw.int(1, 7) }, () => pool[draw.int(0, pool.length - 1)]!);
      const group = ["block", "conv", "dense"][draw.int(0, 2)]!;
      const attributes = { model_config: JSON.stringify(smallModel(2)) };
      const bytes = await buildHdf5(paths, attributes, { [`model_weights/${group}`]: { weight_names: names } });
      await attempt(() => fromKeras(bytes), `names ${i}: ${names.join()}`);
    }
  });
});

function keras(config: unknown, weights: Uint8Array, level: 0 | 6 = 0): Uint8Array {
  return zipSync({ "config.json": strToU8(JSON.stringify(config)), "model.weights.h5": weights }, { level });
}

/** A layers model of TensorFlow.js. */
function layersModel(config: unknown): Record<string, Uint8Array> {
  const weights = BY_NAME.map(([path, { shape }]) => ({
    name: path.replace(/:0$/, "").replace(/^(conv|dense)\/\1/, "$1"),
    shape,
    dtype: "float32",
  }));
  const size = weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const weightsManifest = [{ paths: ["shard"], weights }];
  const model = { format: "layers-model", modelTopology: { model_config: config }, weightsManifest };
  return {
    "model.json": strToU8(JSON.stringify(model)),
    shard: new Uint8Array(new Float32Array(size).fill(0.5).buffer),
  };
}
