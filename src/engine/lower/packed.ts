/**
 * Weights as kernels want them: what is packed, and how many bytes it takes. The packing itself is `host/pack.ts`'s.
 * @module
 */
import { depthwiseS8, matrixF32, matrixS8 } from "../abi.ts";

/** Bounds of a result, its zero point taken off. */
export interface Bounds {
  readonly lo: number;
  readonly hi: number;
}

/** Weights as a kernel wants them. Their size does not depend on the variant; the order inside a packed matrix does. */
export type Packed =
  /** A matrix [k, n] and a bias [n] (or zeros), in panels: (k + 1)·n floats. */
  | {
      readonly layout: "matrix";
      readonly weights: string;
      readonly bias: string | undefined;
      readonly k: number;
      readonly n: number;
    }
  /**
   * An 8-bit matrix [k, n] with what its sums start from and are requantized by, laid out as `docs/abi.md` says of
   * pwconv_s8; or a depthwise kernel [k taps, n channels], as it says of dwconv_s8. `zero`: the zero point of the
   * input, folded into the bias.
   */
  | {
      readonly layout: "matrix_s8" | "depthwise_s8";
      readonly weights: string;
      readonly bias: string | undefined;
      readonly k: number;
      readonly n: number;
      readonly zero: number;
      readonly m: readonly number[];
      readonly e: readonly number[];
      /** Bounds of the results, their zero point taken off. */
      readonly bounds: Bounds;
      /**
       * Whether columns are to be proven for single precision, which takes time: not where sums are long, beside which
       * what comes after counts for little.
       */
      readonly single: boolean;
    }
  /** A constant of signed bytes, as it is. */
  | { readonly layout: "constant_s8"; readonly constant: string; readonly length: number }
  /** Bytes as they are. */
  | { readonly layout: "bytes"; readonly bytes: readonly number[] }
  /** Vectors and arrays one behind the other, as they are; a missing one is `length` times `fill`. */
  | { readonly layout: "rows"; readonly parts: readonly Part[] };

/** A constant, or the number that stands for it. */
export interface Part {
  readonly constant: string | undefined;
  readonly fill: number;
  readonly length: number;
}

/** `length` numbers: those of a constant, or `fill` where there is none. */
export function part(constant: string | undefined, length: number, fill = 0): Part {
  return { constant, length, fill };
}

/** Vectors and arrays, one behind the other. */
export function rows(...parts: Part[]): Packed {
  return { layout: "rows", parts };
}

/** Bytes of packed weights. */
export function packedBytes(packed: Packed): number {
  switch (packed.layout) {
    case "matrix":
      return matrixF32(packed.k, packed.n);
    case "rows":
      return 4 * packed.parts.reduce((sum, { length }) => sum + length, 0);
    case "bytes":
      return packed.bytes.length;
    case "constant_s8":
      return packed.length;
    case "matrix_s8":
      return matrixS8(packed.k, packed.n);
    case "depthwise_s8":
      return depthwiseS8(packed.k, packed.n);
  }
}

/** Bytes of staging that packing needs at the least, whatever the network itself takes. */
export function stagingBytes(packed: Packed): number {
  if (packed.layout === "matrix") return 4 * packed.n;
  return packed.layout === "matrix_s8" ? 4 * packed.n : 0;
}
