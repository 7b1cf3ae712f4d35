/**
 * ONNX's windows: convolutions, pools, pads, resizing.
 * @module
 */

import type { Conv2d, Pad, Padding, Pair } from "../../graph/graph.ts";
import { outputSize, spanOf } from "../../graph/window.ts";
import { arranged } from "./arrange.ts";
import type { Image, NodeCall } from "./call.ts";
import { channelsLast } from "./layout.ts";
import type { Operand, Tensor } from "./operand.ts";

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
  if (group > 1 && !depthwise) return grouped(call, image, weights, group, window);
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

/** A convolution of several groups: of each one's channels by itself, one behind the other. */
function grouped(
  call: NodeCall,
  image: Image,
  weights: Tensor,
  group: number,
  window: Pick<Conv2d, "strides" | "dilations" | "padding">,
): Operand {
  const [outC, inC, ...taps] = weights.dims as [number, number, ...number[]];
  const [kH, kW] = taps.length === 2 ? (taps as [number, number]) : [1, taps[0]!];
  const own = outC / group;
  const [n, h, w] = image.shape;
  const parts = Array.from({ length: group }, (_, g) => {
    const taken = { begin: [0, 0, 0, g * inC], size: [n === 1 ? -1 : n, h, w, inC] };
    const part = call.emit({ op: "slice", ...taken }, [image.name], `channels of group ${g}`);
    const dims = [own, inC, kH, kW];
    const name = call.constant(weights, {
      shape: [kH, kW, inC, own],
      layout: `HWIO of group ${g}`,
      arrange: (data, budget) => {
        const size = own * inC * kH * kW;
        return arranged(data.slice(g * size, (g + 1) * size) as typeof data, dims, [2, 3, 1, 0], budget);
      },
    });
    const bias = call.has(2) && {
      bias: call.constant(call.tensor(2), {
        shape: [own],
        layout: `channels of group ${g}`,
        arrange: (data) => data.slice(g * own, (g + 1) * own) as typeof data,
      }),
    };
    return call.emit({ op: "conv2d", weights: name, ...bias, ...window }, [part], `group ${g}`);
  });
  return call.ofImage(call.emit({ op: "concat", axis: 3 }, parts), image);
}

/** A transposed convolution, of one group. */
export function convTranspose(call: NodeCall): Operand {
  const image = call.image(0);
  const weights = call.tensor(1);
  const { axes, shape } = image;
  const [inC = 0, outC = 0, ...taps] = weights.dims;
  if (weights.dims.length !== axes + 2 || inC !== shape[3]) {
    throw call.wrong(`weights of ${axes + 2} dimensions for ${shape[3]} channels`, `[${weights.dims}]`);
  }
  if (call.integer("group", 1) !== 1) throw call.unsupported("one group", `${call.integer("group", 1)}`);
  const { kernel, strides, dilations } = sizesOf(call, image, taps);
  const [kH, kW] = axes === 2 ? (taps as [number, number]) : [1, taps[0]!];
  if (`${kernel}` !== `${[kH, kW]}`) throw call.wrong(`weights of ${kernel} taps`, `[${weights.dims}]`);
  const { size, padding } = spreadOf(call, image, { kernel, strides, dilations });
  const [spanH, spanW] = [spanOf(kH, dilations[0]), spanOf(kW, dilations[1])];
  const name = call.constant(weights, {
    shape: [spanH, spanW, inC, outC],
    layout: `spread by ${dilations}`,
    arrange: async (data, budget) => {
      const taps = await arranged(data, [inC, outC, kH, kW], [2, 3, 0, 1], budget);
      if (spanH === kH && spanW === kW) return taps;
      const matrix = inC * outC;
      const apart = new (data.constructor as new (length: number) => typeof data)(spanH * spanW * matrix);
      for (let tap = 0; tap < kH * kW; tap++) {
        const to = Math.floor(tap / kW) * dilations[0] * spanW + (tap % kW) * dilations[1];
        apart.set(taps.subarray(tap * matrix, (tap + 1) * matrix) as never, to * matrix);
      }
      return apart;
    },
  });
  const bias = call.has(2) ? { bias: call.perChannel(2, outC) } : {};
  const fields = { op: "transposedConv2d", weights: name, ...bias, strides, padding, size } as const;
  return call.ofImage(call.emit(fields, [image.name]), image);
}

/** The size of what a transposed convolution makes, and where its windows lie. */
function spreadOf(call: NodeCall, { axes, shape }: Image, { kernel, strides, dilations }: WindowSizes) {
  const kind = call.text("auto_pad", "NOTSET") || "NOTSET";
  const asked = call.list("output_shape");
  const extra = call.list("output_padding") ?? new Array<number>(axes).fill(0);
  const pads = call.list("pads") ?? new Array<number>(2 * axes).fill(0);
  if (!["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].includes(kind)) {
    throw call.unsupported("a known auto_pad", kind.slice(0, 40));
  }
  const wrong = extra.length !== axes || pads.length !== 2 * axes || (asked && asked.length < axes);
  if (wrong || [...extra, ...pads].some((n) => n < 0)) throw call.wrong("pads from 0 for each axis", `[${pads}]`);
  const side = (axis: 0 | 1) => {
    const at = axis - (2 - axes);
    const [stride, span] = [strides[axis], spanOf(kernel[axis], dilations[axis])];
    const more = at < 0 ? 0 : extra[at]!;
    const full = stride * (shape[axis + 1]! - 1) + more + span;
    if (at < 0) return { size: full, before: 0, after: 0 };
    const same = kind.startsWith("SAME") ? shape[axis + 1]! * stride : undefined;
    const size = asked ? asked[asked.length - axes + at]! : same;
    if (size === undefined) {
      const [before, after] = kind === "VALID" ? [0, 0] : [pads[at]!, pads[at + axes]!];
      return { size: full - before - after, before, after };
    }
    const total = Math.max(full - size, 0);
    const before = kind === "SAME_UPPER" ? Math.floor(total / 2) : total - Math.floor(total / 2);
    return { size, before, after: total - before };
  };
  const [rows, columns] = [side(0), side(1)];
  const padding = { top: rows.before, bottom: rows.after, left: columns.before, right: columns.after };
  if (rows.size < 1 || columns.size < 1)
    throw call.wrong("a result of one pixel at least", `${rows.size}×${columns.size}`);
  return { size: [rows.size, columns.size] as Pair, padding };
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
  if (mode !== "constant" && mode !== "reflect" && mode !== "edge") {
    throw call.unsupported("the modes constant, reflect and edge", mode.slice(0, 40));
  }
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
  if (mode !== "constant") {
    if (before[1] || after[1]) throw call.unsupported(`no channels added in the mode ${mode}`, `[${list}]`);
    return call.ofImage(call.emit({ op: "mirrorPad", padding: frame, mode }, [image.name]), image);
  }
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
