/**
 * The engine against the naive interpreters on one graph: in every variant, with every value kept, and fused as a
 * caller gets it.
 * @module
 */

import type { Variant } from "../../src/engine/variant.ts";
import { UnsupportedError } from "../../src/errors.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { build, type Numbers } from "../../src/index.ts";
import { interpret } from "../reference/interpreter.ts";
import { interpretQuantized } from "../reference/quantized.ts";
import { cook, type Recipe } from "./recipe.ts";

type Values = Readonly<Record<string, Numbers>>;

/** What came of a graph: it was compared, or is one that the package says it does not run. */
export type Outcome = { readonly compared: true; readonly ops: readonly string[] } | { readonly refused: string };

/** @throws Error that tells the first number that differs */
export async function compare(recipe: Recipe, variants: readonly Variant[]): Promise<Outcome> {
  const { graph, input } = cook(recipe);
  const names = graph.nodes.map(({ name }) => name);
  const kept = new Map<Variant, Values>();
  const fused = new Map<Variant, Values>();
  try {
    for (const variant of variants) {
      const whole = await build(graph, { variant, endPoints: names, memory: "fast" });
      kept.set(variant, whole.run<Numbers>(input).endPoints);
      const lean = await build(graph, { variant, memory: recipe.memory });
      const once = lean.run<Numbers>(input).outputs;
      fused.set(variant, once);
      const again = lean.run<Numbers>(input).outputs;
      for (const name of graph.outputs) same(again[name]!, once[name]!, `${name}, ${variant}, run again`);
    }
  } catch (error) {
    if (error instanceof UnsupportedError) return { refused: error.message };
    throw error;
  }
  if (recipe.dtype === "float32") ofFloats(graph, input as Float32Array, kept, fused);
  else ofBytes(graph, input, kept, fused);
  return { compared: true, ops: graph.nodes.map(({ op }) => op) };
}

/** To the bit. */
function ofBytes(graph: Graph, input: ArrayLike<number>, kept: Runs, fused: Runs): void {
  const expected = interpretQuantized(graph, { x: input });
  for (const [variant, values] of kept) {
    for (const { name } of graph.nodes) same(values[name]!, expected.get(name)!, `${name}, ${variant}`);
  }
  for (const [variant, values] of fused) {
    for (const name of graph.outputs) same(values[name]!, expected.get(name)!, `${name}, ${variant}, fused`);
  }
}

type Runs = ReadonlyMap<Variant, Values>;

/**
 * Every value, computed of the values before it as the engine has them, within its own rounding; whole networks within
 * what all of their roundings may come to; and `simd` as `scalar`, to the bit.
 */
function ofFloats(graph: Graph, input: Float32Array, kept: Runs, fused: Runs): void {
  for (const [variant, measured] of kept) {
    const values = interpret(graph, { x: input }, { measured });
    for (const { name } of graph.nodes) within(measured[name]!, values.get(name)!, `${name}, ${variant}`);
  }
  // What follows from an index is another network where the index is another.
  const indices = graph.nodes.some(({ op }) => op === "argMax");
  const expected = indices ? undefined : interpret(graph, { x: input });
  for (const [variant, values] of fused) {
    if (!expected) break;
    for (const name of graph.outputs) within(values[name]!, expected.get(name)!, `${name}, ${variant}, fused`);
  }
  for (const runs of [kept, fused]) {
    const [scalar, simd] = [runs.get("scalar"), runs.get("simd")];
    if (!scalar || !simd) continue;
    for (const name of Object.keys(scalar)) same(simd[name]!, scalar[name]!, `${name}, simd and scalar`);
  }
}

function same(got: ArrayLike<number>, expected: ArrayLike<number>, where: string): void {
  if (got.length !== expected.length)
    throw new Error(`${where}: expected ${expected.length} numbers, got ${got.length}`);
  for (let i = 0; i < expected.length; i++) {
    // Bytes of the reference may come as −0; of floats both sides are the engine's, and their zeros are to have one
    // sign.
    const equal = Object.is(got[i], expected[i]) || (got[i] === expected[i] && !(got instanceof Float32Array));
    if (!equal) throw new Error(`${where}[${i}]: expected ${expected[i]}, got ${got[i]}`);
  }
}

function within(
  got: ArrayLike<number>,
  { values, bound }: { readonly values: ArrayLike<number>; readonly bound: ArrayLike<number> },
  where: string,
): void {
  if (got.length !== values.length) throw new Error(`${where}: expected ${values.length} numbers, got ${got.length}`);
  for (let i = 0; i < values.length; i++) {
    const [a, b] = [got[i]!, values[i]!];
    if (Object.is(a, b) || Math.abs(a - b) <= bound[i]!) continue;
    throw new Error(`${where}[${i}]: expected ${b} within ${bound[i]}, got ${a}`);
  }
}
