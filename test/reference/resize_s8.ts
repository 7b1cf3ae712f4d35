/**
 * Bilinear resizing in 8 bits. int8: positions in 1024ths, sums in 2⁻²⁰; uint8: float32 throughout.
 * @module
 */
import { between, type Resizing } from "./resize.ts";

/** How many 1024ths of an input one output is long, on an axis that goes from one size to another. */
export function stepOf(from: number, to: number, alignCorners: boolean): number {
  const [a, b] = alignCorners && to > 1 ? [from - 1, to - 1] : [from, to];
  return Math.trunc((1024 * a + Math.trunc(b / 2)) / b);
}

/** Values in the signs that the file has: `unsigned` tells which. */
export function resize8(x: ArrayLike<number>, shape: readonly number[], how: Resizing, unsigned: boolean): number[] {
  const [n, inH, inW, c] = shape as [number, number, number, number];
  const [outH, outW] = how.size;
  const f = Math.fround;
  const axis = (o: number, from: number, to: number) => {
    if (unsigned) {
      const { first, last, weight } = between(o, from, to, how);
      return { first, last, one: f(1 - weight), weight };
    }
    const scale = stepOf(from, to, how.alignCorners);
    const p = o * scale + (how.halfPixelCenters ? Math.trunc(scale / 2) - 512 : 0);
    const first = Math.max(Math.trunc(p / 1024), 0);
    const last = Math.min(Math.trunc((p + 1023) / 1024), from - 1);
    return { first, last, one: 1024 - (p - 1024 * first), weight: p - 1024 * first };
  };
  return Array.from({ length: n * outH * outW * c }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / c), i % c];
    const image = Math.floor(pixel / outW / outH);
    const rows = axis(Math.floor(pixel / outW) % outH, inH, outH);
    const columns = axis(pixel % outW, inW, outW);
    const at = (iy: number, ix: number) => x[((image * inH + iy) * inW + ix) * c + channel]!;
    const corners = [
      [at(rows.first, columns.first), rows.one, columns.one],
      [at(rows.last, columns.first), rows.weight, columns.one],
      [at(rows.first, columns.last), rows.one, columns.weight],
      [at(rows.last, columns.last), rows.weight, columns.weight],
    ] as const;
    if (unsigned) return Math.trunc(f(corners.reduce((sum, [v, a, b]) => f(sum + f(f(v * a) * b)), 0) + 0.5));
    const sum = corners.reduce((total, [v, a, b]) => total + v * a * b, 0);
    return Math.trunc((sum + (sum > 0 ? 2 ** 19 : -(2 ** 19))) / 2 ** 20);
  });
}
