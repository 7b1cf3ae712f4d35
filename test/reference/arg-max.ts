/**
 * The index of the largest number along an axis, of equal ones the first, or the last.
 * @module
 */
import { count, exact, type Value } from "./value.ts";

/** Indices in row-major order; a number takes another's place where it is larger. */
export function largestAt(x: ArrayLike<number>, shape: readonly number[], axis: number, last = false): number[] {
  const [size, inner] = [shape[axis]!, count(shape.slice(axis + 1))];
  return Array.from({ length: count(shape) / size }, (_, at) => {
    const first = Math.floor(at / inner) * size * inner + (at % inner);
    let largest = 0;
    for (let k = 1; k < size; k++) {
      const [one, most] = [x[first + k * inner]!, x[first + largest * inner]!];
      if (one > most || (last && one === most)) largest = k;
    }
    return largest;
  });
}

/** As a value of `shape`. */
export function argMax(x: Value, axis: number, shape: readonly number[], last = false): Value {
  return exact(shape, largestAt(x.values, x.shape, axis, last));
}
