/**
 * Images out of rows and columns of another one.
 * @module
 */
import type { Node } from "../../graph/graph.ts";
import { mirroredPixels } from "../../graph/ops/mirror-pad.ts";
import { nearestPixels } from "../../graph/ops/resize-nearest.ts";
import type { Kernel } from "../step.ts";
import { type Context, type Lowered, shapeOf } from "./lowering.ts";

type Gathering = Extract<Node, { op: "resizeNearest" | "mirrorPad" }>;

/** The step of such a node. */
export function gathered(kernel: Kernel, node: Gathering, context: Context): readonly Lowered[] {
  const [x] = node.inputs as readonly [string];
  const [n, inH, inW, inC] = shapeOf(x, context) as readonly [number, number, number, number];
  const [, outH, outW] = shapeOf(node.name, context) as readonly [number, number, number];
  const [rows, columns] = pixelsOf(node, inH, inW);
  const table = [...rows, ...columns].flatMap((i) => [i & 255, (i >> 8) & 255, (i >> 16) & 255, i >> 24]);
  const w = { layout: "bytes", bytes: table } as const;
  return [{ kernel, x, w, fields: { rows: n * outH, n, inH, inW, inC, outH, outW } }];
}

function pixelsOf(node: Gathering, h: number, w: number): readonly [rows: number[], columns: number[]] {
  if (node.op === "resizeNearest") return [nearestPixels(h, node.size[0], node), nearestPixels(w, node.size[1], node)];
  const { top, bottom, left, right } = node.padding;
  return [mirroredPixels(h, top, bottom, node.mode), mirroredPixels(w, left, right, node.mode)];
}
