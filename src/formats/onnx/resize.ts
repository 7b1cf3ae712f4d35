/**
 * ONNX's resizing: between four pixels, or by the nearest one, where a rule of this package finds the same pixels; in
 * all other ways as products with two matrices, one for the rows and one for the columns.
 * @module
 */

import { nearestPixels } from "../../graph/ops/resize-nearest.ts";
import type { Image, NodeCall } from "./call.ts";
import type { Operand } from "./operand.ts";
import { isIdentity, type Mapping, type Mode, pixelOf, ROUNDINGS, weightsOf } from "./resize-weights.ts";

/** How pixels of the result are found in the image by the ops for it. */
const COORDINATES: ReadonlyMap<string, { alignCorners: boolean; halfPixelCenters: boolean }> = new Map([
  ["half_pixel", { alignCorners: false, halfPixelCenters: true }],
  ["pytorch_half_pixel", { alignCorners: false, halfPixelCenters: true }],
  ["align_corners", { alignCorners: true, halfPixelCenters: false }],
  ["asymmetric", { alignCorners: false, halfPixelCenters: false }],
]);

const MODES: Readonly<Record<string, Mode>> = {
  nearest: "nearest",
  linear: "linear",
  bilinear: "linear",
  cubic: "cubic",
};

/** Resize, and Upsample, which it was called before. */
export function resize(call: NodeCall): Operand {
  const old = call.op === "Upsample" || call.opset < 11;
  const named = call.text("mode", "nearest");
  const mode = Object.hasOwn(MODES, named) ? MODES[named] : undefined;
  if (!mode) throw call.unsupported(`the modes ${Object.keys(MODES).join(", ")}`, named.slice(0, 40));
  if (call.integer("antialias", 0) !== 0) throw call.unsupported("antialias 0", "smoothing");
  const image = call.image(0);
  const { size, mappings } = mappingsOf(call, image, old);
  const [kind] = mappings.map(({ kind }) => kind);
  const whole = mappings.every(({ from, to, scale }) => Math.abs(from * scale - to) < 1e-3);
  if (mode === "nearest") {
    const rule = ruleFor(image, size, mappings);
    if (rule) return call.ofImage(call.emit({ op: "resizeNearest", size, ...rule }, [image.name]), image);
  }
  const coordinates = COORDINATES.get(kind!);
  const one = kind === "pytorch_half_pixel" && mappings.some(({ from, to }) => to === 1 && from !== 1);
  if (mode === "linear" && coordinates && whole && !one) {
    return call.ofImage(call.emit({ op: "resizeBilinear", size, ...coordinates }, [image.name]), image);
  }
  return byMatrices(call, image, mode, mappings);
}

/** The rule of this package that finds the nearest pixels that ONNX finds too. */
function ruleFor({ shape }: Image, size: readonly [number, number], mappings: readonly Mapping[]) {
  if (mappings.some(({ kind }) => kind === "tf_crop_and_resize")) return undefined;
  const pixels = mappings.map((mapping) => Array.from({ length: mapping.to }, (_, o) => pixelOf(mapping, o)));
  const rules = [false, true].flatMap((alignCorners) =>
    [false, true].map((halfPixelCenters) => ({ alignCorners, halfPixelCenters })),
  );
  return rules.find((rule) => {
    const node = { ...rule, op: "resizeNearest", size, name: "", inputs: [] } as const;
    return size.every((to, axis) => `${nearestPixels(shape[axis + 1]!, to, node)}` === `${pixels[axis]}`);
  });
}

/** Each axis as a dense layer over its pixels, which are brought innermost for it. */
function byMatrices(call: NodeCall, image: Image, mode: Mode, [rows, columns]: readonly [Mapping, Mapping]): Operand {
  const { draft, output } = call;
  const cubic = { a: call.float("cubic_coeff_a", -0.75), exclude: call.integer("exclude_outside", 0) !== 0 };
  const along = (x: string, mapping: Mapping, there: number[], back: number[], axis: string) => {
    const matrix = weightsOf(mapping, mode, cubic);
    if (isIdentity(matrix, mapping)) return x;
    const shape = [mapping.from, mapping.to];
    const make = () => {
      draft.budget.unpack(4 * matrix.length, `onnx: constant "${output}/${axis}"`);
      return matrix;
    };
    const weights = draft.builder.addConstant(`${output}/${axis}`, { shape }, make);
    const turned = call.emit({ op: "transpose", permutation: there }, [x], `${axis} innermost`);
    const made = call.emit({ op: "dense", weights }, [turned], `${axis} resized`);
    return call.emit({ op: "transpose", permutation: back }, [made], `${axis} back`);
  };
  const wide = along(image.name, columns, [0, 1, 3, 2], [0, 1, 3, 2], "columns");
  const high = along(wide, rows, [0, 2, 3, 1], [0, 3, 1, 2], "rows");
  return call.ofImage(call.emit({ op: "identity" }, [high]), image);
}

/** The size of the result, and how the pixels of its rows and columns are found. */
function mappingsOf(call: NodeCall, image: Image, old: boolean) {
  const { dims } = call.value(0).layout;
  const { size, scales } = sizeOf(call, image.axes, dims);
  const kind = old ? "asymmetric" : call.text("coordinate_transformation_mode", "half_pixel");
  const rounding = old ? "floor" : call.text("nearest_mode", "round_prefer_floor");
  const kinds = [...COORDINATES.keys(), "half_pixel_symmetric", "tf_crop_and_resize"];
  if (!kinds.includes(kind)) throw call.unsupported(`coordinates of ${kinds.join(", ")}`, kind.slice(0, 40));
  if (!Object.hasOwn(ROUNDINGS, rounding)) {
    throw call.unsupported(`roundings of ${Object.keys(ROUNDINGS).join(", ")}`, rounding.slice(0, 40));
  }
  const crops = kind === "tf_crop_and_resize";
  if (crops && call.float("extrapolation_value", 0) !== 0) {
    throw call.unsupported("extrapolation_value 0", `${call.float("extrapolation_value", 0)}`);
  }
  const roi = crops ? call.numbers(1) : [];
  const subset = call.list("axes")?.map((axis) => call.axis(axis, dims.length)) ?? dims.map((_, axis) => axis);
  if (crops && roi.length !== 2 * subset.length) throw call.wrong(`${2 * subset.length} ends`, `${roi.length}`);
  const mapping = (axis: 0 | 1): Mapping => {
    const inFile = dims.length - 2 + axis;
    const at = image.axes === 2 || axis === 1 ? subset.indexOf(inFile) : -1;
    const [from, to] = [image.shape[axis + 1]!, size[axis]];
    const ends: readonly [number, number] = crops && at >= 0 ? [roi[at]!, roi[at + subset.length]!] : [0, 1];
    return { kind: at < 0 && crops ? "asymmetric" : kind, rounding, from, to, scale: scales[axis], ends };
  };
  return { size, mappings: [mapping(0), mapping(1)] as const };
}

/** The size of the result, and its factors: where it comes of these, pixels are found by them. */
function sizeOf(call: NodeCall, axes: 1 | 2, dims: readonly number[]) {
  const rank = dims.length;
  const subset = call.list("axes")?.map((axis) => call.axis(axis, rank)) ?? dims.map((_, axis) => axis);
  const spread = (list: readonly number[], otherwise: (axis: number) => number) => {
    if (list.length !== subset.length) throw call.wrong(`${subset.length} numbers`, `${list.length}`);
    return dims.map((_, axis) => (subset.includes(axis) ? list[subset.indexOf(axis)]! : otherwise(axis)));
  };
  const [scalesAt, sizesAt] = call.opset < 11 || call.op === "Upsample" ? [1, 3] : [2, 3];
  let [sizes, scales]: number[][] = [[], []];
  if (call.has(sizesAt) && call.numbers(sizesAt).length > 0) {
    if ((call.text("keep_aspect_ratio_policy", "stretch") || "stretch") !== "stretch") {
      throw call.unsupported("sizes as they are", "a policy that keeps the aspect");
    }
    sizes = spread(call.integers(sizesAt), (axis) => dims[axis]!);
    scales = sizes.map((size, axis) => size / dims[axis]!);
  } else {
    const list = call.has(scalesAt) ? call.numbers(scalesAt) : (call.floats("scales") ?? []);
    scales = spread(list, () => 1);
    sizes = scales.map((scale, axis) => Math.floor(dims[axis]! * scale + 1e-6));
  }
  if (sizes[0] !== dims[0] || sizes[1] !== dims[1]) {
    throw call.unsupported("batch and channels as they are", `[${dims}] to [${sizes}]`);
  }
  if (sizes.some((n) => !(n >= 1 && n < 2 ** 31))) throw call.wrong("sizes from 1", `[${sizes}]`);
  const two = (list: readonly number[]): [number, number] => (axes === 2 ? [list[2]!, list[3]!] : [1, list[2]!]);
  return { size: two(sizes), scales: two(scales) };
}
