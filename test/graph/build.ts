/**
 * Small graphs for tests, written in a few lines.
 * @module
 */

import { expect } from "vitest";
import type { Constant, Graph, Node, Shape } from "../../src/graph/graph.ts";
import { sizeOf } from "../../src/graph/references.ts";
import { validate } from "../../src/graph/validate.ts";
import { interpret } from "../reference/interpreter.ts";

/** What {@link graphOf} needs to know; the rest is filled in. */
export interface Sketch {
  /** Shape of the one input, `x`. */
  readonly x: Shape;
  /** Shapes of constants: all float32, with seeded numbers unless `blank`. */
  readonly constants?: Readonly<Record<string, Shape>>;
  readonly nodes: readonly Node[];
  /** The last node by default. */
  readonly outputs?: readonly string[];
  /** Leaves the constants without data. */
  readonly blank?: boolean;
}

/** A graph of one input; variances are positive, all else lies in about [−1, 1]. */
export function graphOf({ x, constants = {}, nodes, outputs, blank = false }: Sketch): Graph {
  const drawn = new Map<string, Constant>();
  for (const [name, shape] of Object.entries(constants)) {
    const data = numbers(sizeOf(shape), name.length + drawn.size);
    const filled = name.includes("variance") ? data.map((value) => value * value + 0.1) : data;
    drawn.set(name, { name, shape, dtype: "float32", ...(!blank && { data: filled }) });
  }
  return {
    name: "test",
    inputs: [{ name: "x", shape: x, dtype: "float32" }],
    constants: drawn,
    nodes,
    outputs: outputs ?? [(nodes.at(-1) as Node).name],
    endPoints: new Map(),
    source: { format: "test" },
  };
}

/** `size` numbers in [−1, 1), the same for the same seed (a linear congruential generator). */
export function numbers(size: number, seed = 0): Float32Array {
  let state = seed;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

/** All values of a graph for seeded inputs, by the naive interpreter. */
export function evaluated(graph: Graph, seed = 7): ReturnType<typeof interpret> {
  const inputs = graph.inputs.map(({ name, shape }) => [name, numbers(sizeOf(shape), seed)] as const);
  return interpret(graph, Object.fromEntries(inputs));
}

/** Every value that both graphs have is the same, within what rounding the folded constants can do. */
export function expectSame(before: Graph, after: Graph, keep: ReadonlySet<string> = new Set()): void {
  validate(after);
  const expected = evaluated(before);
  const got = evaluated(after);
  expect([...got.keys()]).toEqual(expect.arrayContaining([...before.outputs, ...keep]));
  for (const [name, { shape, values, bound }] of got) {
    const other = expected.get(name);
    expect(shape, name).toEqual(other?.shape);
    values.forEach((value, i) => {
      const allowed = (bound[i] as number) + (other?.bound[i] as number);
      const off = Math.abs(value - (other?.values[i] as number));
      if (!(off <= allowed)) expect.fail(`${name}[${i}]: expected at most ${allowed} off, got ${off}`);
    });
  }
}

/** A 2-D window without anything special. */
export const PLAIN = { strides: [1, 1], dilations: [1, 1], padding: "same" } as const;

/** Names of the ops, in order. */
export function ops(graph: Graph): string[] {
  return graph.nodes.map(({ op }) => op);
}

/** Names of the nodes, in order. */
export function names(graph: Graph): string[] {
  return graph.nodes.map(({ name }) => name);
}
