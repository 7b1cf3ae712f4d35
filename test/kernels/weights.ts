/**
 * Weights of a step as the harness puts them into memory: as they are, or through the packers that the module itself
 * has.
 * @module
 */
import type { Exports } from "../variants.ts";

/** A matrix [k, n] with its bias (zeros without) for the packers of pwconv_f32. */
export interface FloatMatrix {
  readonly matrix: Float32Array;
  readonly bias?: Float32Array | undefined;
  readonly k: number;
  readonly n: number;
}

/**
 * A matrix [k, n] of 8 bits for the packer of pwconv_s8, behind a head that is already in its form: bias, multipliers,
 * shifts.
 */
export interface ByteMatrix {
  readonly matrix: Int8Array;
  readonly head: Uint8Array;
  readonly k: number;
  readonly n: number;
  /** The zero point of the weights. */
  readonly zero: number;
  /** Bounds of the results, their zero point taken off, where columns are to be proven for single precision. */
  readonly proveFor?: { readonly lo: number; readonly hi: number };
}

/** What a step's w or w2 points at. */
export type StepWeights = Float32Array | Uint8Array | FloatMatrix | ByteMatrix;

type Put = (at: number, data: ArrayBufferView) => void;

const up = (value: number, unit: number) => Math.ceil(value / unit) * unit;

function isByteMatrix(w: FloatMatrix | ByteMatrix): w is ByteMatrix {
  return "head" in w;
}

/** Bytes of panels behind the head. */
function panelBytes({ k, n }: ByteMatrix): number {
  return up(k, 4) * up(n, 8);
}

/** Bytes that weights take in the form that their kernel reads. */
export function packedBytes(w: StepWeights): number {
  if (ArrayBuffer.isView(w)) return w.byteLength;
  return isByteMatrix(w) ? w.head.length + panelBytes(w) : 4 * (w.k + 1) * w.n;
}

/** Bytes of the place that {@link putWeights} may use on the way. */
export function rawBytes(w: StepWeights | undefined): number {
  if (w === undefined || ArrayBuffer.isView(w)) return 0;
  return isByteMatrix(w) ? w.k * w.n : 4 * (w.k + 1) * w.n;
}

/**
 * Puts weights at `to`, those of 8 bits ready for a product; `raw` is where a matrix lies while it is packed.
 * @throws when a packer does not write what it has to, or more
 */
export function putWeights(
  exports: Exports,
  to: number,
  weights: StepWeights,
  raw: number,
  put: Put,
  product = 0,
): void {
  if (ArrayBuffer.isView(weights)) put(to, weights);
  else if (isByteMatrix(weights)) packBytes(exports, to, weights, raw, put, product);
  else packFloats(exports, to, weights, raw, put);
}

/** Packs as a host does that holds only a part of the matrix at a time. */
function packFloats(exports: Exports, to: number, { matrix, bias, k, n }: FloatMatrix, raw: number, put: Put): void {
  const memory = new Uint32Array(exports.memory.buffer, to, (k + 1) * n);
  const poison = memory[0]!;
  withinBounds(exports, to, memory.byteLength, `pwconv_f32_pack [${k}, ${n}]`, () => {
    const cut = Math.ceil(k / 3);
    for (let k0 = 0; k0 < k; k0 += cut) {
      const k1 = Math.min(k, k0 + cut);
      put(raw, matrix.subarray(k0 * n, k1 * n));
      exports.pwconv_f32_pack(to, raw, k, n, k0, k1);
    }
    if (bias) put(raw, bias);
    exports.pwconv_f32_pack_bias(to, bias ? raw : 0, k, n);
  });
  const hole = memory.indexOf(poison);
  if (hole >= 0) throw new Error(`pwconv_f32_pack [${k}, ${n}]: left float ${hole} unwritten`);
}

/** As {@link packFloats}; parts begin at multiples of four rows, and panels are zero before. */
function packBytes(exports: Exports, to: number, weights: ByteMatrix, raw: number, put: Put, product: number): void {
  const { matrix, head, k, n, zero } = weights;
  const panels = to + head.length;
  put(to, head);
  put(panels, new Uint8Array(panelBytes(weights)));
  withinBounds(exports, panels, panelBytes(weights), `pwconv_s8_pack [${k}, ${n}]`, () => {
    const cut = up(Math.ceil(k / 3), 4);
    for (let k0 = 0; k0 < k; k0 += cut) {
      const k1 = Math.min(k, k0 + cut);
      put(raw, matrix.subarray(k0 * n, k1 * n));
      exports.pwconv_s8_pack(panels, raw, k, n, k0, k1);
    }
  });
  if (weights.proveFor !== undefined) {
    const [n8, { lo, hi }] = [up(n, 8), weights.proveFor];
    withinBounds(exports, to + 9 * n8, n8, `pwconv_s8_prove [${n}]`, () => {
      exports.pwconv_s8_prove(to + 4 * n8, to + 8 * n8, to + 9 * n8, n, lo, hi);
    });
  }
  if (product === 0) return;
  const bytes = new Uint8Array(exports.memory.buffer, to, packedBytes(weights));
  const before = bytes.slice();
  withinBounds(exports, to, bytes.length, `pwconv_s8_suit [${k}, ${n}]`, () => {
    // There, back, and there again: a saved session is one that went back.
    exports.pwconv_s8_suit(to, k, n, zero, 0, product);
    exports.pwconv_s8_suit(to, k, n, zero, product, 0);
    if (bytes.some((byte, i) => byte !== before[i])) throw new Error(`pwconv_s8_suit [${k}, ${n}]: lost its way back`);
    exports.pwconv_s8_suit(to, k, n, zero, 0, product);
  });
}

/** Sees to it that the 32 bytes on either side of a place stay as they are. */
function withinBounds(exports: Exports, at: number, bytes: number, what: string, pack: () => void): void {
  const memory = new Uint8Array(exports.memory.buffer);
  const around = () => [...memory.slice(at - 32, at), ...memory.slice(at + bytes, at + bytes + 32)];
  const before = `${around()}`;
  pack();
  if (`${around()}` !== before) throw new Error(`${what}: wrote past the packed matrix`);
}
