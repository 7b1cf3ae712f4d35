/**
 * Small random graphs, each told by a recipe of a few numbers that fast-check draws, and makes shorter where one fails:
 * every op, float32 and 8 bits, odd sizes, branches, several outputs.
 * @module
 */
import fc from "fast-check";
import type { Graph } from "../../src/graph/graph.ts";
import { Sketch } from "./sketch.ts";

/** Steps that there are for float32. */
const FLOAT = [
  ...(["conv", "pointwise", "depthwise", "separable", "dense", "transposedConv"] as const),
  ...(["maxPool", "averagePool", "mean", "arithmetic", "operand", "gate", "concat", "pad", "mirrorPad"] as const),
  ...(["resizeBilinear", "resizeNearest", "transpose", "slice", "tile", "reshape", "identity", "clamp"] as const),
  ...(["sigmoid", "hardSwish", "softmax", "leakyRelu", "prelu", "unary"] as const),
  ...(["scaleShift", "batchNorm", "normalize", "movingAverage", "reduce", "matMul", "gatherNd", "argMax"] as const),
] as const;
/** Steps that there are for 8 bits. */
const BYTES = [
  ...(["conv", "pointwise", "depthwise", "separable", "dense", "transposedConv"] as const),
  ...(["maxPool", "averagePool", "mean", "arithmetic", "operand", "gate", "concat", "pad", "mirrorPad"] as const),
  ...(["resizeBilinear", "resizeNearest", "transpose", "slice", "tile", "reshape", "identity", "clamp"] as const),
  ...(["sigmoid", "hardSwish", "softmax", "leakyRelu", "prelu", "unary", "quantize", "argMax"] as const),
] as const;

/** What a step does. */
export type Kind = (typeof FLOAT)[number] | (typeof BYTES)[number];

/** One step: what it does, to which earlier values (0: the last one), and four numbers that shape it. */
export interface Step {
  readonly kind: Kind;
  readonly from: number;
  readonly other: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** All that a graph, its weights and its inputs follow from. */
export interface Recipe {
  readonly dtype: "float32" | "int8" | "uint8";
  /** [n, h, w, c] of the input. */
  readonly x: readonly [number, number, number, number];
  readonly steps: readonly Step[];
  /** Of weights and input. */
  readonly seed: number;
  /** Whether a value in the middle is an output, too. */
  readonly second: boolean;
  readonly memory: "fast" | "balanced" | "small";
}

const nearest = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(5) });

function step(kinds: readonly Kind[]): fc.Arbitrary<Step> {
  const digit = fc.nat(7);
  return fc.record({
    kind: fc.constantFrom(...kinds),
    from: nearest,
    other: fc.nat(5),
    a: digit,
    b: digit,
    c: digit,
    d: digit,
  });
}

function recipeOf(dtypes: readonly Recipe["dtype"][], kinds: readonly Kind[], most: number): fc.Arbitrary<Recipe> {
  const size = fc.integer({ min: 1, max: 8 });
  const batch = fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constant(2) });
  return fc.record({
    dtype: fc.constantFrom(...dtypes),
    x: fc.tuple(batch, size, size, size),
    steps: fc.array(step(kinds), { minLength: 1, maxLength: most, size: "max" }),
    seed: fc.nat(2 ** 30),
    second: fc.boolean(),
    memory: fc.constantFrom("fast" as const, "balanced" as const, "small" as const),
  });
}

/** Recipes of up to `most` steps, half of them in 8 bits. */
export function recipes(most = 6): fc.Arbitrary<Recipe> {
  return fc.oneof(recipeOf(["float32"], FLOAT, most), recipeOf(["int8", "uint8"], BYTES, most));
}

/** The graph of a recipe and numbers for its input. Steps that fit nowhere are left out. */
export function cook(recipe: Recipe): { graph: Graph; input: Float32Array | Int8Array | Uint8Array } {
  const sketch = new Sketch(recipe);
  for (const each of recipe.steps) sketch.grow(each);
  return { graph: sketch.graph(), input: sketch.input() };
}
