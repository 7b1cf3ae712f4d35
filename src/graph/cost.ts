/**
 * What a network costs: multiply-adds and parameters, a row per layer.
 *
 * Multiply-adds are those of convolutions and dense layers, taps outside the image included; the rest counts 0, as in
 * the paper (it is below one percent, and a batch norm vanishes into the weights). A batch norm and an activation are
 * part of the layer before them and have no row of their own, unless others read what is between; nor have reshapes and
 * identities, which move nothing.
 *
 * Parameters are the numbers in the rows' constants, each constant counted once, where it is first read. Of a batch
 * norm there are three per channel: mean, beta, and gamma together with variance, which only ever act as the one factor
 * gamma/√(variance + epsilon). So counted, and with TF-slim's 1001 classes, MobileNet v1 has its published 4.24 million
 * (4,243,945). Keras counts gamma and variance apart and has 1000 classes: 4,253,864. In training all four are counted.
 * Folded, two numbers per channel less: `cost(optimize(graph))` counts 4,222,057.
 * @module
 */

import { type GraphLike, graphGiven } from "./given.ts";
import type { Graph, Node, Op, Shape } from "./graph.ts";
import { definitionOf } from "./ops/index.ts";
import { constantsOf, readersOf, sizeOf } from "./references.ts";
import { inferShapes } from "./shape.ts";

/** One layer. */
export interface LayerCost {
  /** Name of the layer's value, after its batch norm and activation. */
  readonly name: string;
  readonly op: Op;
  /** Of its first input. */
  readonly inputShape: Shape;
  readonly outputShape: Shape;
  /** Multiply-adds in one run, for the whole batch. */
  readonly macs: number;
  /** Numbers in its constants, counted as above. */
  readonly params: number;
}

/** All layers and their sums. */
export interface Cost {
  readonly layers: readonly LayerCost[];
  readonly macs: number;
  readonly params: number;
}

/**
 * Multiply-adds and parameters of a valid graph, before or after the passes, with or without data.
 * @example
 * ```js
 * import { cost, mobilenetV1 } from "sepconv";
 *
 * const { macs, params } = cost(mobilenetV1({ alpha: 0.25, resolution: 128 }));
 * console.log(macs, params);
 * ```
 */
export function cost(given: GraphLike): Cost {
  const graph = graphGiven("cost", given);
  const shapes = inferShapes(graph);
  const counted = new Set<string>();
  const layers = rowsOf(graph).map(([first, ...rest]): LayerCost => {
    const row = [first, ...rest];
    return {
      name: (row.at(-1) as Node).name,
      op: first.op,
      inputShape: shapes.get(first.inputs[0] as string) as Shape,
      outputShape: shapes.get((row.at(-1) as Node).name) as Shape,
      macs: multiplyAdds(first, shapes),
      params: row.reduce((sum, node) => sum + paramsOf(node, shapes, counted), 0),
    };
  });
  const total = (field: "macs" | "params") => layers.reduce((sum, layer) => sum + layer[field], 0);
  return { layers, macs: total("macs"), params: total("params") };
}

type Row = [first: Node, ...rest: Node[]];

/** Nodes grouped into layers, in the order of the layers' first nodes. */
function rowsOf(graph: Graph): Row[] {
  const readers = readersOf(graph);
  const rows: Row[] = [];
  /** The row that ends in a value. */
  const ends = new Map<string, Row>();
  for (const node of graph.nodes) {
    const { row: place } = definitionOf(node);
    if (place === "none") continue;
    const input = node.inputs[0] as string;
    const open = place === "before" && readers.get(input)?.length === 1 && !graph.outputs.includes(input);
    let row = open ? ends.get(input) : undefined;
    if (row === undefined) {
      row = [node];
      rows.push(row);
    } else {
      row.push(node);
    }
    ends.set(node.name, row);
  }
  return rows;
}

/** Multiply-adds of a node in one run, for the whole batch; `shapes` are those of all values and constants. */
export function multiplyAdds(node: Node, shapes: ReadonlyMap<string, Shape>): number {
  return definitionOf(node).macs?.(node, shapes.get(node.name)!, shapes) ?? 0;
}

function paramsOf(node: Node, shapes: ReadonlyMap<string, Shape>, counted: Set<string>): number {
  let params = 0;
  for (const { role, name } of constantsOf(node)) {
    // Counted with variance: the two act as one.
    if (node.op === "batchNorm" && role === "gamma") continue;
    if (!counted.has(name)) params += sizeOf(shapes.get(name) as Shape);
    counted.add(name);
  }
  return params;
}
