/**
 * ONNX's operators that repeat numbers, fetch them, or change channels for pixels.
 * @module
 */

import type { NodeFields } from "../../graph/builder.ts";
import { broadcastShape } from "../../graph/dimensions.ts";
import type { Shape } from "../../graph/graph.ts";
import { commonOrder } from "./arithmetic.ts";
import type { NodeCall } from "./call.ts";
import { heldValue, typeOf } from "./draft.ts";
import { asWritten, channelsLast, plain, reshaped, transposed } from "./layout.ts";
import type { Operand, Value } from "./operand.ts";

/** Tile: a value several times along each axis. */
export function tile(call: NodeCall): Operand {
  const x = call.any(0);
  const multiples = call.integers(1);
  const { dims } = x.layout;
  if (multiples.length !== dims.length) throw call.wrong(`${dims.length} numbers`, `[${multiples.slice(0, 16)}]`);
  if (multiples.some((n) => n < 1)) throw call.unsupported("repeats from 1 on", `[${multiples}]`);
  return { value: repeated(call, x, multiples) };
}

/** Expand: to the shape that a value and a shape are broadcast to. */
export function expand(call: NodeCall): Operand {
  const x = call.any(0);
  const asked = call.integers(1);
  const dims = asked.some((n) => n < 1) ? undefined : broadcastShape(x.layout.dims, asked);
  if (dims === undefined) {
    throw call.unsupported(`a shape that [${x.layout.dims}] is broadcast to`, `[${asked.slice(0, 16)}]`);
  }
  const before = new Array<number>(dims.length - x.layout.dims.length).fill(1);
  const value = { ...x, layout: { ...x.layout, dims: [...before, ...x.layout.dims] } };
  return {
    value: repeated(
      call,
      value,
      dims.map((n, axis) => n / value.layout.dims[axis]!),
    ),
  };
}

function repeated(call: NodeCall, x: Value, multiples: readonly number[]): Value {
  if (multiples.every((n) => n === 1)) return x;
  const { dims } = x.layout;
  const held = commonOrder([x]);
  const name = call.draft.held(x, held, call.where);
  // Two axes at a time are as many as one step repeats.
  const wide = held.filter((axis) => multiples[axis]! > 1);
  let result = name;
  for (let i = 0; i < wide.length; i += 2) {
    const now = wide.slice(i, i + 2);
    const own = held.map((axis) => (now.includes(axis) ? multiples[axis]! : 1));
    const fields = { op: "tile", multiples: own, ...typeOf(x) } as unknown as NodeFields;
    result = call.emit(fields, [result], i + 2 < wide.length ? `times ${own}` : undefined);
  }
  const sizes = dims.map((n, axis) => n * multiples[axis]!);
  return heldValue(result, sizes, held, typeOf(x));
}

/** Gather: parts of an axis by indices that are known beforehand. */
export function gather(call: NodeCall): Operand {
  const x = call.value(0);
  const { dims } = x.layout;
  const axis = call.axis(call.integer("axis", 0), dims.length);
  const indices = call.integers(1).map((i) => (i < 0 ? i + dims[axis]! : i));
  const shape = call.tensor(1).dims;
  if (indices.length === 0 || indices.some((i) => !(i >= 0 && i < dims[axis]!))) {
    throw call.wrong(`indices below ${dims[axis]}`, `[${indices.slice(0, 16)}]`);
  }
  const [first = 0] = indices;
  const target = [...dims.slice(0, axis), ...shape, ...dims.slice(axis + 1)];
  if (indices.every((i, at) => i === first + at)) {
    const held = commonOrder([x]);
    const name = call.draft.held(x, held, call.where);
    const begin = held.map((one) => (one === axis ? first : 0));
    const size = held.map((one) => (one === axis ? indices.length : dims[one]!));
    const part = call.emit({ op: "slice", begin, size }, [name]);
    return under(call, heldValue(part, dims.with(axis, indices.length), held), target);
  }
  // The axis goes to the front, where its parts are fetched from, and the indices' axes stand there then.
  const rest = asWritten(dims.length).filter((one) => one !== axis);
  const name = call.draft.held(x, [axis, ...rest], call.where);
  const places = call.constant(call.tensor(1), {
    shape: [indices.length, 1],
    layout: `places of ${dims[axis]}`,
    arrange: (data) => (data.constructor as typeof Float32Array).from(indices) as typeof data,
  });
  const list = call.emit({ op: "constant", operand: places }, [], "places");
  const fetched = call.emit({ op: "gatherNd" }, [name, list]);
  const own = [indices.length, ...rest.map((one) => dims[one]!)];
  const order = asWritten(dims.length).map((one) => (one === axis ? 0 : rest.indexOf(one) + 1));
  const moved = { name: fetched, layout: transposed(plain(own), order) };
  if (dims.length !== 4 || shape.length !== 1) return under(call, moved, target);
  // An image stays one.
  const images = channelsLast(4);
  return call.of(call.draft.held(moved, images, call.where), target, images);
}

/** A value under other dimensions of the same numbers. */
function under(call: NodeCall, value: Value, dims: Shape): Operand {
  const layout = reshaped(value.layout, dims);
  if (layout) return { value: { ...value, layout } };
  const name = call.draft.held(value, asWritten(value.layout.dims.length), call.where);
  return { value: { ...value, name, layout: plain(dims) } };
}

/** DepthToSpace and SpaceToDepth: channels in blocks of pixels, which come out as an image. */
export function blocks(call: NodeCall): Operand {
  const x = call.any(0);
  const size = call.integer("blocksize", 0);
  const [n = 0, c = 0, h = 0, w = 0] = x.layout.dims;
  const up = call.op === "DepthToSpace";
  const whole = up ? c % (size * size) === 0 : h % size === 0 && w % size === 0;
  if (x.layout.dims.length !== 4 || !(size >= 1) || !whole) {
    throw call.wrong(`an image of blocks of ${size}`, `[${x.layout.dims}]`);
  }
  const columnsFirst = call.text("mode", "DCR") === "CRD";
  const [apart, order, together] = up
    ? columnsFirst
      ? [
          [n, c / size / size, size, size, h, w],
          [0, 1, 4, 2, 5, 3],
          [n, c / size / size, h * size, w * size],
        ]
      : [
          [n, size, size, c / size / size, h, w],
          [0, 3, 4, 1, 5, 2],
          [n, c / size / size, h * size, w * size],
        ]
    : [
        [n, c, h / size, size, w / size, size],
        [0, 3, 5, 1, 2, 4],
        [n, c * size * size, h / size, w / size],
      ];
  const divided = under(call, x, apart!) as { readonly value: Value };
  const turned = { ...divided.value, layout: transposed(divided.value.layout, order!) };
  const made = under(call, turned, together!) as { readonly value: Value };
  const images = channelsLast(4);
  return call.of(call.draft.held(made.value, images, call.where), together!, images, typeOf(x));
}
