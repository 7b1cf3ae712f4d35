/**
 * One TensorFlow node's view of the graph in the making: what it reads, what it may add.
 * @module
 */
import type { Make, Without } from "../../graph/builder.ts";
import type { Node, Shape } from "../../graph/graph.ts";
import type { Budget } from "../../limits.ts";
import type { Weight } from "../common/shards.ts";
import type { TfNode } from "./graphdef.ts";

/** What an edge carries: numbers known beforehand (weights, shapes, axes), or a value computed at each run. */
export type Operand = { readonly constant: Weight; readonly name: string } | { readonly value: string };

/** A node of the graph under construction: without a name it takes the TensorFlow node's own. */
export type Emitted = Without<Node, "name"> & { readonly name?: string };

/** What a constant is made of and takes. */
export interface Recipe {
  /** What it is made of, and how: the same under one key, name and shape is the same constant. */
  readonly key: string;
  readonly shape: Shape;
  /** Bytes that it takes beside those of the weights that were read. */
  readonly bytes: number;
}

/** One TensorFlow node while it is turned into nodes of ours. */
export interface Call {
  readonly node: TfNode;
  readonly inputs: readonly Operand[];
  /** The shape of a value, batch 1. */
  shape(value: string): Shape;
  /** A value as floats: itself, or, where it is of whole numbers of 32 bits, these cast. */
  floats(value: string): string;
  /** Adds a node and returns its name; one that is not the TensorFlow node's own gives way to names in use. */
  emit(node: Emitted): string;
  /** Adds float data, which is made at the end, and returns its name. */
  constant(name: string, recipe: Recipe, make: Make): string;
  /** The node that computes `value`, if this call is all that reads it, so that it may be rewritten. */
  replaceable(value: string): Node | undefined;
  /** Puts another node, under this call's name, in the place of the one that computes `value`. */
  replace(value: string, node: Emitted): string;
  readonly budget: Budget;
}
