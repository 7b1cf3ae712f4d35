/**
 * Weights into the kernels' order, through the arena, which nothing uses yet.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import type { Constant, Graph } from "../../graph/graph.ts";
import { multiplied } from "../../graph/quant.ts";
import { headS8 } from "../abi.ts";
import { type Packed, stagingBytes } from "../lower/packed.ts";
import type { LinearMemory } from "./memory.ts";

type Bytes = Extract<Packed, { layout: "matrix_s8" | "depthwise_s8" }>;

/** Columns of 8-bit weights as they are kept. */
function columnsOf({ n }: Bytes): number {
  return Math.ceil(n / 8) * 8;
}

/** A piece of the arena that may be used on the way. */
export interface Staging {
  readonly address: number;
  readonly bytes: number;
}

/** Writes one set of weights as its kernel wants it, in as many rows at a time as fit into the staging area. */
export function pack(memory: LinearMemory, packed: Packed, address: number, graph: Graph, staging: Staging): void {
  switch (packed.layout) {
    case "rows": {
      let at = address;
      for (const { constant, fill, length } of packed.parts) {
        if (constant === undefined) memory.floats(at, length).fill(fill);
        else memory.floats(at, length).set(floats(graph.constants.get(constant)!));
        at += 4 * length;
      }
      return;
    }
    case "matrix":
      packMatrix(memory, packed, address, graph, staging);
      return;
    case "constant_s8":
      signed(memory, address, packed.length).set(bytes(graph.constants.get(packed.constant)!));
      return;
    case "bytes":
      memory.bytes(address, packed.bytes.length).set(packed.bytes);
      return;
    default:
      packBytes(memory, packed, address, graph, staging);
  }
}

function packMatrix(
  memory: LinearMemory,
  packed: Extract<Packed, { layout: "matrix" }>,
  address: number,
  graph: Graph,
  staging: Staging,
): void {
  const { k, n, weights, bias } = packed;
  const data = floats(graph.constants.get(weights)!);
  packRows(packed, 1, 4 * n, staging, (k0, k1) => {
    memory.floats(staging.address, (k1 - k0) * n).set(data.subarray(k0 * n, k1 * n));
    memory.exports.pwconv_f32_pack(address, staging.address, k, n, k0, k1);
  });
  if (bias !== undefined) memory.floats(staging.address, n).set(floats(graph.constants.get(bias)!));
  memory.exports.pwconv_f32_pack_bias(address, bias === undefined ? 0 : staging.address, k, n);
}

/**
 * Calls `piece` for rows [k0, k1) of a matrix in turn, as many at a time as the staging area holds: a multiple of
 * `unit`, but for the last ones.
 */
function packRows(
  packed: Packed & { readonly k: number },
  unit: number,
  rowBytes: number,
  staging: Staging,
  piece: (k0: number, k1: number) => void,
): void {
  const most = unit * Math.floor(staging.bytes / (unit * rowBytes));
  if (most < unit || staging.bytes < stagingBytes(packed)) {
    throw new RangeError(`staging: expected at least ${unit * rowBytes} bytes, got ${staging.bytes}`);
  }
  for (let k0 = 0; k0 < packed.k; k0 += most) piece(k0, Math.min(packed.k, k0 + most));
}

function packBytes(memory: LinearMemory, packed: Bytes, address: number, graph: Graph, staging: Staging): void {
  const { k, n } = packed;
  const columns = columnsOf(packed);
  const constant = graph.constants.get(packed.weights)!;
  const data = bytes(constant);
  const zw = constant.quantization!.zeroPoints[0]!;
  // The sums of a column, 255 at most from each row, are kept in 32 bits.
  if (k > MOST_ROWS) {
    throw new UnsupportedError(`weights "${packed.weights}": expected at most ${MOST_ROWS} rows, got ${k}`);
  }
  const body = address + headS8(columns);
  // Where the head comes to lie.
  const sums = memory.bytes(address, 8 * columns).fill(0);
  if (packed.layout === "depthwise_s8") {
    const target = signed(memory, body, k * columns);
    for (let tap = 0; tap < k; tap++) target.set(data.subarray(tap * n, (tap + 1) * n), tap * columns);
    memory.exports.pwconv_s8_sums(address, body, k, n, columns, zw);
  } else {
    packRows(packed, 4, n, staging, (k0, k1) => {
      signed(memory, staging.address, (k1 - k0) * n).set(data.subarray(k0 * n, k1 * n));
      memory.exports.pwconv_s8_pack(body, staging.address, k, n, k0, k1);
      memory.exports.pwconv_s8_sums(address, staging.address, k1 - k0, n, n, zw);
    });
  }
  const both = new Int32Array(sums.slice().buffer);
  sums.fill(0);
  packHead(memory, packed, address, graph, both.subarray(0, columns), both.subarray(columns));
}

/**
 * Bias with the zero points folded in, b − zx·Σ(w − zw), modulo 2³² as the sums are; multipliers; shifts.
 * @param above,below sums of what each column has above and below the weights' zero point
 * @throws {@link UnsupportedError} where a sum could leave 32 bits and that could be seen: not of a filter that has
 *   died, whose factor leaves nothing of any sum
 */
function packHead(
  memory: LinearMemory,
  packed: Bytes,
  address: number,
  graph: Graph,
  above: Int32Array,
  below: Int32Array,
): void {
  const { n, zero, m, e } = packed;
  const columns = columnsOf(packed);
  const bias = packed.bias === undefined ? undefined : graph.constants.get(packed.bias)!.data;
  if (bias !== undefined && !(bias instanceof Int32Array)) {
    throw new TypeError(`constant ${packed.bias}: expected an Int32Array of data, got ${bias}`);
  }
  const { view } = memory;
  const [lo, hi] = [-128 - zero, 127 - zero];
  for (let o = 0; o < n; o++) {
    const b = bias?.[o] ?? 0;
    const [least, most] = [b + lo * above[o]! + hi * below[o]!, b + hi * above[o]! + lo * below[o]!];
    if ((least < LEAST_SUM || most > MOST_SUM) && !vanishes(m[o]!, e[o]!)) {
      throw new UnsupportedError(
        `weights "${packed.weights}", column ${o}: expected sums within 32 bits, got a bias of ${b} and sums from ${least} to ${most}`,
      );
    }
    // Wraps, as the kernels' additions do: what is folded in may leave 32 bits though every sum lies within.
    view.setInt32(address + 4 * o, b - zero * (above[o]! + below[o]!), true);
    view.setInt32(address + 4 * (columns + o), m[o]!, true);
    view.setInt8(address + 8 * columns + o, e[o]!);
  }
  if (!packed.single) return;
  const bounds = packed.bounds;
  const shifts = address + 8 * columns;
  memory.exports.pwconv_s8_prove(address + 4 * columns, shifts, shifts + columns, n, bounds.lo, bounds.hi);
}

const MOST_ROWS = 2 ** 23;

/** Bounds of a sum. */
const [LEAST_SUM, MOST_SUM] = [-(2 ** 31), 2 ** 31 - 1];

/** Whether a factor makes 0 of every sum. It grows with the sum, so the ends tell. */
function vanishes(m: number, e: number): boolean {
  return e >= 0 && multiplied(LEAST_SUM, { m, e }) === 0 && multiplied(MOST_SUM, { m, e }) === 0;
}

function floats({ name, data }: Constant): Float32Array {
  if (!(data instanceof Float32Array))
    throw new TypeError(`constant ${name}: expected a Float32Array of data, got ${data}`);
  return data;
}

function signed({ buffer }: LinearMemory, address: number, length: number): Int8Array {
  return new Int8Array(buffer, address, length);
}

function bytes({ name, data }: Constant): Int8Array {
  if (!(data instanceof Int8Array)) throw new TypeError(`constant ${name}: expected an Int8Array of data, got ${data}`);
  return data;
}
