/**
 * ONNX's windows: convolutions, pools, pads, resizing.
 * @module
 */

import type { Pad, Padding, Pair } from "../../graph/graph.ts";
import { outputSize, spanOf } from "../../graph/window.ts";
import { arranged } from "./arrange.ts";
import type { Image, NodeCall } from "./call.ts";
import { channelsLast } from "./layout.ts";
import type { Operand } from "./operand.ts";

/** [height, width] of a setting; what has one axis counts as one row. */
function pair(call: NodeCall, key: string, axes: 1 | 2, otherwise: readonly number[]): Pair {
  const list = call.list(key) ?? otherwise;
  if (list.length !== axes || list.some((n) => n < 1)) {
    throw call.wrong(`${key} to be ${axes} numbers from 1`, `[${list.slice(0, 8)}]`);
  }
  return axes === 2 ? [list[0]!, list[1]!] : [1, list[0]!];
}

interface WindowSizes {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
}

function sizesOf(call: NodeCall, { axes }: Image, kernel: readonly number[]): WindowSizes {
  const ones = new Array<number>(axes).fill(1);
  return {
    kernel: pair(call, "kernel_shape", axes, kernel),
    strides: pair(call, "strides", axes, ones),
    dilations: pair(call, "dilations", axes, ones),
  };
}

/**
 * The padding of a window. SAME_UPPER is TensorFlow's; of SAME_LOWER the larger half comes before. `ceil_mode` gives a
 * last position to what is left over, unless nothing of the image would be seen there.
 */
function paddingOf(call: NodeCall, { axes, shape }: Image, { kernel, strides, dilations }: WindowSizes): Padding {
  const kind = call.text("auto_pad", "NOTSET") || "NOTSET";
  if (kind === "SAME_UPPER") return "same";
  if (!["NOTSET", "VALID", "SAME_LOWER"].includes(kind)) throw call.unsupported("a known auto_pad", kind.slice(0, 40));
  const pads = kind === "NOTSET" ? (call.list("pads") ?? new Array<number>(2 * axes).fill(0)) : [];
  if (kind === "NOTSET" && pads.length !== 2 * axes) throw call.wrong(`${2 * axes} pads`, `${pads.length}`);
  if (pads.some((n) => n < 0)) throw call.unsupported("pads from 0", `[${pads}]`);
  const ceil = call.integer("ceil_mode", 0) !== 0;
  const side = (axis: 0 | 1): readonly [number, number] => {
    const [size, taps, stride, dilation] = [shape[axis + 1]!, kernel[axis]!, strides[axis]!, dilations[axis]!];
    const span = spanOf(taps, dilation);
    if (kind === "SAME_LOWER") {
      const total = Math.max((Math.ceil(size / stride) - 1) * stride + span - size, 0);
      return [Math.ceil(total / 2), Math.floor(total / 2)];
    }
    const at = axis - (2 - axes);
    const [before, after] = at < 0 || kind === "VALID" ? [0, 0] : [pads[at]!, pads[at + axes]!];
    const out = outputSize(before + after, size, taps, stride, dilation);
    const over = size + before + after - span - (out - 1) * stride;
    const more = ceil && over > 0 && out * stride < size + before;
    return [before, after + (more ? stride - over : 0)];
  };
  const [[top, bottom], [left, right]] = [side(0), side(1)];
  return top + bottom + left + right === 0 ? "valid" : { top, bottom, left, right };
}

/** A convolution, of one group or of one for each channel. OIHW → HWIO. */
export function conv(call: NodeCall): Operand {
  const image = call.image(0);
  const weights = call.tensor(1);
  const [outC = 0, inC = 0, ...taps] = weights.dims;
  const { axes, shape } = image;
  const channels = shape[3];
  const group = call.integer("group", 1);
  if (weights.dims.length !== axes + 2) throw call.wrong(`weights of ${axes + 2} dimensions`, `[${weights.dims}]`);
  if (group < 1 || inC * group !== channels || outC % group !== 0 || outC === 0) {
    throw call.wrong(`weights for ${channels} channels in ${group} groups`, `[${weights.dims}]`);
  }
  const sizes = sizesOf(call, image, taps);
  const [kH, kW] = axes === 2 ? (taps as [number, number]) : [1, taps[0]!];
  if (`${sizes.kernel}` !== `${[kH, kW]}`) throw call.wrong(`weights of ${sizes.kernel} taps`, `[${weights.dims}]`);
  const { strides, dilations } = sizes;
  const window = { strides, dilations, padding: paddingOf(call, image, sizes) };
  const bias = call.has(2) ? { bias: call.perChannel(2, outC) } : {};
  const depthwise = group > 1 && group === channels;
  if (group > 1 && !depthwise) throw call.unsupported("one group, or one for each channel", `${group} groups`);
  const order = depthwise ? [2, 3, 0, 1] : [2, 3, 1, 0];
  const dims = [outC, inC, kH, kW];
  const name = call.constant(weights, {
    shape: depthwise ? [kH, kW, channels, outC / channels] : [kH, kW, inC, outC],
    layout: depthwise ? "depthwise" : "HWIO",
    channels: { from: 0, to: depthwise ? 2 : 3 },
    arrange: (data, budget) => arranged(data, dims, order, budget),
  });
  const op = depthwise ? "depthwiseConv2d" : "conv2d";
  return call.ofImage(call.emit({ op, weights: name, ...bias, ...window }, [image.name]), image);
}

/** The largest number of each window; without their places. */
export function maxPool(call: NodeCall): Operand {
  if (call.node.outputs.slice(1).some((name) => call.draft.readers.has(name))) {
    throw call.unsupported("one output", "indices beside it");
  }
  const image = call.image(0, call.any(0));
  const sizes = sizesOf(call, image, []);
  if (sizes.dilations.some((n) => n !== 1)) throw call.unsupported("dilations of 1", `${sizes.dilations}`);
  const { kernel: size, strides } = sizes;
  const padding = paddingOf(call, image, sizes);
  return call.ofImage(call.emit({ op: "maxPool", size, strides, padding, ...image.type }, [image.name]), image);
}

/** Pads that count are pixels of value 0 around the image. */
export function averagePool(call: NodeCall): Operand {
  const image = call.image(0);
  const sizes = sizesOf(call, image, []);
  if (sizes.dilations.some((n) => n !== 1)) throw call.unsupported("dilations of 1", `${sizes.dilations}`);
  const { kernel: size, strides } = sizes;
  const padding = paddingOf(call, image, sizes);
  const pads = call.list("pads") ?? [];
  const counts = call.integer("count_include_pad", 0) !== 0 && typeof padding === "object" && pads.some((n) => n > 0);
  const op = "averagePool";
  if (!counts) return call.ofImage(call.emit({ op, size, strides, padding }, [image.name]), image);
  const all = image.axes === 2 ? pads : [0, pads[0]!, 0, pads[1]!];
  const [top, left, bottom, right] = all as [number, number, number, number];
  const around = { top, left, bottom, right };
  const padded = call.emit({ op: "pad", padding: around, value: 0 }, [image.name], "padded");
  // What ceil_mode adds on top does not count.
  const rest = { top: 0, left: 0, bottom: padding.bottom - bottom, right: padding.right - right };
  return call.ofImage(call.emit({ op, size, strides, padding: rest }, [padded]), image);
}

export function globalAveragePool(call: NodeCall): Operand {
  const image = call.image(0);
  return call.ofImage(call.emit({ op: "globalAveragePool", keepDims: true }, [image.name]), image);
}

export function globalMaxPool(call: NodeCall): Operand {
  const image = call.image(0);
  const size: Pair = [image.shape[1], image.shape[2]];
  return call.ofImage(
    call.emit({ op: "maxPool", size, strides: [1, 1], padding: "valid", ...image.type }, [image.name]),
    image,
  );
}

/** Pads by a number; rows, columns and channels. Settings until opset 10, inputs from then on. */
export function pad(call: NodeCall): Operand {
  const mode = call.text("mode", "constant") || "constant";
  if (mode !== "constant") throw call.unsupported("the mode constant", mode.slice(0, 40));
  const inputs = call.opset >= 11;
  const value = inputs ? (call.has(2) ? call.number(2) : 0) : call.float("value", 0);
  const list = inputs ? call.integers(1) : (call.list("pads") ?? []);
  const x = call.value(0);
  const rank = x.layout.dims.length;
  const axes = inputs && call.has(3) ? call.integers(3).map((axis) => call.axis(axis, rank)) : undefined;
  const all = axes ?? Array.from({ length: rank }, (_, axis) => axis);
  if (list.length !== 2 * all.length) throw call.wrong(`${2 * all.length} pads`, `${list.length}`);
  if (list.some((n) => n < 0)) throw call.unsupported("pads from 0", `[${list}]`);
  const [before, after] = [new Array<number>(rank).fill(0), new Array<number>(rank).fill(0)];
  all.forEach((axis, i) => {
    before[axis] = list[i]!;
    after[axis] = list[i + all.length]!;
  });
  if (list.every((n) => n === 0)) return { value: x };
  const image = call.image(0);
  if (before[0] || after[0]) throw call.unsupported("no padding of the batch", `[${list}]`);
  const [top, bottom] = rank === 4 ? [before[2]!, after[2]!] : [0, 0];
  const frame = { top, bottom, left: before.at(-1)!, right: after.at(-1)! };
  const padding: Pad["padding"] = {
    ...frame,
    ...(before[1] && { front: before[1] }),
    ...(after[1] && { back: after[1] }),
  };
  return call.ofImage(call.emit({ op: "pad", padding, value }, [image.name]), image);
}

/** Batch norms by fixed statistics; the channels are the second axis. */
export function batchNorm(call: NodeCall): Operand {
  if (call.integer("training_mode", 0) !== 0) throw call.unsupported("training_mode 0", "training");
  if (call.integer("spatial", 1) !== 1) throw call.unsupported("spatial 1", "statistics for each pixel");
  const x = call.value(0);
  const { dims } = x.layout;
  if (dims.length < 2) throw call.wrong("an input [n, c, …]", `[${dims}]`);
  const held = channelsLast(dims.length);
  const name = call.draft.held(x, held, call.where);
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => call.perChannel(i, dims[1]!)) as [
    string,
    string,
    string,
    string,
  ];
  const epsilon = call.float("epsilon", 1e-5);
  const result = call.emit({ op: "batchNorm", gamma, beta, mean, variance, epsilon }, [name]);
  return call.of(result, dims, held);
}
