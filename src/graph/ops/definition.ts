/**
 * What there is to say about an op. Each file beside this one says it of one op, and nothing else in the package says
 * it again.
 * @module
 */

import type { Clamp } from "../clamp.ts";
import type { DType, Quantization, Shape } from "../value.ts";

/** What all nodes have. */
export interface NodeBase {
  /** Name of the node and of the value it computes. */
  readonly name: string;
  /** Names of the activations it reads. */
  readonly inputs: readonly string[];
  /** Type of the value; float32 where it isn't said. */
  readonly dtype?: DType;
  /** What the numbers of an 8-bit value mean: one scale and one zero point. */
  readonly quantization?: Quantization;
}

/** A node of any op. */
export interface AnyNode extends NodeBase {
  readonly op: string;
}

/** Shapes of values and constants by name. */
export type Shapes = Pick<ReadonlyMap<string, Shape>, "get">;

/** What a constant is to the node that names it. */
export type Role =
  | "weights"
  | "bias"
  | "gamma"
  | "beta"
  | "mean"
  | "variance"
  | "scale"
  | "shift"
  | "alpha"
  | "operand";

/** One constant that a node names; `half` tells the two weights of a separable node apart. */
export interface ConstantReference {
  readonly role: Role;
  readonly half?: "depthwise" | "pointwise";
  readonly name: string;
}

/** Types, and what messages call them. */
export interface Types {
  readonly expected: string;
  readonly types: readonly DType[];
}

export const FLOAT: Types = { expected: "float32", types: ["float32"] };
export const BYTES: Types = { expected: "int8 or uint8", types: ["int8", "uint8"] };
export const FLOAT_OR_BYTES: Types = { expected: "float32 or 8 bits", types: ["float32", "int8", "uint8"] };

/** Everything that the package knows of an op but how it is computed. */
export interface OpDefinition<N extends AnyNode> {
  /** How many activations it reads, where need be as the node says; "some": any number from 1 on. */
  readonly arity: number | "some" | ((node: N) => number);
  /** The constants that a node names, in the order of {@link Role}; none where this is left out. */
  readonly constants?: (node: N) => ConstantReference[];
  /** @throws TypeError, RangeError for an attribute that makes no sense, naming the node */
  readonly check?: (node: N) => void;
  /**
   * The shape of its value, `x` being that of its first input.
   * @throws ShapeError naming the node and both shapes where what it reads does not fit
   */
  readonly shape: (node: N, x: Shape, shapes: Shapes) => Shape;
  /** The types that its value may have; all, where this is left out. */
  readonly value?: Types;
  /** The types that it reads; its value's own, where this is left out. */
  readonly reads?: Types;
  /** A value that comes about within the node and never leaves it, in 8-bit networks with a meaning of its own. */
  readonly within?: (node: N) => { readonly what: string; readonly quantization: Quantization | undefined };
  /**
   * What the numbers of its result mean once a float network is brought to 8 bits: what those of its inputs mean, so
   * that all share a scale ("shared"); 256ths, for all of them lie between 0 and 1 ("unit"); what calibration finds
   * ("own"). "whole": the result is whole numbers whatever it reads. "float": the node stays as it is, and what it
   * reads and computes is converted. Left out: the node is of training, or only passes make it.
   */
  readonly quantized?: "shared" | "unit" | "own" | "whole" | "float";
  /** Where the output channels are in its weights, and how many there are. */
  readonly weights?: { readonly axis: number; readonly channels: (weights: Shape) => number };
  /** Multiply-adds of a node whose value has the shape `out`; 0 where this is left out. */
  readonly macs?: (node: N, out: Shape, shapes: Shapes) => number;
  /**
   * Where it counts, when layers are listed: "own" row (left out), with the layer "before" it, or nowhere, for it
   * computes nothing ("none").
   */
  readonly row?: "before" | "none";
  /** Bounds that its values keep within; undefined where there are none. */
  readonly bounds?: (node: N) => Clamp | undefined;
  /** The node with other bounds, where it can hold its result within some itself. */
  readonly clamped?: (node: N, bounds: Clamp) => N;
}

/** How messages call a node. */
export function where(node: AnyNode): string {
  return `node "${node.name}" (${node.op})`;
}

/** The constants named by the fields that are called like their roles. */
export function named<R extends Role>(
  ...roles: readonly R[]
): (node: { readonly [K in R]?: string }) => ConstantReference[] {
  return (node) =>
    roles.flatMap((role) => {
      const name = node[role];
      return name === undefined ? [] : [{ role, name }];
    });
}

/** Bounds in the field `clamp`. */
export function clamping<N extends AnyNode & { readonly clamp?: Clamp }>(): Required<
  Pick<OpDefinition<N>, "bounds" | "clamped">
> {
  return { bounds: ({ clamp }) => clamp, clamped: (node, clamp) => ({ ...node, clamp }) };
}
