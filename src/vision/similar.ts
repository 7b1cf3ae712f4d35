/**
 * How alike two vectors are.
 * @module
 */
import { ShapeError } from "../errors.ts";

/**
 * The cosine of the angle between two vectors, such as `embed` answers: 1 for the same direction, 0 for nothing in
 * common (and where one is all zeros), −1 for opposite ones. What a network makes of two pictures is rarely below 0.
 * @throws ShapeError for vectors of different lengths, and for empty ones
 * @example
 * ```js
 * import { similar } from "sepconv";
 *
 * console.log(similar([1, 0], [1, 1])); // 0.7071…
 * ```
 */
export function similar(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length || a.length === 0) {
    throw new ShapeError(`similar: expected two vectors of one length, got ${a.length} and ${b.length} numbers`);
  }
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  // A vector without a direction is like nothing.
  return aa === 0 || bb === 0 ? 0 : Math.max(-1, Math.min(1, ab / Math.sqrt(aa) / Math.sqrt(bb)));
}
