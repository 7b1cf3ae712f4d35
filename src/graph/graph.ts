/**
 * What a model is: a small DAG of nodes from a closed union of ops. Pure data, no behavior.
 *
 * Every node computes exactly one value, and the node's name *is* the value's name, so inputs, constants and nodes
 * share one name space. Activations are NHWC; a value of rank 2 is [batch, features]. Constants that a node owns
 * (weights, statistics) are named in fields of their own; `inputs` lists activations only. What each op is, the files
 * in `ops/` say.
 * @module
 */

import type { Node } from "./ops/index.ts";
import type { Constant, Input } from "./value.ts";

export type { Clamp } from "./clamp.ts";
export type * from "./ops/index.ts";
export type { Constant, DType, Initializer, Input, Quantization, Shape, TensorData } from "./value.ts";
export type { Padding, Pair, Window } from "./window.ts";

/** How pixels (0 … 255) become network input: (pixel − mean)/std, one number or one per channel. */
export interface Normalization {
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
}

/**
 * What the raw outputs of a single-shot detector mean. Boxes are in parts of the network's input: 0 is its top or left
 * edge, 1 its bottom or right one.
 */
export interface Detector {
  /**
   * Name of the output of box encodings [n, anchors, 4]: center y, center x, height, width, relative to the anchors.
   */
  readonly boxes: string;
  /** Name of the output of class scores [n, anchors, columns], as {@link scoresAre} says. */
  readonly scores: string;
  /** Logits (the default), a score being the sigmoid of one, or the scores themselves. */
  readonly scoresAre?: "logits" | "probabilities";
  /** [anchors, 4]: top, left, bottom, right. */
  readonly anchors: Float32Array;
  /** What the encodings are, where they are others than {@link boxes} says. */
  readonly encoding?: BoxEncoding;
  /** What encodings are divided by: the offset of the center, and the size or its logarithm. */
  readonly scales: { readonly center: number; readonly size: number };
  /** The classes worth reporting, by the column of `scores` that holds them (the background has none). */
  readonly classes: readonly { readonly column: number; readonly label: string }[];
  /** How overlaps are suppressed where the caller doesn't say; each class for itself by default. */
  readonly suppression?: Suppression;
  /** How a picture comes into the input: with its proportions, at the top left (the default), or without them. */
  readonly fit?: "contain" | "stretch";
}

/** Box encodings of another form. */
export interface BoxEncoding {
  /** Whether x and width come before y and height. */
  readonly order: "yx" | "xy";
  /** Whether sizes are parts of the anchor's, or logarithms of such. */
  readonly sizes: "exponential" | "linear";
  /** What the points behind the box are called, two numbers each: offsets like those of the center, in its order. */
  readonly keyPoints?: readonly string[];
}

/** What a detector's boxes are reduced to. */
export interface Suppression {
  /**
   * "classes": a box gives way to better ones of its class. "anchors": to all better ones, an anchor counting by its
   * best class.
   */
  readonly kind: "classes" | "anchors";
  /** Most boxes in all. */
  readonly maxResults: number;
  /** Least score, 0 … 1. */
  readonly minScore: number;
  /** Intersection over union beyond which a box gives way, 0 … 1. */
  readonly iouThreshold: number;
  /** Most boxes of a class; or most classes of an anchor. */
  readonly each: number;
}

/**
 * What the raw outputs of a PoseNet mean, where the file says it. Offsets are in pixels of the network's input, all y
 * before all x.
 */
export interface PoseHeads {
  /** Name of the output of logits of the 17 key points [1, height, width, 17]. */
  readonly heatmaps: string;
  /** From a place to the key point near it [1, height, width, 34]. */
  readonly shortOffsets: string;
  /**
   * From each key point to its neighbors along the skeleton's 16 edges: down the edges, then up, [1, height, width,
   * 64], or an output [1, height, width, 32] for each way.
   */
  readonly midOffsets: readonly string[];
  /** Pixels of the input from one place to the next. */
  readonly stride: number;
  /** Most poses. */
  readonly maxResults: number;
  /** Least score of a pose, and of the key point that it is begun with, 0 … 1. */
  readonly minScore: number;
  /** Pixels of the input within which the same key points of two poses are one. */
  readonly radius: number;
}

/** What is known of a graph beside its arithmetic. */
export interface Source {
  /** Where it came from: "tflite", "keras", "tfjs", "safetensors", "mobilenetV1", … */
  readonly format: string;
  /** How the network wants its pixels, where the file or its format's convention says so. */
  readonly normalization?: Normalization;
  /** Class names, where the file carries them. */
  readonly labels?: readonly string[];
  /** How to turn the outputs into boxes, when the network is a detector. */
  readonly detector?: Detector;
  /** How to turn the outputs into poses, when the file says so. */
  readonly pose?: PoseHeads;
}

/** A model: nodes in topological order. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly constants: ReadonlyMap<string, Constant>;
  readonly nodes: readonly Node[];
  /** Names of the values that a run answers with. */
  readonly outputs: readonly string[];
  /** Further names of values, such as the article's `block0` … `block13` and `output`. */
  readonly endPoints: ReadonlyMap<string, string>;
  readonly source: Source;
}
