/**
 * Thousands of files that are almost sound: small models, changed at random in ways that reach deep. Whatever is wrong
 * with them, the error is one of ours, and it comes soon.
 */
import { strToU8, zipSync } from "fflate";
import { describe, expect, test, vi } from "vitest";
import { SepconvError } from "../../src/errors.ts";
import type { ModelSource } from "../../src/formats/common/source.ts";
import { importModel } from "../../src/formats/recognize.ts";
import { OPERATORS } from "../../src/formats/tflite/operators.ts";
import { TENSOR_TYPES } from "../../src/formats/tflite/schema.ts";
import { random } from "../cases/random.ts";
import { processorTime } from "../processor-time.ts";
import { GraphFile, texts, window } from "./builders/graphdef.ts";
import { json } from "./builders/tfjs.ts";
import { buildMetadata, buildTflite, type ModelSpec, type TensorSpec } from "./builders/tflite.ts";

const RUNS = 2000;
vi.setConfig({ testTimeout: 120_000 });
/** Milliseconds that a file may take at the most. */
const SOON = 2000;

/** What may be drawn. */
class Dice {
  readonly #random: { next(): number };

  constructor(seed: string) {
    this.#random = random(seed);
  }

  /** A whole number from 0 to below `n`. */
  below(n: number): number {
    return Math.floor(this.#random.next() * n);
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const EDGES = [0, 1, 2, 3, 4, 8, -1, -2, 127, 128, 255, 256, 65_535, 2 ** 20, 2 ** 31 - 1, -(2 ** 31), 2 ** 32 - 1];

/** A few words, bytes or ends of a file changed. */
function mutatedBytes(bytes: Uint8Array, dice: Dice): Uint8Array {
  let changed = bytes.slice();
  for (let count = 1 + dice.below(3); count > 0; count--) {
    const at = dice.below(changed.length);
    const word = Math.min(at & ~3, (changed.length - 4) & ~3);
    const view = new DataView(changed.buffer, changed.byteOffset, changed.byteLength);
    switch (dice.below(6)) {
      case 0:
        changed[at] = dice.below(256);
        break;
      case 1:
        changed[at]! ^= 1 << dice.below(8);
        break;
      case 2:
        view.setInt32(word, dice.of(EDGES), true);
        break;
      case 3:
        view.setInt32(word, view.getInt32(word, true) + dice.of([-8, -4, -1, 1, 4, 8]), true);
        break;
      case 4:
        // One part in the place of another: offsets that lead astray, vectors that are shared.
        changed.copyWithin(at, dice.below(changed.length), dice.below(changed.length));
        break;
      default:
        if (dice.below(4) === 0) changed = changed.slice(0, Math.max(16, at));
    }
  }
  return changed;
}

async function expectOurs(source: ModelSource, what: string): Promise<void> {
  const began = processorTime();
  const error = await importModel(source, { resolution: 4 }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error !== undefined && !(error instanceof SepconvError)) {
    throw new Error(`${what}: expected an error of ours, got ${error}`, { cause: error });
  }
  expect(processorTime() - began, what).toBeLessThan(SOON);
}

// --- TFLite
// -------------------------------------------------------------------------------------------------------------------

const one = { int32: 1 };
const value = (name: string, ...shape: number[]): TensorSpec => ({ name, shape });
const bytes8 = (name: string, shape: number[], more: Partial<TensorSpec> = {}): TensorSpec => ({
  ...{ name, shape, type: "int8", scales: [0.5], zeroPoints: [1] },
  ...more,
});

const MODELS: readonly ModelSpec[] = [
  {
    tensors: [
      { ...value("x", 1, 4, 4, 2), signature: [-1, -1, -1, 2] },
      { name: "half", shape: [3, 3, 3, 2], type: "float16", data: new Array<number>(54).fill(0x3c00) },
      value("w", 3, 3, 3, 2),
      { name: "b", shape: [3], data: [1, 2, 3] },
      value("conv", 1, 4, 4, 3),
      { name: "d", shape: [1, 2, 2, 3], data: new Array<number>(12).fill(1) },
      value("dw", 1, 2, 2, 3),
      { name: "pads", shape: [4, 2], type: "int32", data: [0, 0, 1, 1, 0, 1, 0, 0] },
      value("padded", 1, 4, 3, 3),
      value("pool", 1, 2, 2, 3),
      { name: "axes", shape: [2], type: "int32", data: [1, 2] },
      value("mean", 1, 3),
      value("y", 1, 3),
    ],
    operators: [
      { op: "DEQUANTIZE", inputs: [1], outputs: [2] },
      { op: "CONV_2D", inputs: [0, 2, 3], outputs: [4], options: { 0: { int8: 0 }, 1: one, 2: one, 3: { int8: 3 } } },
      {
        op: "DEPTHWISE_CONV_2D",
        inputs: [4, 5],
        outputs: [6],
        options: { 0: { int8: 0 }, 1: { int32: 2 }, 2: { int32: 2 }, 3: one },
      },
      { op: "PAD", inputs: [6, 7], outputs: [8] },
      {
        op: "MAX_POOL_2D",
        inputs: [8],
        outputs: [9],
        options: { 0: { int8: 0 }, 1: { int32: 2 }, 2: { int32: 2 }, 3: { int32: 2 }, 4: { int32: 2 } },
      },
      { op: "MEAN", inputs: [9, 10], outputs: [11], options: { 0: { int8: 0 } } },
      { op: "SOFTMAX", inputs: [11], outputs: [12], options: { 0: { float32: 1 } } },
    ],
    inputs: [0],
    outputs: [12, 4],
    metadata: buildMetadata([127.5], [127.5], "labels.txt"),
  },
  {
    tensors: [
      bytes8("x", [1, 2, 2, 2]),
      bytes8("w", [2, 1, 1, 2], { data: [1, -2, 3, -4], scales: [0.5, 0.25], zeroPoints: [0, 0] }),
      { name: "b", shape: [2], type: "int32", data: [7, -7], scales: [0.25, 0.125], zeroPoints: [0, 0] },
      bytes8("conv", [1, 2, 2, 2]),
      bytes8("sum", [1, 2, 2, 2]),
      bytes8("joined", [1, 2, 2, 4]),
      value("y", 1, 2, 2, 4),
    ],
    operators: [
      { op: "CONV_2D", inputs: [0, 1, 2], outputs: [3], options: { 1: one, 2: one } },
      { op: "ADD", inputs: [0, 3], outputs: [4], options: { 0: { int8: 1 } } },
      { op: "CONCATENATION", inputs: [4, 3], outputs: [5], options: { 0: { int32: 3 } } },
      { op: "DEQUANTIZE", inputs: [5], outputs: [6] },
    ],
    inputs: [0],
    outputs: [6],
  },
  {
    tensors: [
      { ...value("x", 1, 2, 3, 4), signature: [-1, 2, 3, 4] },
      { name: "shape", shape: [4], type: "int32" },
      ...[0, 1, 1].map((n, i) => ({ name: `s${i}`, shape: [1], type: "int32", data: [n] })),
      { name: "n", shape: [], type: "int32" },
      { name: "c", shape: [], type: "int32", data: [24] },
      { name: "target", shape: [2], type: "int32" },
      value("flat", 1, 24),
      { name: "w", shape: [2, 24], data: new Array<number>(48).fill(0.5) },
      value("y", 1, 2),
    ],
    operators: [
      { op: "SHAPE", inputs: [0], outputs: [1] },
      { op: "STRIDED_SLICE", inputs: [1, 2, 3, 4], outputs: [5], options: { 4: one } },
      { op: "PACK", inputs: [5, 6], outputs: [7], options: { 0: { int32: 2 }, 1: { int32: 0 } } },
      { op: "RESHAPE", inputs: [0, 7], outputs: [8] },
      { op: "FULLY_CONNECTED", inputs: [8, 9, -1], outputs: [10], options: { 0: { int8: 1 } } },
    ],
    inputs: [0],
    outputs: [10],
  },
];

/** One field of a model changed: the file stays whole, and means something else. */
function mutatedModel(spec: ModelSpec, dice: Dice): ModelSpec {
  const tensors = [...spec.tensors];
  const operators = [...spec.operators];
  const [t, o] = [dice.below(tensors.length), dice.below(operators.length)];
  const [tensor, operator] = [tensors[t]!, operators[o]!];
  const replaced = (list: readonly number[], n: number) =>
    list.length === 0 ? [n] : list.with(dice.below(list.length), n);
  const index = () => dice.below(tensors.length + 1) - 1;
  switch (dice.below(9)) {
    case 0:
      tensors[t] = { ...tensor, shape: replaced(tensor.shape, dice.of([0, 1, 2, 3, 5, 2 ** 31 - 1])) };
      break;
    case 1:
      tensors[t] = { ...tensor, shape: dice.of([[], [1], [2, 2], tensor.shape.slice(1), [...tensor.shape, 1]]) };
      break;
    case 2: {
      const type = dice.of(TENSOR_TYPES.slice(0, 10));
      const { data: _, ...rest } = tensor;
      tensors[t] = { ...rest, type, buffer: t + 1, ...(tensor.data && { buffer: t + 1 }) };
      break;
    }
    case 3:
      tensors[t] = { ...tensor, scales: [dice.of([0, -1, 1, Number.NaN, 1e38])], zeroPoints: [dice.of(EDGES)] };
      break;
    case 4:
      operators[o] = { ...operator, op: dice.of([...OPERATORS.values()].filter((name) => name !== "CUSTOM")) };
      break;
    case 5:
      operators[o] = { ...operator, inputs: replaced(operator.inputs, index()) };
      break;
    case 6:
      operators[o] = { ...operator, outputs: replaced(operator.outputs, Math.max(0, index())) };
      break;
    case 7: {
      const field = dice.of([
        { int32: dice.of(EDGES) },
        { int8: dice.below(6) },
        { float32: dice.of([Number.NaN, -1]) },
      ]);
      operators[o] = { ...operator, options: { ...operator.options, [dice.below(7)]: field } };
      break;
    }
    default:
      tensors[t] = { ...tensor, signature: replaced(tensor.shape, -1) };
  }
  return { ...spec, tensors, operators };
}

describe("TFLite", () => {
  const labels = zipSync({ "labels.txt": strToU8("cat\ndog\nbird\n") });

  test(`${RUNS} files with other bytes`, async () => {
    const dice = new Dice("fuzz tflite bytes");
    const files = MODELS.map((spec) => Uint8Array.from([...buildTflite(spec), ...(spec.metadata ? labels : [])]));
    for (const file of files) await importModel(file, { resolution: 4 });
    for (let run = 0; run < RUNS; run++) await expectOurs(mutatedBytes(dice.of(files), dice), `run ${run}`);
  });

  test(`${RUNS} files that mean something else`, async () => {
    const dice = new Dice("fuzz tflite models");
    for (let run = 0; run < RUNS; run++) {
      let spec = dice.of(MODELS);
      for (let count = 1 + dice.below(2); count > 0; count--) spec = mutatedModel(spec, dice);
      await expectOurs(buildTflite(spec), `run ${run}`);
    }
  });
});

// --- JSON
// -------------------------------------------------------------------------------------------------------------------

const VALUES: readonly unknown[] = [
  ...[null, true, "", "x", "a:1", "^x", "NaN", "1e99", [], {}, [[]], [null], { list: {} }, { shape: { dim: [] } }],
  ...[0, -1, 0.5, 1, 2, 3, 2 ** 31, 2 ** 32, 2 ** 53, 1e300, -(2 ** 31), "4294967296", "-1", "0"],
];

/** One value of a tree changed, left out, or put in the place of another. */
function mutatedJson(tree: unknown, dice: Dice): unknown {
  const places: { readonly parent: Record<string, unknown>; readonly key: string }[] = [];
  const copy = structuredClone(tree);
  const visit = (node: unknown) => {
    if (typeof node !== "object" || node === null) return;
    for (const key of Object.keys(node)) {
      places.push({ parent: node as Record<string, unknown>, key });
      visit((node as Record<string, unknown>)[key]);
    }
  };
  visit(copy);
  for (let count = 1 + dice.below(2); count > 0; count--) {
    const { parent, key } = dice.of(places);
    const other = dice.of(places);
    if (dice.below(5) === 0 && !Array.isArray(parent)) delete parent[key];
    else parent[key] = dice.below(3) === 0 ? structuredClone(other.parent[other.key]) : dice.of(VALUES);
  }
  return copy;
}

describe("TF.js", () => {
  const file = new GraphFile()
    .placeholder("x", -1, 4, 4, 2)
    .weight("w", [3, 3, 2, 4])
    .weight("b", [4])
    .node("conv", "_FusedConv2D", ["x", "w", "b"], window(1, "SAME", { fused_ops: texts("BiasAdd", "Relu6") }))
    .weight("d", [3, 3, 4, 1])
    .node("dw", "DepthwiseConv2dNative", ["conv", "d"], window(2, "VALID"))
    .node("bn", "FusedBatchNormV3", ["dw", "b", "b", "b", "b"], { epsilon: { f: 0.001 }, is_training: { b: false } })
    .node("shape", "Shape", ["bn"])
    .list("zero", 0)
    .list("one", 1)
    .node("batch", "StridedSlice", ["shape", "zero", "one", "one"], { shrink_axis_mask: { i: "1" } })
    .constant("four", [], Int32Array.of(4))
    .node("target", "Pack", ["batch", "four"], { N: { i: "2" }, axis: { i: "0" } })
    .node("flat", "Reshape", ["bn", "target"])
    .weight("m", [3, 4])
    .node("product", "MatMul", ["flat", "m"], { transpose_a: { b: false }, transpose_b: { b: true } })
    .constant("half", [], Float32Array.of(0.5))
    .node("scaled", "Mul", ["product", "half"])
    .node("joined", "ConcatV2", ["scaled", "scaled", "one"], { N: { i: "2" } })
    .node("y", "Softmax", ["joined"]);
  const { "model.json": text, ...shards } = file.files("y");
  const model: unknown = JSON.parse(new TextDecoder().decode(text));

  test(`${RUNS} other topologies and manifests`, async () => {
    await importModel({ "model.json": text!, ...shards });
    const dice = new Dice("fuzz tfjs");
    for (let run = 0; run < RUNS; run++) {
      await expectOurs({ "model.json": json(mutatedJson(model, dice)), ...shards }, `run ${run}`);
    }
  });

  test(`${RUNS} files with other bytes, and other shards`, async () => {
    const dice = new Dice("fuzz tfjs bytes");
    for (let run = 0; run < RUNS; run++) {
      const files: Record<string, Uint8Array> = { "model.json": text!, ...shards };
      const name = dice.of(Object.keys(files));
      files[name] = mutatedBytes(files[name]!, dice);
      await expectOurs(files, `run ${run}`);
    }
  });
});

describe("safetensors", () => {
  const tensors: Record<string, unknown> = {};
  let length = 0;
  const add = (name: string, dtype: string, shape: readonly number[]) => {
    const bytes = shape.reduce((a, b) => a * b, 1) * (dtype === "F32" ? 4 : 2);
    tensors[name] = { dtype, shape, data_offsets: [length, length + bytes] };
    length += bytes;
  };
  const norm = (name: string, channels: number) => {
    for (const part of ["weight", "bias", "running_mean", "running_var"]) add(`${name}.${part}`, "F32", [channels]);
  };
  add("conv_stem.weight", "F16", [4, 3, 3, 3]);
  norm("bn1", 4);
  add("blocks.0.0.conv_dw.weight", "BF16", [4, 1, 3, 3]);
  norm("blocks.0.0.bn1", 4);
  add("blocks.0.0.conv_pw.weight", "F32", [6, 4, 1, 1]);
  norm("blocks.0.0.bn2", 6);
  add("classifier.weight", "F32", [5, 6]);
  add("classifier.bias", "F32", [5]);

  const file = (header: unknown): Uint8Array => {
    const bytes = json(header);
    const result = new Uint8Array(8 + bytes.length + length);
    new DataView(result.buffer).setBigUint64(0, BigInt(bytes.length), true);
    result.set(bytes, 8);
    return result;
  };

  test(`${RUNS} other headers, ${RUNS} files with other bytes`, async () => {
    await importModel(file(tensors));
    const dice = new Dice("fuzz safetensors");
    for (let run = 0; run < RUNS; run++) await expectOurs(file(mutatedJson(tensors, dice)), `header ${run}`);
    for (let run = 0; run < RUNS; run++) await expectOurs(mutatedBytes(file(tensors), dice), `bytes ${run}`);
  });
});
