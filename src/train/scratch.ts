/**
 * The numbers of a layer's record, how much it works on at a time, and the scratch that it needs for that.
 * @module
 */
import type { Geometry, Layer } from "./network.ts";
import type { StepRecord } from "./records.ts";

/** Floats of the larger side of a matrix product's block: 32 KB. */
const BLOCK = 8192;
/** Pixels of several images whose sums are taken together. */
const PIXELS = 128;
/** Floats of a convolution's windows that are laid side by side: 64 KB. */
const WINDOWS = 16384;

/** Rows that functions of numbers work on at a time. */
const ROWS = 16;

/** What decides what a record needs. */
interface Wants {
  readonly xView: boolean;
  readonly x2View?: boolean;
  readonly more: boolean;
  readonly weights: boolean;
  readonly input?: boolean;
}

type Scratch = Partial<Record<"s" | "s0" | "s1" | "s2" | "s3", number>>;

/** Bytes by the field that points at them. */
export function scratchOf(
  { kind, inputs, output, geometry }: Layer,
  back: boolean,
  { xView, x2View = false, more, weights, input = false }: Wants,
): { readonly fields: StepRecord; readonly scratch: Scratch } {
  const { rows, channels } = inputs[0]!;
  switch (kind) {
    case "matrix": {
      const [k, n] = [channels, output.channels];
      const block = Math.min(1024, Math.max(16, Math.floor(BLOCK / Math.max(k, n) / 8) * 8));
      const fields = { rows, block, inC: k, outC: n };
      if (!back) return { fields, scratch: { s0: 4 * (k + 1) * n, s1: xView ? 4 * block * k : 0 } };
      const s1 = xView && weights ? 4 * block * k : 0;
      return {
        fields,
        scratch: { s0: input ? 4 * (2 * n + 1) * k : 0, s1, s2: 4 * block * n, s3: more ? 4 * block * k : 0 },
      };
    }
    case "depthwise": {
      const { inH, inW, outH, outW, kH, kW, dilations } = geometry!;
      const padded = paddedFloats(geometry!, channels);
      const block = Math.max(1, Math.ceil(PIXELS / (back ? inH * inW : outH * outW)));
      const fields = { ...windowFields(geometry!), block, rows: outH * outW, inC: channels, outC: channels };
      if (!back) return { fields, scratch: { s1: 4 * padded } };
      const spread = (inH + (kH - 1) * dilations[0]) * (inW + (kW - 1) * dilations[1]) * channels;
      return {
        fields,
        scratch: {
          ...{ s0: 4 * kH * kW * channels, s1: weights ? 4 * padded : 0, s2: 4 * spread },
          s3: more ? 4 * inH * inW * channels : 0,
        },
      };
    }
    case "conv": {
      const { outH, outW, kH, kW } = geometry!;
      const [k, n] = [kH * kW * channels, output.channels];
      const padded = paddedFloats(geometry!, channels);
      const block = Math.min(outH, Math.max(1, Math.floor(WINDOWS / (outW * Math.max(k, n)))));
      const fields = { ...windowFields(geometry!), block, rows: outH * outW, inC: channels, outC: n };
      const s = 4 * block * outW * k;
      if (!back) return { fields, scratch: { s0: 4 * (k + 1) * n, s1: 4 * padded, s } };
      return {
        fields,
        scratch: {
          ...{ s0: input ? 4 * (2 * n + 1) * k : 0, s1: weights ? 4 * padded : 0, s },
          ...{ s2: 4 * block * outW * n, s3: input ? 4 * padded : 0 },
        },
      };
    }
    case "mean":
      return { fields: { rows, inC: channels }, scratch: { s1: xView && !back ? 4 * rows * channels : 0 } };
    case "add": {
      const block = Math.max(1, Math.floor(BLOCK / channels));
      return { fields: { rows, inC: channels, block }, scratch: { s2: back ? 0 : 4 * block * channels } };
    }
    case "curve":
      return { fields: { rows, inC: channels }, scratch: { s1: back && xView ? 4 * ROWS * channels : 0 } };
    case "multiply": {
      const other = x2View ? 4 * inputs[1]!.rows * channels : 0;
      // On the way back either factor is the other one's.
      const scratch = back ? { s2: 4 * rows * channels } : { s1: xView ? 4 * rows * channels : 0, s2: other };
      return { fields: { rows, inC: channels }, scratch };
    }
    case "pool": {
      const fields = { ...windowFields(geometry!), inC: channels, outC: channels };
      return { fields, scratch: { s1: xView ? 4 * rows * channels : 0 } };
    }
    case "repeat":
      return { fields: { rows, inC: channels }, scratch: { s1: back ? 0 : 4 * channels } };
    case "pad":
      return { fields: { inC: channels, outC: output.channels }, scratch: {} };
    default:
      return { fields: { rows, inC: channels }, scratch: {} };
  }
}

function paddedFloats({ top, bottom, left, right, inH, inW }: Geometry, channels: number): number {
  return (top + inH + bottom) * (left + inW + right) * channels;
}

function windowFields({ strides, dilations, top, bottom, left, right, inH, inW, outH, outW, kH, kW }: Geometry) {
  return {
    ...{ inH, inW, outH, outW, kH, kW, padT: top, padB: bottom, padL: left, padR: right },
    ...{ strideH: strides[0], strideW: strides[1], dilationH: dilations[0], dilationW: dilations[1] },
  };
}
