/**
 * Custom operators of MediaPipe's files.
 * @module
 */
import { FormatError } from "../../errors.ts";
import { sizeOf } from "../../graph/references.ts";
import { transposed } from "../common/decode.ts";
import type { OperatorCall } from "./call.ts";

/** How the operator is listed. */
export const TRANSPOSED_WITH_BIAS = "CUSTOM 'Convolution2DTransposeBias'";

/** Settings: padding (1: same, 2: valid), steps across, steps down; 32 bits each. */
const SETTINGS = 12;

/**
 * Convolution2DTransposeBias: the value, weights OHWI, a bias. The result's size is not said: it is that of all that
 * the windows reach, less what is cut off, which with padding "same" is as much as a convolution of the value with that
 * padding would add to it.
 */
export function transposedWithBias(call: OperatorCall): string {
  const { custom } = call.operator;
  if (custom.length < SETTINGS) {
    throw new FormatError(`${call.where}, settings: expected ${SETTINGS} bytes, got ${custom.length}`);
  }
  const view = new DataView(custom.buffer, custom.byteOffset, custom.byteLength);
  const [padding, across, down] = [0, 4, 8].map((at) => view.getInt32(at, true)) as [number, number, number];
  if ((padding !== 1 && padding !== 2) || across < 1 || down < 1) {
    const got = `${padding}, ${across} and ${down}`;
    throw new FormatError(`${call.where}, settings: expected padding 1 or 2 and strides from 1 on, got ${got}`);
  }
  call.requireFloat(call.output);
  const inputs = [call.value(0)];
  const numbers = call.numbers(1, 4);
  const biases = call.numbers(2);
  const [outC, kH, kW, inC] = numbers.shape as [number, number, number, number];
  const [, h, w, channels] = call.shape(0) as [number, number, number, number];
  if (call.shape(0).length !== 4 || channels !== inC || sizeOf(biases.shape) !== outC) {
    const got = [call.shape(0), numbers.shape, biases.shape].map((shape) => `[${shape.join(",")}]`).join(", ");
    throw new FormatError(`${call.where}: expected an image, weights for its channels and a bias, got ${got}`);
  }
  const cut = (size: number, kernel: number, stride: number) =>
    padding === 1 ? Math.max(0, kernel - ((size - 1) % stride) - 1) : 0;
  const [rows, columns] = [cut(h, kH, down), cut(w, kW, across)];
  const [top, left] = [rows >> 1, columns >> 1];
  const taps = kH * kW * inC;
  return call.node(
    {
      op: "transposedConv2d",
      weights: call.constant(numbers, [kH, kW, inC, outC], "HWIO", (data, budget) =>
        transposed(data, outC, taps, budget),
      ),
      bias: call.constant(biases, [outC], "as stored"),
      ...{ strides: [down, across], size: [down * (h - 1) + kH - rows, across * (w - 1) + kW - columns] },
      padding: { top, bottom: rows - top, left, right: columns - left },
    },
    inputs,
  );
}
