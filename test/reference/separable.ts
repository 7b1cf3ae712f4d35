/**
 * A depthwise convolution, its clamp, and the pointwise convolution behind it. The depthwise half's bound is carried
 * through the second half.
 * @module
 */
import type { Clamp } from "../../src/graph/graph.ts";
import { clamp } from "./activation.ts";
import { dense } from "./dense.ts";
import { depthwise } from "./depthwise.ts";
import type { Value, Weights } from "./value.ts";
import type { Placement } from "./window.ts";

/** One half's constants. */
export interface Half {
  readonly weights: Weights;
  readonly bias?: ArrayLike<number> | undefined;
  readonly clamp?: Clamp | undefined;
}

/** x [n,inH,inW,C], depthwise weights [kH,kW,C,m], pointwise weights [C·m,outC] → [n,outH,outW,outC]. */
export function separable(x: Value, first: Half, second: Half, at: Placement): Value {
  const middle = clamp(depthwise(x, first.weights, first.bias, at), first.clamp);
  return clamp(dense(middle, second.weights, second.bias), second.clamp);
}
