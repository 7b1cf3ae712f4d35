/**
 * ONNX's resizing: between four pixels, as far as its coordinates are those of this package.
 * @module
 */

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
  if (mode !== "linear" && mode !== "bilinear") throw call.unsupported("the mode linear", mode.slice(0, 40));
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
