/**
 * 8-bit files that lie, or that mean what this package doesn't do: one test a lie, with the error's class and what it
 * names.
 */
import { describe, expect, test } from "vitest";
import { build } from "../../src/engine/build.ts";
import { FormatError, type SepconvError, UnsupportedError } from "../../src/errors.ts";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import { buildTflite, type ModelSpec, type TensorSpec } from "./builders/tflite.ts";

const VALUE = { type: "int8", scales: [0.5], zeroPoints: [3] } as const;

/** x → conv of two channels → y, honest. */
const HONEST: ModelSpec = {
  tensors: [
    { name: "x", shape: [1, 2, 2, 1], ...VALUE },
    { name: "w", shape: [2, 1, 1, 1], type: "int8", data: [5, -7], scales: [0.25, 0.125], zeroPoints: [0, 0], axis: 0 },
    { name: "b", shape: [2], type: "int32", data: [10, -20], scales: [0.125, 0.0625], zeroPoints: [0, 0], axis: 0 },
    { name: "y", shape: [1, 2, 2, 2], ...VALUE },
  ],
  operators: [{ op: "CONV_2D", inputs: [0, 1, 2], outputs: [3], options: { 1: { int32: 1 }, 2: { int32: 1 } } }],
  inputs: [0],
  outputs: [3],
};

const tensor = (index: number, change: Partial<TensorSpec>): Partial<ModelSpec> => ({
  tensors: HONEST.tensors.map((spec, i) => (i === index ? { ...spec, ...change } : spec)),
});

/** Reads and builds: some of it shows only when multipliers are computed or weights are packed. */
async function answer(change: Partial<ModelSpec>): Promise<number[]> {
  const session = await build(await fromTflite(buildTflite({ ...HONEST, ...change })));
  return Array.from(session.run<Int8Array>(Int8Array.of(3, 4, 5, 127)).output);
}

test("the honest file answers", async () => {
  // Real: x = 0, ½, 1, 62; w = 1.25, −0.875; b = 1.25, −1.25; y in halves around 3.
  expect(await answer({})).toEqual([6, 0, 7, -0, 8, -1, 127, -108].map((v) => v + 0));
});

test("a quantized dimension on a single scale means nothing, and is taken", async () => {
  const change = tensor(1, { scales: [0.25], zeroPoints: [0], axis: 3 });
  expect((await answer(change)).length).toBe(8);
});

describe.each<[string, new (...args: never[]) => SepconvError, [string, Partial<ModelSpec>, RegExp][]]>([
  [
    "FormatError",
    FormatError,
    [
      ["a scale of 0 of a value", tensor(3, { scales: [0] }), /'y'.*tensor 3: expected positive scales, got 0$/],
      [
        "a negative scale of weights",
        tensor(1, { scales: [0.25, -1] }),
        /'w'.*tensor 1: expected positive scales, got -1$/,
      ],
      ["a negative scale", tensor(0, { scales: [-1] }), /x.*tensor 0: expected positive scales, got -1/],
      ["a scale that is NaN", tensor(3, { scales: [Number.NaN] }), /'y'.*tensor 3: expected positive scales, got NaN/],
      [
        "an infinite scale",
        tensor(1, { scales: [Infinity, 1] }),
        /'w'.*tensor 1: expected positive scales, got Infinity/,
      ],
      [
        "no scale",
        tensor(3, { scales: undefined as never, zeroPoints: undefined as never }),
        /'y'.*expected a scale for int8, got none/,
      ],
      [
        "a zero point outside of 8 bits",
        tensor(0, { zeroPoints: [300] }),
        /tensor 0: expected zero points from -128 to 127, got 300/,
      ],
      ["three scales for two channels", tensor(1, { scales: [1, 1, 1], zeroPoints: [0, 0, 0] }), /tensor 1 'w'.*scale/],
      ["fewer zero points than scales", tensor(1, { zeroPoints: [0] }), /tensor 1 'w'.*zero point/],
      [
        "a bias of another length",
        tensor(2, { shape: [1], data: [1], scales: [1], zeroPoints: [0] }),
        /bias 'b': expected \[2\], got \[1\]/,
      ],
    ],
  ],
  [
    "UnsupportedError",
    UnsupportedError,
    [
      ["16-bit values", tensor(0, { type: "int16" }), /'x'.*int16/],
      ["4-bit weights", tensor(1, { type: "int4", data: undefined as never, buffer: 3 }), /'w'.*int4|int4.*'w'/],
      [
        "float weights",
        tensor(1, { type: "float32", data: [1, 2] }),
        /weights 'w': expected int8 like the input, got float32/,
      ],
      [
        "8-bit weights behind floats (hybrid)",
        tensor(0, { type: "float32", scales: undefined as never, zeroPoints: undefined as never }),
        /'w'|'y'/,
      ],
      [
        "int8 weights around another number",
        tensor(1, { zeroPoints: [0, 1] }),
        /weights 'w': expected int8 weights around 0, got the zero point 1/,
      ],
      [
        "scales along the input channels",
        tensor(1, { shape: [1, 1, 1, 2], axis: 3 }),
        /weights 'w': expected a scale for each output channel \(axis 0\), got axis 3/,
      ],
      ["a float bias", tensor(2, { type: "float32", data: [1, 2] }), /bias 'b': expected int32, got float32/],
      [
        "two scales of a value",
        tensor(3, { scales: [1, 2], zeroPoints: [0, 0], axis: 3 }),
        /'y'.*expected one scale for a value, got 2/,
      ],
      [
        "a multiplier beyond all shifts",
        tensor(3, { scales: [1e-30] }),
        /node y: expected a rescaling factor below 2³⁰, got/,
      ],
      [
        "a multiplier that is infinite",
        {
          ...tensor(3, { scales: [1e-38] }),
          tensors: HONEST.tensors.map((t, i) => ({
            ...t,
            ...(i === 3 && { scales: [1e-38] }),
            ...(i < 2 && { scales: i ? [3e38, 3e38] : [3e38] }),
          })),
        },
        /node y: expected a rescaling factor below 2³⁰, got/,
      ],
      ["sums beyond 32 bits", tensor(2, { data: [2147483647, 0] }), /w.*sums within 32 bits/],
    ],
  ],
])("%s", (_, Expected, lies) => {
  test.each(lies)("%s", async (_name, change, message) => {
    const error = await answer(change).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Expected);
    expect((error as Error).message).toMatch(message);
  });
});
