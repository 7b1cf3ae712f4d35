/**
 * What each pixel of a resized axis is made of, as ONNX has it.
 * @module
 */

export type Mode = "nearest" | "linear" | "cubic";

/** An axis and what becomes of it. */
export interface Mapping {
  /** ONNX's coordinate_transformation_mode. */
  readonly kind: string;
  /** ONNX's nearest_mode. */
  readonly rounding: string;
  readonly from: number;
  readonly to: number;
  /** Pixels of the result to one of the image. */
  readonly scale: number;
  /** The part of the image that is resized, where it is cropped: 0 its first pixel, 1 its last. */
  readonly ends: readonly [number, number];
}

export const ROUNDINGS: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Where pixel `o` of the result lies, in pixels of the image. */
function positionOf({ kind, from, to, scale, ends }: Mapping, o: number): number {
  switch (kind) {
    case "align_corners": {
      // By the length that the factor gives, which may be no whole number.
      const length = Math.abs(from * scale - to) < 1e-3 ? to : from * scale;
      return length > 1 ? (o * (from - 1)) / (length - 1) : 0;
    }
    case "asymmetric":
      return o / scale;
    case "pytorch_half_pixel":
      return to > 1 ? (o + 0.5) / scale - 0.5 : 0;
    case "half_pixel_symmetric":
      return (from / 2) * (1 - to / (scale * from)) + (o + 0.5) / scale - 0.5;
    case "tf_crop_and_resize": {
      const [start, end] = ends;
      if (to === 1) return 0.5 * (start + end) * (from - 1);
      return start * (from - 1) + (o * (end - start) * (from - 1)) / (to - 1);
    }
    default:
      return (o + 0.5) / scale - 0.5;
  }
}

/** The image's pixel that lies nearest. */
export function pixelOf(mapping: Mapping, o: number): number {
  return Math.min(Math.max(ROUNDINGS[mapping.rounding]!(positionOf(mapping, o)), 0), mapping.from - 1);
}

/**
 * The weights of the image's pixels in those of the result, [from, to]; outside of the image the outermost ones count.
 * Where an image is cropped, what lies outside of it is 0.
 */
export function weightsOf(mapping: Mapping, mode: Mode, cubic: { readonly a: number; readonly exclude: boolean }) {
  const { from, to, kind } = mapping;
  const weights = new Float32Array(from * to);
  for (let o = 0; o < to; o++) {
    const x = positionOf(mapping, o);
    if (kind === "tf_crop_and_resize" && (x < 0 || x > from - 1)) continue;
    const taps = mode === "nearest" ? [[pixelOf(mapping, o), 1] as const] : between(x, from, mode, cubic);
    for (const [i, share] of taps) weights[Math.min(Math.max(i, 0), from - 1) * to + o]! += share;
  }
  return weights;
}

/** Pixels on both sides of a position, and their shares; outside of the image too, unless these are left out. */
function between(
  x: number,
  from: number,
  mode: Mode,
  { a, exclude }: { readonly a: number; readonly exclude: boolean },
) {
  const floor = Math.floor(x);
  const reach = mode === "cubic" ? [-1, 0, 1, 2] : [0, 1];
  const taps = reach.map((step) => {
    const distance = Math.abs(x - floor - step);
    const share = mode === "cubic" ? cubicShare(distance, a) : 1 - distance;
    const outside = floor + step < 0 || floor + step >= from;
    return [floor + step, exclude && outside ? 0 : share] as const;
  });
  const sum = exclude ? taps.reduce((total, [, share]) => total + share, 0) : 1;
  return taps.map(([i, share]) => [i, share / sum] as const);
}

/** Keys' cubic convolution, by the distance of a pixel; a is its slope at distance 1. */
function cubicShare(d: number, a: number): number {
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((d - 5) * d + 8) * d * a - 4 * a : 0;
}

/** Whether weights leave an axis as it is. */
export function isIdentity(weights: Float32Array, { from, to }: Mapping): boolean {
  return from === to && weights.every((share, i) => share === (i % (to + 1) === 0 ? 1 : 0));
}
