/**
 * Attributes of TensorFlow's windows: strides, sizes, padding.
 * @module
 */
import { FormatError } from "../../errors.ts";
import type { Pad, Padding, Pair } from "../../graph/graph.ts";
import type { Call } from "./call.ts";
import { numbersAttribute, stringAttribute, where } from "./graphdef.ts";
import { unsupported } from "./operands.ts";

export function requireNhwc(call: Call): void {
  const format = stringAttribute(call.node, "data_format", "NHWC");
  if (format !== "NHWC") throw unsupported(call, "data_format NHWC", format);
}

/** Height and width out of [1, height, width, 1]. */
export function pair(call: Call, key: string): Pair {
  const list = numbersAttribute(call.node, key, [1, 1, 1, 1]);
  const [batch, height, width, channels] = list as [number, number, number, number];
  if (list.length !== 4 || list.some((n) => n < 1)) {
    throw new FormatError(`${where(call.node)}: expected ${key} [1, height, width, 1], each from 1 on, got [${list}]`);
  }
  if (batch !== 1 || channels !== 1) throw unsupported(call, `${key} [1, height, width, 1]`, `[${list}]`);
  return [height, width];
}

export function padding(call: Call): Padding {
  const kind = stringAttribute(call.node, "padding", "VALID").toUpperCase();
  if (kind === "SAME" || kind === "VALID") return kind === "SAME" ? "same" : "valid";
  const list = numbersAttribute(call.node, "explicit_paddings", []);
  if (kind !== "EXPLICIT" || list.length !== 8) {
    throw unsupported(call, "padding SAME, VALID, or EXPLICIT with 8 explicit_paddings", `${kind} [${list}]`);
  }
  const { front, back, ...around } = sides(call, list);
  if (front || back) throw unsupported(call, "padding of height and width only", `[${list}]`);
  return around;
}

/** [before, after] of each of the four axes. */
export function sides(call: Call, list: readonly number[]): Pad["padding"] {
  const [n0, n1, top, bottom, left, right, c0, c1] = list;
  if (list.some((n) => n < 0)) {
    throw new FormatError(`${where(call.node)}: expected padding from 0 on, got [${list}]`);
  }
  if (list.length !== 8 || n0 !== 0 || n1 !== 0) {
    throw unsupported(call, "padding of height, width and channels only", `[${list}]`);
  }
  return { top: top!, bottom: bottom!, left: left!, right: right!, ...(c0 && { front: c0 }), ...(c1 && { back: c1 }) };
}
