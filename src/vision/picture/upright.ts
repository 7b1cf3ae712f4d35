/**
 * Turns and mirrors pixels, as the orientation in a file's EXIF asks for.
 * @module
 */
import { allocate, type Pixels } from "./pixels.ts";

/** Pixels a side of the squares that are turned at a time. */
const TILE = 32;

/**
 * The same picture upright.
 * @param orientation 1 … 8, by EXIF's table: 2 to 4 mirror and turn by 180°, 5 to 8 exchange width and height too
 */
export function upright(name: string, pixels: Pixels, orientation: number): Pixels {
  if (orientation === 1) return pixels;
  const { data, width, height } = pixels;
  const last = width * height - 1;
  const bottom = width * (height - 1);
  // Where the first pixel of the answer comes from, and how far it is from there to the next one of a row, and of a
  // column.
  const [first, right, down] = (
    {
      2: [width - 1, -1, width],
      3: [last, -1, -width],
      4: [bottom, 1, -width],
      5: [0, width, 1],
      6: [bottom, -width, 1],
      7: [last, -width, -1],
      8: [width - 1, width, -1],
    } as Readonly<Record<number, readonly [number, number, number]>>
  )[orientation]!;
  const [columns, rows] = orientation > 4 ? [height, width] : [width, height];
  const from = new Uint32Array(data.buffer, data.byteOffset, width * height);
  const to = new Uint32Array(allocate(name, 4 * columns * rows));
  // In tiles, as columns become rows: each line of the cache is then used as a whole.
  for (let top = 0; top < rows; top += TILE) {
    for (let left = 0; left < columns; left += TILE) {
      const end = Math.min(columns, left + TILE);
      for (let y = top; y < rows && y < top + TILE; ++y) {
        let source = first + y * down + left * right;
        for (let at = y * columns + left; at < y * columns + end; ++at, source += right) to[at] = from[source]!;
      }
    }
  }
  return { data: new Uint8Array(to.buffer), width: columns, height: rows };
}
