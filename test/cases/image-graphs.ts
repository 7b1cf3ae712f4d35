/**
 * Seeded random float graphs whose values are images: what can be computed row by row, in every combination.
 * @module
 */
import type { Constant, Graph, Node, Padding, Shape } from "../../src/graph/graph.ts";
import { sizeOf } from "../../src/graph/references.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { type Random, random } from "./random.ts";

/** A graph and an input for it. */
export function imageGraph(seed: number): { graph: Graph; input: Float32Array } {
  const numbers = random(`image graph ${seed}`);
  const graph = new Builder(numbers).build();
  return { graph, input: numbers.floats(sizeOf(graph.inputs[0]!.shape)) };
}

class Builder {
  readonly #numbers: Random;
  readonly #constants = new Map<string, Constant>();
  readonly #nodes: Node[] = [];
  #input: Shape = [];

  constructor(numbers: Random) {
    this.#numbers = numbers;
  }

  build(): Graph {
    const { int } = this.#numbers;
    this.#input = [1, int(5, 20), int(5, 20), this.#pick([3, 4, 8])];
    let at = "x";
    for (let left = int(2, 8); left > 0; left--) at = this.#grow(at);
    return this.#graph([at]);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#numbers.int(0, list.length - 1)]!;
  }

  #graph(outputs: readonly string[]): Graph {
    const inputs = [{ name: "x", shape: this.#input, dtype: "float32" as const }];
    const [constants, nodes] = [new Map(this.#constants), [...this.#nodes]];
    return { name: "images", inputs, constants, nodes, outputs, endPoints: new Map(), source: { format: "test" } };
  }

  #shape(name: string): readonly [number, number, number, number] {
    return inferShapes(this.#graph([name])).get(name) as [number, number, number, number];
  }

  #add(node: object, ...inputs: string[]): string {
    const name = `n${this.#nodes.length}`;
    this.#nodes.push({ ...node, name, inputs } as unknown as Node);
    return name;
  }

  #constant(shape: Shape): string {
    const name = `c${this.#constants.size}`;
    this.#constants.set(name, { name, shape, dtype: "float32", data: this.#numbers.floats(sizeOf(shape), 0.5) });
    return name;
  }

  /** One layer more, or two with a sum around them. */
  #grow(x: string): string {
    const [, h, w, c] = this.#shape(x);
    const kind = this.#numbers.int(0, 9);
    if (kind <= 2) return this.#pointwise(this.#depthwise(x), this.#pick([4, 8, 12]));
    if (kind === 3) return this.#add({ op: "add" }, x, this.#pointwise(this.#depthwise(x, 1), c));
    if (kind === 4) return this.#conv(x);
    if (kind === 5) return this.#pointwise(x, this.#pick([1, 4, 5, 16]));
    if (kind === 6 && h > 2 && w > 2) {
      const op = this.#pick(["maxPool", "averagePool"]);
      return this.#add(
        {
          op,
          size: [2, 2],
          strides: this.#pick([
            [1, 1],
            [2, 2],
          ]),
          padding: "same",
        },
        x,
      );
    }
    if (kind === 7) {
      const sides = { top: 1, bottom: this.#numbers.int(0, 2), left: 0, right: 1, front: 0, back: 4 };
      return this.#add({ op: "pad", padding: sides, value: 0 }, x);
    }
    if (kind === 8) return this.#add({ op: "prelu", alpha: this.#constant([c]) }, x);
    return this.#add({ op: "hardSwish" }, x);
  }

  #window(strides: readonly [number, number]) {
    const padding: Padding = this.#pick(["same", { top: 1, bottom: 1, left: 1, right: 1 }]);
    return { strides, dilations: [1, 1], padding };
  }

  #depthwise(x: string, stride = this.#pick([1, 1, 2])): string {
    const [, , , c] = this.#shape(x);
    const kernel = this.#pick([3, 3, 5]);
    const padding = kernel === 5 || stride === 1 ? ("same" as const) : this.#window([1, 1]).padding;
    return this.#add(
      {
        ...{ op: "depthwiseConv2d", weights: this.#constant([kernel, kernel, c, 1]), bias: this.#constant([c]) },
        ...{ strides: [stride, stride], dilations: [1, 1], padding, clamp: { lo: 0, hi: 6 } },
      },
      x,
    );
  }

  #pointwise(x: string, channels: number): string {
    const [, , , c] = this.#shape(x);
    const weights = this.#constant([1, 1, c, channels]);
    return this.#add({ op: "conv2d", weights, strides: [1, 1], dilations: [1, 1], padding: "same" }, x);
  }

  #conv(x: string): string {
    const [, , , c] = this.#shape(x);
    const channels = this.#pick([4, 8]);
    const stride = this.#pick([1, 2]);
    const weights = this.#constant([3, 3, c, channels]);
    return this.#add({ op: "conv2d", weights, ...this.#window([stride, stride]) }, x);
  }
}
