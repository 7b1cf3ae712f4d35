/**
 * ONNX's own node tests, with their answers, where Debian's `libonnx-testdata` is installed: how many of those pass
 * that are about operators which the reader has. Inputs that are images go in channels last, and so do outputs come
 * out.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../../src/errors.ts";
import { OPS } from "../../../src/formats/onnx/ops.ts";
import { ProtobufFile } from "../../../src/formats/onnx/protobuf.ts";
import { type ModelFile, readModel } from "../../../src/formats/onnx/schema.ts";
import { decodedNow, readTensor, type TensorInfo, typeName } from "../../../src/formats/onnx/tensors.ts";
import { load, type RunInput } from "../../../src/index.ts";
import { Budget } from "../../../src/limits.ts";
import { withInitializers } from "./writer.ts";

const FOLDER = process.env.SEPCONV_ONNX_TESTS ?? "/usr/share/libonnx-testdata/data/node";

/** The operators that the reader has, and those that it computes beforehand. */
const NAMED: ReadonlySet<string> = new Set([...OPS.keys(), "Constant", "ConstantOfShape", "Shape", "Size", "Range"]);
/** The part of all their tests that must pass. */
const LEAST = 0.85;

interface Outcome {
  readonly name: string;
  readonly op: string;
  /** Undefined where the answers are right. */
  readonly fault?: string;
}

async function tensorOf(path: string): Promise<TensorInfo> {
  const file = await ProtobufFile.open(new Uint8Array(readFileSync(path)), path);
  return readTensor(file.root("tensor"), new Budget());
}

/** [n, c, h, w] → [n, h, w, c]. */
function channelsLast(data: ArrayLike<number>, dims: readonly number[]): number[] {
  const [n, c, h, w] = dims as [number, number, number, number];
  const result: number[] = [];
  for (let i = 0; i < n; i++)
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) for (let k = 0; k < c; k++) result.push(data[((i * c + k) * h + y) * w + x]!);
  return result;
}

/** Numbers of 16 bits are computed in 32: what is written in 16 is that far away. */
function same(got: ArrayLike<number>, expected: ArrayLike<number>, type: string): boolean {
  const allowed = type === "float16" ? 2 ** -11 : 1e-5;
  if (got.length !== expected.length) return false;
  return Array.from(expected).every((e, i) => {
    const g = got[i]!;
    return Object.is(g, e) || g === e || Math.abs(g - e) <= allowed * Math.max(1, Math.abs(e));
  });
}

async function attempt(folder: string, constantsFrom: number): Promise<string | undefined> {
  const bytes = new Uint8Array(readFileSync(join(folder, "model.onnx")));
  const model = await readModel(bytes, new Budget());
  const set = join(folder, "test_data_set_0");
  const files = (kind: string) =>
    readdirSync(set)
      .filter((file) => file.startsWith(kind))
      .map((file) => join(set, file));
  const inputs = await Promise.all(files("input_").map(tensorOf));
  const outputs = await Promise.all(files("output_").map(tensorOf));
  const raw = files("input_").map((file) => new Uint8Array(readFileSync(file)));
  const file = withInitializers(bytes, raw.slice(constantsFrom));
  const session = await load(file);
  try {
    const given = Object.fromEntries(
      inputs.slice(0, constantsFrom).map((info) => {
        const data = decodedNow(info);
        const held = info.dims.length === 4 ? channelsLast(data, info.dims) : Array.from(data);
        const type = session.inputs.find(({ name }) => name === info.name)!.dtype;
        const types = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array };
        return [info.name, types[type].from(held)];
      }),
    );
    const answers: Readonly<Record<string, ArrayLike<number>>> = session.run(given as RunInput).outputs;
    for (const [i, { name }] of model.outputs.entries()) {
      const { dims, type } = outputs[i]!;
      const expected = decodedNow(outputs[i]!);
      const got = answers[name]!;
      const right = same(got, expected, type) || (dims.length === 4 && same(got, channelsLast(expected, dims), type));
      if (!right) return `other numbers: ${Array.from(got).slice(0, 6)} for ${Array.from(expected).slice(0, 6)}`;
    }
    return undefined;
  } finally {
    session.dispose();
  }
}

/** As it is; and, where that is not supported, with all inputs but the first as constants. */
async function outcome(name: string, op: string): Promise<Outcome> {
  const folder = join(FOLDER, name);
  for (const constantsFrom of [Number.POSITIVE_INFINITY, 1]) {
    try {
      const fault = await attempt(folder, constantsFrom);
      return fault === undefined ? { name, op } : { name, op, fault };
    } catch (error) {
      if (error instanceof UnsupportedError && constantsFrom !== 1) continue;
      return { name, op, fault: (error as Error).message };
    }
  }
  throw new Error("unreachable");
}

/** Types of a network's numbers; whole ones are what some operators read or answer with, and 8 bits have scales. */
const TYPES: ReadonlySet<string> = new Set(["float32", "float16"]);
const OF_BYTES = /^(Q|DequantizeL|DynamicQ)/;
const OF_SHAPES: ReadonlySet<string> = new Set(["Constant", "ConstantOfShape", "Shape", "Size", "Range"]);

/** Whether the numbers of a test are such as networks of this package have. */
function isTyped({ inputs, outputs }: ModelFile, op: string): boolean {
  if (OF_BYTES.test(op) || OF_SHAPES.has(op)) return true;
  const computed =
    op === "ArgMax" || op === "ArgMin" ? inputs.slice(0, 1) : [...inputs.slice(0, 1), ...outputs.slice(0, 1)];
  return computed.every(({ type }) => TYPES.has(typeName(type)));
}

describe.skipIf(!existsSync(FOLDER))("ONNX's node tests", () => {
  it(`pass, ${100 * LEAST} % of them at least`, async () => {
    const outcomes: Outcome[] = [];
    const others: string[] = [];
    for (const name of readdirSync(FOLDER).sort()) {
      const bytes = new Uint8Array(readFileSync(join(FOLDER, name, "model.onnx")));
      const model = await readModel(bytes, new Budget()).catch(() => undefined);
      const ops = [...new Set(model?.nodes.map(({ op }) => op))];
      const [op] = ops;
      if (!model || ops.length !== 1 || !NAMED.has(op!)) continue;
      if (isTyped(model, op!)) outcomes.push(await outcome(name, op!));
      else others.push(name);
    }
    const failed = outcomes.filter(({ fault }) => fault !== undefined);
    console.info(
      [
        `${outcomes.length - failed.length} of ${outcomes.length} pass`,
        ...failed.map(({ name, fault }) => `  ${name}: ${fault}`),
        `${others.length} are of numbers that no network here has: ${others.join(", ")}`,
      ].join("\n"),
    );
    expect(failed.filter(({ fault }) => fault!.startsWith("other numbers")).map(({ name }) => name)).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(350);
    expect(outcomes.length - failed.length).toBeGreaterThanOrEqual(LEAST * outcomes.length);
  });
});

if (!existsSync(FOLDER)) console.info(`skipped: ${FOLDER} is not there (Debian's libonnx-testdata)`);
