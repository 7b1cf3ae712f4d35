/**
 * What a value is: its type, its dimensions, its numbers and what they mean.
 * @module
 */

/** Element types that a value can have. */
export type DType = "float32" | "uint8" | "int8" | "int32";

/** Dimensions, outermost first. */
export type Shape = readonly number[];

/** Constant data, matching a {@link DType}. */
export type TensorData = Float32Array | Uint8Array | Int8Array | Int32Array;

/** Affine quantization: real = scale·(q − zeroPoint); one entry for the tensor, or one per index of `axis`. */
export interface Quantization {
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  readonly axis: number;
  /**
   * The numbers are signed here, but were unsigned in the file: some rescaling factors are rounded otherwise there. Set
   * by a pass.
   */
  readonly unsigned?: boolean;
}

/** A value that the caller supplies at each run. */
export interface Input {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly quantization?: Quantization;
}

/** How a constant is filled in when no data is given. */
export type Initializer = "glorotUniform" | "zeros" | "ones";

/**
 * A value known beforehand: weights, biases, statistics. Without `data` the graph is an architecture, to be initialized
 * before it runs.
 */
export interface Constant {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data?: TensorData;
  readonly initializer?: Initializer;
  readonly quantization?: Quantization;
}
