/**
 * What a model is: a small DAG of nodes from a closed union of ops. Pure data, no behaviour.
 *
 * Every node computes exactly one value, and the node's name *is* the value's name, so inputs, constants and nodes share one name space.
 * Activations are NHWC; a value of rank 2 is [batch, features]. Constants that a node owns (weights, statistics) are named in fields of their own;
 * `inputs` lists activations only.
 * @module
 */

/** Element types that a value can have. */
export type DType = "float32" | "uint8" | "int8" | "int32";

/** Dimensions, outermost first. */
export type Shape = readonly number[];

/** Constant data, matching a {@link DType}. */
export type TensorData = Float32Array | Uint8Array | Int8Array | Int32Array;

/** Affine quantisation: real = scale·(q − zeroPoint); one entry for the tensor, or one per index of `axis`. */
export interface Quantisation {
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  readonly axis: number;
  /** The numbers are signed here, but were unsigned in the file: some rescaling factors are rounded otherwise there. Set by a pass. */
  readonly unsigned?: boolean;
}

/** A value that the caller supplies at each run. */
export interface Input {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly quantisation?: Quantisation;
}

/** How a constant is filled in when no data is given. */
export type Initialiser = "glorotUniform" | "zeros" | "ones";

/** A value known beforehand: weights, biases, statistics. Without `data` the graph is an architecture, to be initialised before it runs. */
export interface Constant {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data?: TensorData;
  readonly initialiser?: Initialiser;
  readonly quantisation?: Quantisation;
}

/** Rows and columns that count as zero around an image. `same` and `valid` are TensorFlow's. */
export type Padding =
  | "same"
  | "valid"
  | { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };

/** Bounds of a value: ReLU is [0, ∞], ReLU6 is [0, 6]. */
export interface Clamp {
  readonly lo: number;
  readonly hi: number;
}

/** A pair for height and width. */
export type Pair = readonly [height: number, width: number];

interface NodeBase {
  /** Name of the node and of the value it computes. */
  readonly name: string;
  /** Names of the activations it reads. */
  readonly inputs: readonly string[];
  /** Type of the value; float32 where it isn't said. */
  readonly dtype?: DType;
  /** What the numbers of an 8-bit value mean: one scale and one zero point. */
  readonly quantisation?: Quantisation;
}

/** How a window moves over an image. */
export interface Window {
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly padding: Padding;
}

/** y[n,oy,ox,o] = clamp(bias[o] + Σ x·w). `weights` [kH, kW, inC, outC], `bias` [outC]. */
export interface Conv2d extends NodeBase, Window {
  readonly op: "conv2d";
  readonly weights: string;
  readonly bias?: string;
  readonly clamp?: Clamp;
}

/** One filter a channel. `weights` [kH, kW, C, multiplier], `bias` [C·multiplier]; output channel c·multiplier + m reads input channel c. */
export interface DepthwiseConv2d extends NodeBase, Window {
  readonly op: "depthwiseConv2d";
  readonly weights: string;
  readonly bias?: string;
  readonly clamp?: Clamp;
}

/** y[..., o] = clamp(bias[o] + Σ_i x[..., i]·w[i, o]). `weights` [in, out], `bias` [out]. */
export interface Dense extends NodeBase {
  readonly op: "dense";
  readonly weights: string;
  readonly bias?: string;
  readonly clamp?: Clamp;
}

/** A depthwise convolution and the pointwise one behind it as one step; made by a pass, never by an importer. */
export interface Separable extends NodeBase {
  readonly op: "separable";
  readonly depthwise: Window & {
    readonly weights: string;
    readonly bias?: string;
    readonly clamp?: Clamp;
    /** What the numbers between the halves mean, in 8-bit networks. */
    readonly quantisation?: Quantisation;
  };
  readonly pointwise: { readonly weights: string; readonly bias?: string; readonly clamp?: Clamp };
}

/** y = gamma·(x − mean)/√(variance + epsilon) + beta, per channel (last axis), with fixed statistics. All [C]. */
export interface BatchNorm extends NodeBase {
  readonly op: "batchNorm";
  readonly gamma?: string;
  readonly beta?: string;
  readonly mean: string;
  readonly variance: string;
  readonly epsilon: number;
}

/** Mean and (biased) variance over all but the last axis: [..., C] → [2, C]. The first step of batch normalisation in training. */
export interface Moments extends NodeBase {
  readonly op: "moments";
}

/** Batch normalisation by statistics computed in the same run: inputs [x, moments]. `gamma`, `beta` [C]. */
export interface Normalise extends NodeBase {
  readonly op: "normalise";
  readonly gamma?: string;
  readonly beta?: string;
  readonly epsilon: number;
}

/**
 * What training keeps of the batch: inputs [moments] → [2, C] of updated moving mean and variance, old·momentum + new·(1 − momentum).
 * The new variance is multiplied by `varianceFactor` first: 1 keeps the biased variance, as tfjs does; n/(n − 1) is TensorFlow's fused kernel.
 */
export interface MovingAverage extends NodeBase {
  readonly op: "movingAverage";
  readonly mean: string;
  readonly variance: string;
  readonly momentum: number;
  readonly varianceFactor: number;
}

/** y = clamp(x·scale + shift) per channel (last axis). Both [C]. What a batch norm becomes when it cannot be folded. */
export interface ScaleShift extends NodeBase {
  readonly op: "scaleShift";
  readonly scale: string;
  readonly shift: string;
  readonly clamp?: Clamp;
}

/** y = min(hi, max(lo, x)): ReLU, ReLU6 and their like. */
export interface ClampNode extends NodeBase, Clamp {
  readonly op: "clamp";
}

/** y = 1/(1 + exp(−x)). */
export interface Sigmoid extends NodeBase {
  readonly op: "sigmoid";
}

/** y = x·clamp(x + 3, 0, 6)/6. */
export interface HardSwish extends NodeBase {
  readonly op: "hardSwish";
}

/** Over the last axis: y = exp(beta·x)/Σ exp(beta·x). */
export interface Softmax extends NodeBase {
  readonly op: "softmax";
  readonly beta: number;
}

/** Window maximum or mean; the mean counts only what lies inside the image. */
export interface Pool extends NodeBase {
  readonly op: "maxPool" | "averagePool";
  readonly size: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
  readonly clamp?: Clamp;
}

/** Mean over height and width: [n,h,w,c] → [n,1,1,c], or [n,c] without `keepDims`. */
export interface GlobalAveragePool extends NodeBase {
  readonly op: "globalAveragePool";
  readonly keepDims: boolean;
}

/** y = clamp(a + b); both of one shape. */
export interface Add extends NodeBase {
  readonly op: "add";
  readonly clamp?: Clamp;
}

/** Joins values along `axis` (≥ 0). */
export interface Concat extends NodeBase {
  readonly op: "concat";
  readonly axis: number;
}

/** Surrounds an image [n,h,w,c] with `value` (batch and channels are never padded). */
export interface Pad extends NodeBase {
  readonly op: "pad";
  readonly padding: { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };
  readonly value: number;
}

/**
 * An image [n,h,w,c] brought to another size, between its four nearest pixels. `alignCorners`: the corner pixels of both coincide;
 * `halfPixelCenters`: pixels are squares, whose outer edges coincide (not both).
 */
export interface ResizeBilinear extends NodeBase {
  readonly op: "resizeBilinear";
  readonly size: Pair;
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

/** The same numbers under another shape; one dimension may be −1 (write the batch so, that it may change). */
export interface Reshape extends NodeBase {
  readonly op: "reshape";
  readonly shape: Shape;
}

/** To 8 bits, from float32 or from 8 bits with another meaning: the node's own type and quantisation say which. */
export interface Quantise extends NodeBase {
  readonly op: "quantise";
}

/** From 8 bits to float32: y = scale·(x − zeroPoint). */
export interface Dequantise extends NodeBase {
  readonly op: "dequantise";
}

/** Nothing (dropout at inference, casts to the same type): a pass removes it. */
export interface Identity extends NodeBase {
  readonly op: "identity";
}

/** One step of a network. The union is closed: a `switch` over `op` is checked for completeness by the compiler. */
export type Node =
  | Conv2d
  | DepthwiseConv2d
  | Dense
  | Separable
  | BatchNorm
  | Moments
  | Normalise
  | MovingAverage
  | ScaleShift
  | ClampNode
  | Sigmoid
  | HardSwish
  | Softmax
  | Pool
  | GlobalAveragePool
  | Add
  | Concat
  | Pad
  | ResizeBilinear
  | Reshape
  | Quantise
  | Dequantise
  | Identity;

/** The name of an op. */
export type Op = Node["op"];

/** How pixels (0 … 255) become network input: (pixel − mean)/std, one number or one a channel. */
export interface Normalisation {
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
}

/** What the raw outputs of a single-shot detector mean. Boxes are in parts of the network's input: 0 is its top or left edge, 1 its bottom or right one. */
export interface Detector {
  /** Name of the output of box encodings [n, anchors, 4]: centre y, centre x, height, width, relative to the anchors. */
  readonly boxes: string;
  /** Name of the output of class logits [n, anchors, columns]; a score is the sigmoid of its logit. */
  readonly scores: string;
  /** [anchors, 4]: top, left, bottom, right. */
  readonly anchors: Float32Array;
  /** What encodings are divided by: the offset of the centre, and the logarithm of the size. */
  readonly scales: { readonly centre: number; readonly size: number };
  /** The classes worth reporting, by the column of `scores` that holds them (the background has none). */
  readonly classes: readonly { readonly column: number; readonly label: string }[];
}

/** What is known of a graph beside its arithmetic. */
export interface Source {
  /** Where it came from: "tflite", "keras", "tfjs", "safetensors", "mobilenetV1", … */
  readonly format: string;
  /** How the network wants its pixels, where the file or its format's convention says so. */
  readonly normalisation?: Normalisation;
  /** Class names, where the file carries them. */
  readonly labels?: readonly string[];
  /** How to turn the outputs into boxes, when the network is a detector. */
  readonly detector?: Detector;
}

/** A model: nodes in topological order. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly constants: ReadonlyMap<string, Constant>;
  readonly nodes: readonly Node[];
  /** Names of the values that a run answers with. */
  readonly outputs: readonly string[];
  /** Further names of values, such as the article's `block0` … `block13` and `output`. */
  readonly endPoints: ReadonlyMap<string, string>;
  readonly source: Source;
}
