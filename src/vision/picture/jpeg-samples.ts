/**
 * From coefficients to pixels: the inverse cosine transform, and colors.
 *
 * The transform is that of Loeffler, Ligtenberg and Moschytz (1989) in whole numbers of 12 bits behind the point, with
 * roundings where poppler, pdf.js and jpeg-js have theirs, so that pixels are theirs to the bit; a component of fewer
 * samples is repeated, not interpolated.
 * @module
 */
import type { Component, Frame } from "./jpeg-frame.ts";

/** 4096·cos and 4096·sin of π/16, 3π/16 and √2 times those of 6π/16; 4096·√2 and 4096/√2. */
const [COS_1, SIN_1, COS_3, SIN_3, COS_6, SIN_6] = [4017, 799, 3406, 2276, 1567, 3784];
const [ROOT_2, HALF_ROOT] = [5793, 2896];

/** Working memory of {@link inverse}. */
const work = new Int32Array(64);

/**
 * The 8×8 samples of a block.
 * @param to where its first sample is at `place`, and rows are `pitch` apart
 */
export function inverse(
  coefficients: Int16Array,
  at: number,
  steps: Int32Array,
  to: Uint8Array,
  place: number,
  pitch: number,
): void {
  for (let i = 0; i < 64; ++i) work[i] = coefficients[at + i]! * steps[i]!;
  for (let i = 0; i < 64; i += 8) transform(i, 1, 8, 4);
  for (let i = 0; i < 8; ++i) transform(i, 8, 12, 0);
  for (let i = 0; i < 64; ++i) {
    to[place + (i >> 3) * pitch + (i & 7)] = byte(128 + ((work[i]! + 8) >> 4));
  }
}

/**
 * Eight numbers of `work`, `step` apart. Rows keep four bits more than they have got (`shift` 8, `lift` 4), columns
 * drop them again (12, 0).
 */
function transform(at: number, step: number, shift: number, lift: number): void {
  const x0 = work[at]!;
  const x1 = work[at + step]!;
  const x2 = work[at + 2 * step]!;
  const x3 = work[at + 3 * step]!;
  const x4 = work[at + 4 * step]!;
  const x5 = work[at + 5 * step]!;
  const x6 = work[at + 6 * step]!;
  const x7 = work[at + 7 * step]!;
  if ((x1 | x2 | x3 | x4 | x5 | x6 | x7) === 0) {
    const mean = (ROOT_2 * x0 + (1 << (shift + 1))) >> (shift + 2);
    for (let i = 0; i < 8; ++i) work[at + i * step] = mean;
    return;
  }
  const half = 1 << (shift - 1);
  // The even half: x0, x4, x2, x6.
  const a = (ROOT_2 * x0 + half) >> shift;
  const b = (ROOT_2 * x4 + half) >> shift;
  const sum = (a + b + 1) >> 1;
  const difference = (a - b + 1) >> 1;
  const c = (x2 * COS_6 - x6 * SIN_6 + half) >> shift;
  const d = (x2 * SIN_6 + x6 * COS_6 + half) >> shift;
  const e0 = (sum + d + 1) >> 1;
  const e3 = (sum - d + 1) >> 1;
  const e1 = (difference + c + 1) >> 1;
  const e2 = (difference - c + 1) >> 1;
  // The odd half: x1, x7, x3, x5.
  const f = (HALF_ROOT * (x1 - x7) + half) >> shift;
  const g = (HALF_ROOT * (x1 + x7) + half) >> shift;
  const x3s = x3 << lift;
  const x5s = x5 << lift;
  const p = (f + x5s + 1) >> 1;
  const q = (f - x5s + 1) >> 1;
  const r = (g + x3s + 1) >> 1;
  const s = (g - x3s + 1) >> 1;
  const o0 = (p * SIN_3 + r * COS_3 + 2048) >> 12;
  const o3 = (p * COS_3 - r * SIN_3 + 2048) >> 12;
  const o1 = (s * SIN_1 + q * COS_1 + 2048) >> 12;
  const o2 = (s * COS_1 - q * SIN_1 + 2048) >> 12;
  work[at] = e0 + o0;
  work[at + step] = e1 + o1;
  work[at + 2 * step] = e2 + o2;
  work[at + 3 * step] = e3 + o3;
  work[at + 4 * step] = e3 - o3;
  work[at + 5 * step] = e2 - o2;
  work[at + 6 * step] = e1 - o1;
  work[at + 7 * step] = e0 - o0;
}

/** What the components of a picture are. Those of four are inverted, as Adobe writes them. */
export type Colors = "gray" | "RGB" | "YCbCr" | "CMYK" | "YCCK";

/** Makes RGBA pixels of the strips of a row of MCUs. */
export function createPainter({ width, height, components, h, v }: Frame, colors: Colors, rgba: Uint8Array) {
  const places = components.map((component) => {
    return Uint16Array.from({ length: width }, (_, x) => Math.floor((x * component.h) / h));
  });
  const [c0, c1 = c0, c2 = c0, c3 = c0] = components as [Component, ...Component[]];
  const [p0, p1 = p0, p2 = p0, p3 = p0] = places as [Uint16Array, ...Uint16Array[]];
  const transformed = colors === "YCbCr" || colors === "YCCK";
  const rowOf = (component: Component, y: number) => Math.floor((y * component.v) / v) * 8 * component.pitch;
  return (mcuRow: number): void => {
    const top = 8 * v * mcuRow;
    let at = 4 * top * width;
    for (let y = 0; y < 8 * v && top + y < height; ++y) {
      const [r0, r1, r2, r3] = [rowOf(c0, y), rowOf(c1, y), rowOf(c2, y), rowOf(c3, y)];
      for (let x = 0; x < width; ++x, at += 4) {
        let red = c0.strip[r0 + p0[x]!]!;
        let green = c1.strip[r1 + p1[x]!]!;
        let blue = c2.strip[r2 + p2[x]!]!;
        if (transformed) {
          const cb = green - 128;
          const cr = blue - 128;
          const luma = red;
          red = byte(luma + 1.402 * cr);
          green = byte(luma - 0.3441363 * cb - 0.71413636 * cr);
          blue = byte(luma + 1.772 * cb);
        }
        if (components.length === 4) {
          const light = c3.strip[r3 + p3[x]!]! / 255;
          const inks = colors === "YCCK" ? 255 : 0;
          red = Math.abs(inks - red) * light + 0.5;
          green = Math.abs(inks - green) * light + 0.5;
          blue = Math.abs(inks - blue) * light + 0.5;
        }
        rgba[at] = red;
        rgba[at + 1] = green;
        rgba[at + 2] = blue;
        rgba[at + 3] = 255;
      }
    }
  };
}

function byte(value: number): number {
  return Math.max(0, Math.min(255, value));
}
