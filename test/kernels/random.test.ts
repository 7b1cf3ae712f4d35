/**
 * Random geometries through everything that the chosen ones go through. SEPCONV_SEED repeats a run; without it the seed
 * is a new one, and printed.
 */
import fc from "fast-check";
import { it } from "vitest";
import type { Padding, Pair } from "../../src/graph/graph.ts";
import { convTrial } from "../cases/conv.ts";
import { depthwiseTrial, separableTrial, slides } from "../cases/depthwise.ts";
import { denseTrial, matrixTrial } from "../cases/matrix.ts";
import { poolTrial } from "../cases/pool.ts";
import { type Geometry, geometry } from "../cases/window.ts";
import { place } from "../reference/window.ts";
import { forEachVariant } from "../variants.ts";
import { runKernel } from "./harness.ts";
import { examine, shared, type Trial } from "./suite.ts";

const SEED = Number(process.env.SEPCONV_SEED ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = 80;
console.info(`random kernels: SEPCONV_SEED=${SEED} repeats this run`);

const small = (most: number) => fc.integer({ min: 1, max: most });
const pair = (most: number) => fc.tuple(small(most), small(most)) as fc.Arbitrary<Pair>;
const pad = fc.integer({ min: 0, max: 4 });

const padding: fc.Arbitrary<Padding> = fc.oneof(
  fc.constantFrom<Padding>("same", "valid"),
  fc.record({ top: pad, bottom: pad, left: pad, right: pad }),
);

/** Geometries with at least one window. */
function geometries(
  changes: { kernel?: fc.Arbitrary<Pair>; strides?: fc.Arbitrary<Pair>; dilations?: fc.Arbitrary<Pair> } = {},
): fc.Arbitrary<Geometry> {
  const { kernel = pair(5), strides = pair(4), dilations = pair(3) } = changes;
  return fc
    .record({ n: small(2), h: small(9), w: small(13), c: small(19), kernel, strides, dilations, padding })
    .map((g) => geometry(JSON.stringify(g), g))
    .filter((g) => {
      const { outH, outW } = place(g.h, g.w, g.kernel, g.strides, g.dilations, g.padding);
      return outH > 0 && outW > 0;
    });
}

const square = (kernel: Pair) => ({
  kernel: fc.constant(kernel),
  strides: fc.constantFrom<Pair>([1, 1], [2, 2]),
  dilations: fc.constant<Pair>([1, 1]),
});

const flat = { dilations: fc.constant<Pair>([1, 1]) };

const TRIALS: readonly (readonly [string, fc.Arbitrary<Trial>])[] = [
  ["conv_f32", fc.tuple(geometries(), small(20), small(50)).map(([g, outC, tile]) => convTrial(g, { outC, tile }))],
  [
    "dwconv3x3_f32",
    geometries(square([3, 3]))
      .filter(slides)
      .map((g) => depthwiseTrial("dwconv3x3_f32", g)),
  ],
  [
    "dwconv_f32",
    fc.tuple(geometries(), small(5)).map(([g, multiplier]) => depthwiseTrial("dwconv_f32", g, { multiplier })),
  ],
  [
    "separable_f32, 3×3",
    fc.tuple(geometries(square([3, 3])), small(20), small(4)).map(([g, outC, tileRows]) => {
      return separableTrial(g, { outC, tileRows });
    }),
  ],
  [
    "separable_f32",
    fc.tuple(geometries(), small(20), small(4), small(3)).map(([g, outC, tileRows, multiplier]) => {
      return separableTrial(g, { outC, tileRows, multiplier });
    }),
  ],
  ["pwconv_f32", fc.tuple(small(40), small(40), small(70)).map(([m, k, n]) => matrixTrial(m, k, n))],
  ["dense_f32", fc.tuple(small(90), small(90)).map(([k, n]) => denseTrial(k, n))],
  ["maxpool_f32", geometries(flat).map((g) => poolTrial("maxpool_f32", g))],
  ["avgpool_f32", geometries(flat).map((g) => poolTrial("avgpool_f32", g))],
];

forEachVariant((build) => {
  it.each(TRIALS)("%s", (_, trials) => {
    const check = (trial: Trial) => {
      const { kernel, fields } = trial.problem;
      const sameBits = build === "simd" || build === "debug";
      const scalar = () => runKernel(shared("scalar"), trial.problem);
      examine(shared(build), `${kernel} ${JSON.stringify(fields)}`, trial, sameBits ? scalar : undefined);
    };
    fc.assert(fc.property(trials, check), { seed: SEED, numRuns: RUNS });
  });
});
