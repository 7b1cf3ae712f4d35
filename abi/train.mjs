/**
 * The records of a training step, which both sides must know: see `abi/generate.mjs`. Every field has four bytes.
 * @module
 */

/** Alignment of everything that a record points at, in bytes. */
export const TRAIN_ALIGN = 16;
/** Bytes behind a tensor that kernels may read. */
export const TRAIN_SLACK = 64;
/** Changes with every change of the records or of what kernels mean. */
export const TRAIN_ABI_VERSION = 2;

/** Kernels by number, in this order. */
export const TRAIN_KERNELS = [
  ["matrix", "1×1 convolution or dense layer: y = view(x)·w + b"],
  ["matrix_gradient", "its gradients: gx = dz·wᵀ, dw = view(x)ᵀ·dz, db = Σ dz"],
  ["depthwise", "depthwise convolution of any window"],
  ["depthwise_gradient", "its gradients"],
  ["conv", "convolution of any window, as a matrix product of its windows"],
  ["conv_gradient", "its gradients"],
  ["mean", "mean of each image's pixels"],
  ["mean_gradient", "its gradient"],
  ["cross_entropy", "softmax with cross-entropy: loss, hits, and the logits' gradient"],
  ["view_fixed", "scale and shift of a batch norm whose statistics are fixed"],
  ["view_statistics", "the batch's statistics of y, where no other kernel takes them on the way"],
  ["view_gradient", "sums over the batch that the gradient of a batch norm needs"],
  ["view_backward", "gy becomes the gradient before the view: dz"],
  ["view_average", "moving averages take the batch's statistics in"],
  ["norm", "the length of all gradients together"],
  ["sgd", "update: gradient descent with momentum"],
  ["adam", "update: Adam, AdamW"],
  ["copy", "y = view(x)"],
  ["copy_gradient", "gx = dz"],
  ["add", "y = view(x) + view(x2)"],
  ["dropout", "y = view(x), some of it zero"],
  ["dropout_gradient", "its gradient"],
  ["curve", "a function of each number: see Curve"],
  ["curve_gradient", "its gradients"],
  ["multiply", "y = view(x)·view(x2)"],
  ["multiply_gradient", "the gradient of one factor"],
  ["place", "view(x) becomes a part of y: concatenation, padding"],
  ["place_gradient", "its gradient"],
  ["repeat", "each channel several times"],
  ["repeat_gradient", "its gradient"],
  ["pool", "largest or mean of each window"],
  ["pool_gradient", "its gradient"],
];

/** Bits of the field `flags`. */
export const TRAIN_FLAGS = [
  ["WEIGHTS", "dw is wanted"],
  ["INPUT", "gx is wanted"],
  ["ACCUMULATE", "gx is added to: another reader of x wrote it before"],
  ["STATISTICS", "y is seen through a batch norm by statistics of the batch, which are taken on the way"],
  ["REDUCE", "gx is complete with this step: the sums of x's batch norm are taken on the way"],
  ["DECAY", "weight decay"],
  ["NESTEROV", "Nesterov's momentum"],
  ["FILL", "what of y is not written becomes a"],
  ["DECOUPLED", "weight decay beside the gradient (AdamW)"],
];

/** Functions of the kernel `curve`, in its field `which`. */
export const TRAIN_CURVES = [
  ["SIGMOID", "1/(1 + exp(−x))"],
  ["HARD_SWISH", "x·clamp(x + 3, 0, 6)/6"],
  ["LEAKY", "x, or a·x below 0"],
  ["PRELU", "the same with an a for each channel, in w"],
  ["AFFINE", "a·x + c"],
];

/** One kernel of a training step. */
export const TRAIN_STEP = [
  ["kernel", "i32", "Which kernel: its number."],
  ["flags", "i32", "What of it is wanted."],
  ["x", "usize", "Input, before its view. Row-major, images first."],
  ["xv", "usize", "The view that x is seen through; 0: as it is."],
  ["x2", "usize", "Second input."],
  ["x2v", "usize", "Its view."],
  ["y", "usize", "Output, before its view."],
  ["yv", "usize", "The view that y is seen through."],
  ["gx", "usize", "Gradient of the loss by view(x)."],
  ["gy", "usize", "Gradient of the loss by view(y)."],
  ["w", "usize", "Weights, as the graph has them."],
  ["b", "usize", "Bias; 0: none."],
  ["dw", "usize", "Gradient by the weights."],
  ["db", "usize", "Gradient by the bias; 0: none is wanted."],
  ["s", "usize", "Scratch."],
  ["rows", "i32", "Rows (pixels) an image: of x and y in kernels without a window, of y in those with one."],
  ["block", "i32", "Rows, or in kernels with a window images, that are worked on before the next ones."],
  ["inH", "i32", "Rows of an input image."],
  ["inW", "i32", "Columns of an input image."],
  ["inC", "i32", "Channels of the input."],
  ["outH", "i32", "Rows of an output image."],
  ["outW", "i32", "Columns of an output image."],
  ["outC", "i32", "Channels of the output."],
  ["kH", "i32", "Rows of a window's taps."],
  ["kW", "i32", "Columns of a window's taps."],
  ["strideH", "i32", "Rows from one window to the next."],
  ["strideW", "i32", "Columns from one window to the next."],
  ["dilationH", "i32", "Rows from one tap to the next."],
  ["dilationW", "i32", "Columns from one tap to the next."],
  ["padT", "i32", "Rows of zeros above the image."],
  ["padL", "i32", "Columns of zeros left of the image."],
  ["padC", "i32", "Channels before the image's."],
  ["padB", "i32", "Rows of zeros below the image."],
  ["padR", "i32", "Columns of zeros right of the image."],
  ["s0", "usize", "Scratch: packed weights."],
  ["s1", "usize", "Scratch: view(x), of a block or with the zeros around it."],
  ["s2", "usize", "Scratch: dz, of a block, or with the zeros around and between it."],
  ["s3", "usize", "Scratch: gx of a block, before it is added."],
  ["which", "i32", "One of several ways of a kernel."],
  ["count", "i32", "Elements, in kernels that know no images."],
  ["a", "f32", "A parameter of a single kernel."],
  ["c", "f32", "Another one."],
  ["d", "f32", "A third one."],
  ["seed", "i32", "Where a kernel's random numbers begin."],
];

/** How a value is seen by those who read it: view(z) = clamp(z·scale + shift, lo, hi). */
export const TRAIN_VIEW = [
  ["norm", "i32", "0: no scale and shift. 1: batch norm by the batch's statistics. 2: by fixed ones."],
  ["channels", "i32", "Channels: the last axis of z."],
  ["rows", "i32", "Rows (pixels) an image."],
  ["lo", "f32", "Lower bound."],
  ["hi", "f32", "Upper bound."],
  ["epsilon", "f32", "What the variance is increased by."],
  ["momentum", "f32", "How much of a moving average stays."],
  ["scale", "usize", "[channels]"],
  ["shift", "usize", "[channels]"],
  ["mean", "usize", "[channels], that is subtracted"],
  ["variance", "usize", "[channels], biased"],
  ["gamma", "usize", "[channels]; 0: ones."],
  ["beta", "usize", "[channels]; 0: zeros."],
  ["movingMean", "usize", "[channels]"],
  ["movingVariance", "usize", "[channels]"],
  ["dgamma", "usize", "[channels] gradient; never 0 where a gradient is taken"],
  ["dbeta", "usize", "[channels] gradient; the same"],
  ["k", "usize", "[channels]: dz = k·g + (a·z + b), g being the gradient where z is within bounds"],
  ["a", "usize", "[channels]"],
  ["b", "usize", "[channels]"],
];

/** What the host writes before a step, and reads after it. */
export const TRAIN_STATE = [
  ["rate", "f32", "Learning rate."],
  ["step", "i32", "Which step it is, from 0 on: random numbers depend on it."],
  ["momentum", "f32", "Of gradient descent; β₁ of Adam."],
  ["beta2", "f32", "β₂ of Adam."],
  ["epsilon", "f32", "ε of Adam."],
  ["decay", "f32", "Weight decay."],
  ["correction1", "f32", "1/(1 − β₁ᵗ)"],
  ["correction2", "f32", "1/(1 − β₂ᵗ)"],
  ["clip", "f32", "What the gradients' length is reduced to where it is more; ∞: never."],
  ["loss", "f32", "Mean loss of the images."],
  ["hits", "i32", "Images whose largest logit is their label's."],
  ["seen", "i32", "Images with a label."],
  ["length", "f32", "Length of all gradients together, before it was reduced."],
  ["factor", "f32", "What the gradients are multiplied by in the update."],
];
