/**
 * A rectifier that lets what is negative through, times a factor for each channel.
 * @module
 */

import { UnsupportedError } from "../../errors.ts";
import { type NodeBase, named, type OpDefinition } from "./definition.ts";
import { perChannel } from "./shapes.ts";

/**
 * y = x < 0 ? alpha·x : x per channel (last axis), alpha [C]. NaN stays NaN, −0 stays −0, and the product is rounded
 * once. In 8 bits alpha has 8 bits too, one scale and one zero point.
 */
export interface Prelu extends NodeBase {
  readonly op: "prelu";
  readonly alpha: string;
}

const constants = named("alpha");

export const prelu: OpDefinition<Prelu> = {
  arity: 1,
  constants,
  shape: (node, x, shapes) => perChannel(node, x, constants(node), shapes),
  quantized: "own",
  row: "before",
};

/**
 * Alpha as files store it, [..., C] or [..., 1], as one number per channel, [C].
 * @param last the size of its last axis, 1 or `channels`
 * @throws UnsupportedError for one that is not the same at each pixel
 */
export function alphaPerChannel<T extends Float32Array | Int8Array | Uint8Array>(
  numbers: T,
  last: number,
  channels: number,
  where: string,
): T {
  if (Array.from(numbers).some((n, i) => !Object.is(n, numbers[i % last]))) {
    throw new UnsupportedError(`${where}, alpha: expected the same numbers at each pixel, got some that vary`);
  }
  const result = new (numbers.constructor as new (length: number) => T)(channels);
  for (let c = 0; c < channels; c++) result[c] = numbers[c % last]!;
  return result;
}
