/**
 * Values moved, not changed, by axes: transpose, slice, tile; and by pixels: nearest neighbors, mirror images.
 * @module
 */
import { gather } from "./concat.ts";
import { count, nhwc, type Value } from "./value.ts";

/** A value whose element at `place` is that of x at `from(place)`. */
function picked(x: Value, shape: readonly number[], from: (place: readonly number[]) => readonly number[]): Value {
  return gather(shape, [x], (to) => {
    const place = shape.map((size, axis) => Math.floor(to / count(shape.slice(axis + 1))) % size);
    const index = from(place).reduce((sum, at, axis) => sum * x.shape[axis]! + at, 0);
    return { part: x, index };
  });
}

/** Axis i of the result is axis `permutation[i]` of x. */
export function transpose(x: Value, permutation: readonly number[]): Value {
  const shape = permutation.map((axis) => x.shape[axis]!);
  return picked(x, shape, (place) => x.shape.map((_, axis) => place[permutation.indexOf(axis)]!));
}

/** Elements begin + i·stride of each axis. */
export function slice(
  x: Value,
  shape: readonly number[],
  begin: readonly number[],
  strides: readonly number[] = begin.map(() => 1),
): Value {
  return picked(x, shape, (place) => place.map((at, axis) => begin[axis]! + at * strides[axis]!));
}

/** x several times along each axis. */
export function tile(x: Value, multiples: readonly number[]): Value {
  const shape = x.shape.map((size, axis) => size * multiples[axis]!);
  return picked(x, shape, (place) => place.map((at, axis) => at % x.shape[axis]!));
}

/** An image of the pixels that lie nearest; positions in float32. */
export function resizeNearest(
  x: Value,
  [outH, outW]: readonly [number, number],
  { alignCorners, halfPixelCenters }: { readonly alignCorners: boolean; readonly halfPixelCenters: boolean },
): Value {
  const { n, h, w, c } = nhwc(x.shape);
  const f = Math.fround;
  const pixel = (o: number, from: number, to: number) => {
    const scale = alignCorners && to > 1 ? f((from - 1) / (to - 1)) : f(from / to);
    const p = f((halfPixelCenters ? o + 0.5 : o) * scale);
    return Math.min(alignCorners ? Math.round(p) : Math.floor(p), from - 1);
  };
  return picked(x, [n, outH, outW, c], ([image, oy, ox, i]) => [image!, pixel(oy!, h, outH), pixel(ox!, w, outW), i!]);
}

/** x with its mirror image around it, or (`edge`) its outermost pixels. */
export function mirrorPad(
  x: Value,
  by: { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number },
  mode: "reflect" | "symmetric" | "edge",
): Value {
  const { n, h, w, c } = nhwc(x.shape);
  // Walk to and fro over the image, as often as it takes.
  const mirrored = (at: number, size: number) => {
    if (mode === "edge") return Math.max(0, Math.min(at, size - 1));
    const turn = mode === "reflect" ? 2 * size - 2 : 2 * size;
    const along = ((at % turn) + turn) % turn;
    return along < size ? along : turn - along - (mode === "reflect" ? 0 : 1);
  };
  const shape = [n, h + by.top + by.bottom, w + by.left + by.right, c];
  const safe = (at: number, size: number) => (size === 1 ? 0 : mirrored(at, size));
  return picked(x, shape, ([image, oy, ox, i]) => [image!, safe(oy! - by.top, h), safe(ox! - by.left, w), i!]);
}

/** Parts of x at places, each a list of whole numbers along the last axis of `places`; 0 where one lies outside. */
export function gatherNd(x: Value, places: Pick<Value, "shape" | "values">): Value {
  const coordinates = places.shape.at(-1)!;
  const part = x.shape.slice(coordinates);
  return gather([...places.shape.slice(0, -1), ...part], [x], (to) => {
    const row = Math.floor(to / count(part));
    const at = x.shape.slice(0, coordinates).map((size, axis) => {
      const i = places.values[row * coordinates + axis]!;
      return i >= 0 && i < size ? Math.floor(i) : undefined;
    });
    if (at.includes(undefined)) return 0;
    const index = at.reduce<number>((sum, i, axis) => sum * x.shape[axis]! + i!, 0);
    return { part: x, index: index * count(part) + (to % count(part)) };
  });
}
