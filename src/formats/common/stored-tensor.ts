/**
 * A tensor as it lies in a file of weights.
 * @module
 */
import type { Shape } from "../../graph/graph.ts";

/** A tensor of a file, not decoded yet. */
export interface StoredTensor {
  /** As the file writes it: "F32", "BF16", … */
  readonly dtype: string;
  readonly shape: Shape;
  /** Where its bytes begin in the file. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Makes floats of a tensor; the name is for messages. */
export type Decode = (name: string, tensor: StoredTensor) => Promise<Float32Array>;
