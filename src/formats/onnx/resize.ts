/**
 * ONNX's resizing: between four pixels, or by the nearest one, as far as its coordinates are those of this package.
 * @module
 */

import { nearestPixels } from "../../graph/ops/resize-nearest.ts";
import type { NodeCall } from "./call.ts";
import type { Operand } from "./operand.ts";

/** How pixels of the result are found in the image. */
const COORDINATES: ReadonlyMap<string, { alignCorners: boolean; halfPixelCenters: boolean }> = new Map([
  ["half_pixel", { alignCorners: false, halfPixelCenters: true }],
  ["pytorch_half_pixel", { alignCorners: false, halfPixelCenters: true }],
  ["align_corners", { alignCorners: true, halfPixelCenters: false }],
  ["asymmetric", { alignCorners: false, halfPixelCenters: false }],
]);

/** Resize, and Upsample, which it was called before. */
export function resize(call: NodeCall): Operand {
  const old = call.op === "Upsample" || call.opset < 11;
  const mode = call.text("mode", "nearest");
  if (mode === "nearest") return nearest(call, old);
  if (mode !== "linear" && mode !== "bilinear")
    throw call.unsupported("the modes linear and nearest", mode.slice(0, 40));
  const kind = old ? "asymmetric" : call.text("coordinate_transformation_mode", "half_pixel");
  const coordinates = COORDINATES.get(kind);
  if (!coordinates) {
    throw call.unsupported(`coordinates of ${[...COORDINATES.keys()].join(", ")}`, kind.slice(0, 40));
  }
  if (call.integer("antialias", 0) !== 0) throw call.unsupported("antialias 0", "smoothing");
  const image = call.image(0);
  const size = sizeOf(call, image.axes);
  if (kind === "pytorch_half_pixel" && size.some((n, i) => n === 1 && image.shape[i + 1] !== 1)) {
    throw call.unsupported("pytorch_half_pixel of more than one pixel", `[${size}]`);
  }
  return call.ofImage(call.emit({ op: "resizeBilinear", size, ...coordinates }, [image.name]), image);
}

/** Where ONNX looks for a pixel, in pixels of the image. */
const POSITIONS: Readonly<Record<string, (o: number, from: number, to: number) => number>> = {
  half_pixel: (o, from, to) => (o + 0.5) * (from / to) - 0.5,
  pytorch_half_pixel: (o, from, to) => (to > 1 ? (o + 0.5) * (from / to) - 0.5 : 0),
  align_corners: (o, from, to) => (to > 1 ? (o * (from - 1)) / (to - 1) : 0),
  asymmetric: (o, from, to) => o * (from / to),
};

const ROUNDINGS: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** The nearest pixels, where this package has a rule that finds the same ones. */
function nearest(call: NodeCall, old: boolean): Operand {
  const kind = old ? "asymmetric" : call.text("coordinate_transformation_mode", "half_pixel");
  const rounding = old ? "floor" : call.text("nearest_mode", "round_prefer_floor");
  if (!Object.hasOwn(POSITIONS, kind) || !Object.hasOwn(ROUNDINGS, rounding)) {
    throw call.unsupported(`coordinates of ${Object.keys(POSITIONS).join(", ")}`, `${kind}, ${rounding}`.slice(0, 60));
  }
  const image = call.image(0);
  const size = sizeOf(call, image.axes);
  const pixels = (from: number, to: number) =>
    Array.from({ length: to }, (_, o) => {
      return Math.min(Math.max(ROUNDINGS[rounding]!(POSITIONS[kind]!(o, from, to)), 0), from - 1);
    });
  const rules = [false, true].flatMap((alignCorners) =>
    [false, true].map((halfPixelCenters) => ({ op: "resizeNearest", size, alignCorners, halfPixelCenters }) as const),
  );
  const found = rules.find((rule) =>
    size.every((to, axis) => {
      const from = image.shape[axis + 1]!;
      return `${nearestPixels(from, to, { ...rule, name: "", inputs: [] })}` === `${pixels(from, to)}`;
    }),
  );
  if (found === undefined)
    throw call.unsupported("pixels that a rule of this package finds too", `${kind}, ${rounding}`);
  return call.ofImage(call.emit(found, [image.name]), image);
}

/** The size of the result. Where it comes of factors, pixels are found by these: the two sizes must say the same. */
function sizeOf(call: NodeCall, axes: 1 | 2): readonly [number, number] {
  const { dims } = call.value(0).layout;
  const rank = dims.length;
  const subset = call.list("axes")?.map((axis) => call.axis(axis, rank)) ?? dims.map((_, axis) => axis);
  const spread = (list: readonly number[], otherwise: (axis: number) => number) => {
    if (list.length !== subset.length) throw call.wrong(`${subset.length} numbers`, `${list.length}`);
    return dims.map((_, axis) => (subset.includes(axis) ? list[subset.indexOf(axis)]! : otherwise(axis)));
  };
  const [scalesAt, sizesAt] = call.opset < 11 || call.op === "Upsample" ? [1, 3] : [2, 3];
  let sizes: number[];
  if (call.has(sizesAt) && call.numbers(sizesAt).length > 0) {
    if ((call.text("keep_aspect_ratio_policy", "stretch") || "stretch") !== "stretch") {
      throw call.unsupported("sizes as they are", "a policy that keeps the aspect");
    }
    sizes = spread(call.integers(sizesAt), (axis) => dims[axis]!);
  } else {
    const list = call.has(scalesAt) ? call.numbers(scalesAt) : (call.floats("scales") ?? []);
    const scales = spread(list, () => 1);
    sizes = scales.map((scale, axis) => Math.floor(dims[axis]! * scale + 1e-6));
    const uneven = sizes.some((size, axis) => Math.abs(dims[axis]! * scales[axis]! - size) > 1e-3);
    if (uneven) throw call.unsupported("factors that give whole numbers of pixels", `[${list}]`);
  }
  if (sizes[0] !== dims[0] || sizes[1] !== dims[1]) {
    throw call.unsupported("batch and channels as they are", `[${dims}] to [${sizes}]`);
  }
  if (sizes.some((n) => !(n >= 1 && n < 2 ** 31))) throw call.wrong("sizes from 1", `[${sizes}]`);
  return axes === 2 ? [sizes[2]!, sizes[3]!] : [1, sizes[2]!];
}
