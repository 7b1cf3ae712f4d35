/**
 * Recognizes MobileNet v1 in a graph of any origin, so that `block0` … `block13` and `output` mean the same everywhere.
 * @module
 */

import { isWholePool } from "../graph/features.ts";
import type { Conv2d, DepthwiseConv2d, Graph, Node, Shape } from "../graph/graph.ts";
import { readersOf } from "../graph/references.ts";
import { inferShapes } from "../graph/shape.ts";
import { FILTERS } from "./mobilenet-v1.ts";

/** The first convolution and the separable blocks behind it. */
const DEPTH = FILTERS.length;

/**
 * `graph` with end points `block0` … `block13` (activations) and, where the last is pooled over the whole map,
 * `output`. Looks for a stride-2 convolution followed by exactly 13 pairs of a depthwise and a pointwise convolution,
 * each with an optional batch norm and a clamp; pads and identities in between are looked through, and so are side
 * branches, such as a detector's heads. To be called before the passes. A graph without that structure, or with more
 * than one, comes back as it is.
 */
export function nameEndPoints(graph: Graph): Graph {
  const readers = readersOf(graph);
  const shapes = inferShapes(graph);
  const trunks = graph.nodes.flatMap((node) => (isStem(node, shapes) ? (trunk(node, readers, shapes) ?? []) : []));
  // One trunk is DEPTH values long; two are ambiguous.
  if (trunks.length !== DEPTH) return graph;
  const endPoints = new Map(graph.endPoints);
  for (const [i, value] of trunks.entries()) endPoints.set(`block${i}`, value);
  const pool = nodesBehind(trunks.at(-1) as string, readers).filter((node) => isWholePool(node, shapes));
  if (pool.length === 1) endPoints.set("output", (pool[0] as Node).name);
  return { ...graph, endPoints };
}

type Readers = ReadonlyMap<string, readonly Node[]>;
type Shapes = ReadonlyMap<string, Shape>;

/**
 * Of an image of one channel, converters make the first convolution a depthwise one with a multiplier: it computes the
 * same.
 */
function isStem(node: Node, shapes: Shapes): node is Conv2d | DepthwiseConv2d {
  if (node.op !== "conv2d" && node.op !== "depthwiseConv2d") return false;
  if (node.strides[0] !== 2 || node.strides[1] !== 2) return false;
  const [kH, kW, channels] = shapes.get(node.weights) as Shape;
  return kH === 3 && kW === 3 && (node.op === "conv2d" || channels === 1);
}

/** The activations of block0 … block13 behind a first convolution; `undefined` where the structure is another. */
function trunk(stem: Conv2d | DepthwiseConv2d, readers: Readers, shapes: Shapes): string[] | undefined {
  const values: string[] = [];
  let value = activation(stem, readers);
  while (value !== undefined) {
    values.push(value);
    const depthwise = nodesBehind(value, readers).filter((node) => isDepthwise(node, shapes));
    if (depthwise.length === 0) return values.length === DEPTH ? values : undefined;
    if (depthwise.length > 1 || values.length >= DEPTH) return undefined;
    const middle = activation(depthwise[0] as DepthwiseConv2d, readers);
    const behind = middle === undefined ? [] : nodesBehind(middle, readers);
    value = behind.length === 1 && isPointwise(behind[0], shapes) ? activation(behind[0], readers) : undefined;
  }
  return undefined;
}

function isDepthwise(node: Node, shapes: Shapes): node is DepthwiseConv2d {
  if (node.op !== "depthwiseConv2d") return false;
  const [kH, kW, , multiplier] = shapes.get(node.weights) as Shape;
  return kH === 3 && kW === 3 && multiplier === 1;
}

function isPointwise(node: Node | undefined, shapes: Shapes): node is Conv2d {
  if (node?.op !== "conv2d") return false;
  const [kH, kW] = shapes.get(node.weights) as Shape;
  return kH === 1 && kW === 1 && node.strides[0] === 1 && node.strides[1] === 1;
}

/** The clamped value of a convolution, behind its batch norm if there is one. */
function activation(convolution: Conv2d | DepthwiseConv2d, readers: Readers): string | undefined {
  let node: Node = convolution;
  while (!("clamp" in node && node.clamp !== undefined) && node.op !== "clamp") {
    const behind: readonly Node[] = readers.get(node.name) ?? [];
    const next = behind[0];
    if (behind.length !== 1 || next === undefined || !TRANSPARENT.has(next.op)) return undefined;
    node = next;
  }
  const bounds = node.op === "clamp" ? node : node.clamp;
  return bounds?.lo === 0 ? node.name : undefined;
}

const TRANSPARENT: ReadonlySet<Node["op"]> = new Set(["batchNorm", "scaleShift", "identity", "clamp"]);

/** The nodes that read a value, pads and identities looked through, however many of them stand one behind the other. */
function nodesBehind(value: string, readers: Readers): Node[] {
  const found: Node[] = [];
  const waiting = [...(readers.get(value) ?? [])].reverse();
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.op !== "pad" && node.op !== "identity") found.push(node);
    else waiting.push(...[...(readers.get(node.name) ?? [])].reverse());
  }
  return found;
}
