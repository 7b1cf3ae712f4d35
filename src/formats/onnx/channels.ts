/**
 * Constants that are one number for all of a value, or one for each index of an axis.
 * @module
 */

import { sizeOf } from "../../graph/dimensions.ts";
import type { NodeCall } from "./call.ts";
import { isHeld, isInnermost, lastAxis, permuted, transposed } from "./layout.ts";
import type { Value } from "./operand.ts";
import type { Numbers } from "./tensors.ts";

/** A value held so that constants go with its last dimension, and these constants. */
export interface Channels {
  readonly x: Value;
  readonly constants: readonly string[];
}

/**
 * Input `i`, a constant that is broadcast to `x`, as constants of one number for each index of the last dimension held.
 * @param roles what the constants are for
 * @param of makes of a number the one for each role
 * @throws {UnsupportedError} It has numbers for several axes, or for one that is not held innermost.
 */
export function perChannel(
  call: NodeCall,
  x: Value,
  i: number,
  roles: readonly string[],
  of: readonly ((n: number) => number)[] = [(n) => n],
): Channels {
  const tensor = call.tensor(i);
  const { draft } = call;
  const { dims } = x.layout;
  const aligned = [...new Array<number>(Math.max(0, dims.length - tensor.dims.length)).fill(1), ...tensor.dims];
  const axes = aligned.flatMap((n, axis) => (n === 1 ? [] : [axis]));
  const [axis] = axes;
  const unsupported = () =>
    call.unsupported(`"${tensor.name}" to be one number, or one for each channel`, `[${tensor.dims}] beside [${dims}]`);
  if (aligned.length > dims.length || axes.length > 1) throw unsupported();
  if (axis !== undefined && aligned[axis] !== dims[axis]) throw unsupported();
  const make = (channels: number, arrange: (data: Numbers) => ArrayLike<number>) =>
    roles.map((role, r) =>
      draft.constant(
        { ...tensor, name: roles.length === 1 ? tensor.name : `${call.output}/${role}` },
        {
          shape: [channels],
          layout: `${call.output} ${role} ${axis ?? "one"}`,
          arrange: (data) => (data.constructor as typeof Float32Array).from(arrange(data), of[r]!) as typeof data,
        },
      ),
    );
  if (axis === undefined) {
    const channels = draft.shapeOf(x.name).at(-1);
    if (channels === undefined) throw call.unsupported("a value with dimensions", "a scalar");
    return {
      x,
      constants: make(channels, (data) => new Float64Array(channels).fill(data[0] ?? Number.NaN)),
    };
  }
  const channels = dims[axis]!;
  const rest = dims.map((_, a) => a).filter((a) => a !== axis);
  if (!isInnermost(x.layout, [axis])) {
    const held = [...rest, axis];
    if (!isHeld(x.layout, held)) throw unsupported();
    const moved: Value = { ...x, name: draft.held(x, held, call.where), layout: permuted(dims, held) };
    return { x: moved, constants: make(channels, (data) => data) };
  }
  const order = lastAxis(transposed(x.layout, [...rest, axis]));
  const shape = draft.shapeOf(x.name);
  const name = shape.at(-1) === channels ? x.name : draft.reshape(x.name, [sizeOf(dims) / channels, channels], {});
  const inOrder = (data: Numbers) => (order instanceof Int32Array ? Array.from(order, (at) => data[at]!) : data);
  return { x: { ...x, name }, constants: make(channels, inOrder) };
}
