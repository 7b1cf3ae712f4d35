/**
 * Channels that have died in training, as converters write them: a scale of 0, a bias that is saturated, every weight
 * at the zero point. TFLite runs such files; what its arithmetic makes of a sum is written out here once more, in whole
 * numbers of any size.
 */
import { describe, expect, test } from "vitest";
import { build } from "../../src/engine/build.ts";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import { buildTflite, type ModelSpec, type TensorSpec } from "./builders/tflite.ts";

/** MBQM with a factor in double precision: TFLite's QuantizeMultiplier, then both of its roundings. */
function rescaled(sum: number, factor: number): number {
  if (factor === 0) return 0;
  let shift = 0;
  let fraction = factor;
  for (; fraction >= 1; fraction /= 2) shift++;
  for (; fraction < 0.5; fraction *= 2) shift--;
  if (shift < -31) return 0;
  const m = BigInt(Math.round(fraction * 2 ** 31));
  const high = (BigInt.asIntN(32, BigInt(sum) << BigInt(Math.max(shift, 0))) * m + (1n << 30n)) >> 31n;
  if (shift >= 0) return Number(high);
  return Number((high + (1n << BigInt(-shift - 1)) - (high < 0n ? 1n : 0n)) >> BigInt(-shift));
}

/** One layer of four (depthwise: of four) outputs on eight numbers, all of which are 9 around the zero point 3. */
interface Layer {
  readonly weights: readonly number[];
  readonly scales: readonly number[];
  readonly bias: readonly number[];
  readonly biasScales?: readonly number[];
  readonly biasAxis?: number;
  readonly outputScale?: number;
  readonly activation?: number;
}

const KINDS = ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"] as const;
const INPUT_SCALE = 0.5;
const OUTPUT_ZERO = -10;

function model(kind: (typeof KINDS)[number], layer: Layer): ModelSpec {
  const { weights, scales, bias, biasScales = scales.map((s) => s * INPUT_SCALE), biasAxis = 0 } = layer;
  const zeros = (list: readonly number[]) => list.map(() => 0);
  const value = { type: "int8", scales: [INPUT_SCALE], zeroPoints: [3] };
  const dense = kind === "FULLY_CONNECTED";
  const depthwise = kind === "DEPTHWISE_CONV_2D";
  const x: TensorSpec = { name: "x", shape: dense ? [1, 4] : [1, 1, 1, 4], ...value };
  // Weight 0 of each output lies on input 0 (or on its own), the others are 0.
  const table = depthwise ? weights : weights.flatMap((w) => [w, 0, 0, 0]);
  const shape = dense ? [4, 4] : depthwise ? [1, 1, 1, 4] : [4, 1, 1, 4];
  const axis = depthwise ? 3 : 0;
  const activation = { int8: layer.activation ?? 0 };
  const one = { int32: 1 };
  return {
    tensors: [
      x,
      { name: "w", shape, type: "int8", data: table, scales, zeroPoints: zeros(scales), axis },
      {
        name: "b",
        shape: [4],
        type: "int32",
        data: bias,
        scales: biasScales,
        zeroPoints: zeros(biasScales),
        axis: biasAxis,
      },
      { name: "y", shape: x.shape, type: "int8", scales: [layer.outputScale ?? 0.5], zeroPoints: [OUTPUT_ZERO] },
    ],
    operators: [
      {
        op: kind,
        inputs: [0, 1, 2],
        outputs: [3],
        options: dense
          ? { 0: activation }
          : depthwise
            ? { 1: one, 2: one, 3: one, 4: activation }
            : { 1: one, 2: one, 3: activation },
      },
    ],
    inputs: [0],
    outputs: [3],
  };
}

/** What TFLite answers for inputs of 9, which mean 6 steps. */
function expected({ weights, scales, bias, outputScale = 0.5, activation }: Layer): number[] {
  const least = activation === 1 ? OUTPUT_ZERO : -128;
  return weights.map((w, o) => {
    const factor = (INPUT_SCALE * Math.fround(scales[o]!)) / Math.fround(outputScale);
    return Math.max(least, Math.min(127, rescaled(6 * w + bias[o]!, factor) + OUTPUT_ZERO));
  });
}

const [LEAST, MOST] = [-2147483648, 2147483647];

const LAYERS: readonly (readonly [string, Layer])[] = [
  ["a scale of 0", { weights: [5, -7, 3, 90], scales: [0.25, 0, 0.125, 0.5], bias: [10, -20, 30, -40] }],
  ["scales of 0 alone", { weights: [5, -7, 3, 90], scales: [0, 0, 0, 0], bias: [10, -20, 30, -40] }],
  [
    "a bias's scale of 0",
    { weights: [5, -7, 3, 90], scales: [0.25, 0.5, 0.125, 0.5], bias: [10, -20, 30, 0], biasScales: [0.1, 0, 0, 0] },
  ],
  [
    "a bias's axis that is its weights'",
    { weights: [5, -7, 3, 90], scales: [0.25, 0.5, 0.125, 0.5], bias: [10, -20, 30, 0], biasAxis: 3 },
  ],
  [
    "a saturated bias and weights of 0",
    { weights: [0, 0, 0, 3], scales: [0.25, 0.5, 1e-9, 0.5], bias: [MOST, -MOST, LEAST, 4] },
  ],
  [
    "a saturated bias and weights of 0, with factors of all sizes",
    { weights: [0, 0, 0, 0], scales: [1e-12, 3e-8, 7.3e-9, 1e-10], bias: [MOST, -MOST, LEAST, LEAST] },
  ],
  [
    "a saturated bias, weights of 0 and a factor beyond 1",
    { weights: [0, 0, 0, 0], scales: [0.25, 0.5, 1, 0.125], bias: [MOST, -MOST, LEAST, 5], outputScale: 0.03 },
  ],
  [
    "a saturated bias and a scale of 0",
    { weights: [5, -7, 3, 90], scales: [0, 0, 0, 0.5], bias: [MOST, -MOST, LEAST, 7] },
  ],
  [
    "a saturated bias and a scale that leaves nothing",
    { weights: [127, -127, 127, 90], scales: [1e-20, 1e-15, 1e-30, 0.5], bias: [MOST, -MOST, LEAST, 7] },
  ],
];

for (const variant of VARIANTS) {
  const reason = accepts(variant) ? undefined : `this host refuses ${variant}`;
  if (reason) console.info(`dead channels, ${variant}: skipped, ${reason}`);
  describe.skipIf(reason)(variant, () => {
    for (const kind of KINDS) {
      for (const activation of [0, 1]) {
        test.each(LAYERS)(`${kind}, activation ${activation}: %s`, async (_, layer) => {
          const graph = await fromTflite(buildTflite(model(kind, { ...layer, activation })));
          const session = await build(graph, { variant });
          const { output } = session.run<Int8Array>(new Int8Array(4).fill(9));
          expect([...output]).toEqual(expected({ ...layer, activation }));
        });
      }
    }

    test("a bias that is saturated, and inputs that lead away from the end", async () => {
      const bias = [-MOST, MOST, LEAST];
      const spec: ModelSpec = {
        tensors: [
          { name: "x", shape: [1, 1, 1, 2], type: "int8", scales: [0.5], zeroPoints: [-128] },
          {
            ...{ name: "w", shape: [3, 1, 1, 2], type: "int8", data: [5, 90, -7, -3, 1, 0] },
            ...{ scales: [1e-8, 2e-8, 3e-8], zeroPoints: [0, 0, 0], axis: 0 },
          },
          // Its scales are nobody's business: they follow from the others'.
          { name: "b", shape: [1, 1, 1, 3], type: "int32", data: bias, scales: [0, 0], zeroPoints: [0], axis: 1 },
          { name: "y", shape: [1, 1, 1, 3], type: "int8", scales: [0.5], zeroPoints: [0] },
        ],
        operators: [{ op: "CONV_2D", inputs: [0, 1, 2], outputs: [3], options: { 1: { int32: 1 }, 2: { int32: 1 } } }],
        inputs: [0],
        outputs: [3],
      };
      const session = await build(await fromTflite(buildTflite(spec)), { variant });
      const { output } = session.run<Int8Array>(Int8Array.of(100, 127));
      const sums = [5 * 228 + 90 * 255, -7 * 228 - 3 * 255, 228].map((sum, o) => sum + bias[o]!);
      const factors = [1e-8, 2e-8, 3e-8].map(Math.fround);
      expect([...output]).toEqual(sums.map((sum, o) => rescaled(sum, (0.5 * factors[o]!) / 0.5)));
    });

    test("eight channels, of which one has died, behind a 3×3 window", async () => {
      const zeros = new Array<number>(8).fill(0);
      const bias = [1, 2, 3, LEAST, 5, 6, 7, MOST];
      const scales = [0.25, 0.25, 0.25, 1e-9, 0.25, 0.25, 0.25, 0];
      const spec: ModelSpec = {
        tensors: [
          { name: "x", shape: [1, 4, 4, 8], type: "int8", scales: [0.5], zeroPoints: [3] },
          {
            ...{ name: "w", shape: [1, 3, 3, 8], type: "int8", data: new Array<number>(72).fill(0) },
            ...{ scales, zeroPoints: zeros, axis: 3 },
          },
          { name: "b", shape: [8], type: "int32", data: bias, scales, zeroPoints: zeros, axis: 3 },
          { name: "y", shape: [1, 4, 4, 8], type: "int8", scales: [0.5], zeroPoints: [-128] },
        ],
        operators: [
          {
            op: "DEPTHWISE_CONV_2D",
            inputs: [0, 1, 2],
            outputs: [3],
            options: { 1: { int32: 1 }, 2: { int32: 1 }, 3: { int32: 1 }, 4: { int8: 1 } },
          },
        ],
        inputs: [0],
        outputs: [3],
      };
      const session = await build(await fromTflite(buildTflite(spec)), { variant });
      const { output } = session.run<Int8Array>(new Int8Array(128).fill(9));
      const each = bias.map((b, o) => Math.max(-128, rescaled(b, 0.5 * Math.fround(scales[o]!) * 2) - 128));
      expect([...output]).toEqual(Array.from({ length: 128 }, (_, i) => Math.min(127, each[i % 8]!)));
    });
  });
}
