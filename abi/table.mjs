/**
 * The ABI: what the kernels and their host must both know, said once. `abi/generate.mjs` writes both sides and a
 * reference page from it.
 *
 * Expressions are in what AssemblyScript and TypeScript have in common, over the fields of the record `s`: arithmetic,
 * comparisons by `==` and `!=`, `&&`, `||`, `Math.max`, `Math.ceil` and the like, the functions and constants below.
 * They are computed in double precision on both sides, so that nothing overflows: a number that leaves 32 bits is seen
 * as one.
 * @module
 */

/** Raised when a record's layout or a kernel's contract changes. */
export const ABI_VERSION = 3;

/** Constants of both sides. `module`: whether the wasm module exports it, for the host to compare. */
export const CONSTANTS = [
  {
    name: "ABI_VERSION",
    value: ABI_VERSION,
    module: true,
    what: "Raised when the record or a kernel's contract changes.",
  },
  {
    name: "STEP_BYTES",
    value: 256,
    module: true,
    what: "Bytes from one step record to the next; the rest of it is 0.",
  },
  {
    ...{ name: "ENTRY_BYTES", value: 32, module: true },
    what: "Bytes from one entry of a schedule to the next; the rest of it is 0.",
  },
  { name: "ALIGN", value: 16, module: true, what: "Alignment of every tensor, in bytes." },
  { name: "SLACK", value: 16, module: true, what: "Bytes past the end of a tensor that kernels may read, and ignore." },
  { name: "BASE", value: 2048, module: false, what: "Where a plan's own bytes begin: past the module's static data." },
  { name: "DEPTHWISE_S8", value: 496, module: false, what: "Bytes of scratch of a depthwise half in 8 bits." },
];

/** The record: fields of four bytes each, in their order. Pointers (usize) are byte addresses. */
export const FIELDS = [
  ["kernel", "i32", "Which kernel: its number."],
  ["rows", "i32", "How many row units the step has; a kernel computes the units [y0, y1) of them."],

  ["x", "usize", "First input."],
  ["x2", "usize", "Second input."],
  ["w", "usize", "Packed weights (of the depthwise half in a separable step)."],
  ["w2", "usize", "Packed weights of the pointwise half."],
  ["y", "usize", "Output."],
  ["s", "usize", "Scratch."],

  ["n", "i32", "Images."],
  ["inH", "i32", "Rows of an input image."],
  ["inW", "i32", "Columns of an input image."],
  ["inC", "i32", "Channels of the input: the elements that lie next to each other."],
  ["outH", "i32", "Rows of an output image."],
  ["outW", "i32", "Columns of an output image."],
  ["outC", "i32", "Channels of the output."],

  ["kH", "i32", "Rows of a window's taps."],
  ["kW", "i32", "Columns of a window's taps."],
  ["strideH", "i32", "Rows from one window to the next."],
  ["strideW", "i32", "Columns from one window to the next."],
  ["dilationH", "i32", "Rows from one tap to the next."],
  ["dilationW", "i32", "Columns from one tap to the next."],
  ["padT", "i32", "Rows above the image."],
  ["padL", "i32", "Columns left of the image."],
  ["padC", "i32", "Channels before the image's."],

  ["multiplier", "i32", "Depthwise outputs per input channel."],
  ["midC", "i32", "Channels between the depthwise and the pointwise half."],
  ["tile", "i32", "Rows (pixels) of the scratch panel that the matrix kernel works on at a time."],
  ["xPitch", "i32", "Elements from one row unit of x to the next, where it isn't given by the shape."],
  ["yPitch", "i32", "Elements from one row unit of y to the next, where it isn't given by the shape."],

  ["lo", "f32", "Lower bound of y."],
  ["hi", "f32", "Upper bound of y."],
  ["lo2", "f32", "Lower bound of the value between the two halves of a separable step."],
  ["hi2", "f32", "Upper bound of the value between the two halves of a separable step."],
  ["a", "f32", "A parameter of a single kernel."],
  ["b", "f32", "Another one."],

  ["zx", "i32", "Zero point of x."],
  ["zx2", "i32", "Zero point of x2."],
  ["zw", "i32", "Zero point of the weights at w."],
  ["zw2", "i32", "Zero point of the weights at w2."],
  ["zm", "i32", "Zero point of the value between the halves of a separable step."],
  ["zy", "i32", "Zero point of y."],
  ["qlo", "i32", "Lower bound of y, in its own 8 bits."],
  ["qhi", "i32", "Upper bound of y, in its own 8 bits."],
  ["qlo2", "i32", "Lower bound of the value between the two halves of a separable step."],
  ["qhi2", "i32", "Upper bound of the value between the two halves of a separable step."],
  ["m1", "i32", "Multiplier of x (0 or 2³⁰ … 2³¹−1), of kernels that have one for the whole tensor."],
  ["e1", "i32", "Right shift of x."],
  ["m2", "i32", "Multiplier of x2."],
  ["e2", "i32", "Right shift of x2."],
  ["m3", "i32", "Multiplier of y."],
  ["e3", "i32", "Right shift of y."],
  ["flags", "i32", "Single bits; each kernel has its own."],
  ["operator", "i32", "Which operator of two operands."],
  ["spread", "i32", "Axes along which x has one element for all: bit 0 for the innermost, 1 for the next one."],
  ["spread2", "i32", "Axes along which the second operand has."],
  ["product", "i32", "How this host multiplies 8-bit numbers; the weights' biases are for it."],
];

/**
 * An entry of a schedule, in the same way. What it means depends on its kind, see {@link KINDS}. Where the rows of a
 * value slide through a buffer of a few, row r lies at x + dx + r·pitch, whatever was dropped before: the sum counts,
 * modulo 2³², and x + dx may lie below 0.
 */
export const ENTRY = [
  ["step", "usize", "Byte address of the step's record; of a MOVE, of the buffer; of a FEED, where the rows are put."],
  [
    "u0",
    "i32",
    "The first of its units that are computed; of a MOVE, bytes that are dropped; of a FEED, the first row.",
  ],
  ["u1", "i32", "The unit behind the last one; of a MOVE, bytes that stay; of a FEED, the row behind the last one."],
  ["dx", "i32", "Bytes to be added to the step's x; of a FEED, which of the network's inputs."],
  ["dx2", "i32", "Bytes to be added to the step's x2."],
  ["dy", "i32", "Bytes to be added to the step's y."],
  ["kind", "i32", "What is done: a number of KINDS."],
  ["ds", "i32", "Bytes to be added to the step's s: each lane has scratch of its own."],
];

/** What an entry of a schedule does. */
export const KINDS = {
  WHOLE: { number: 0, what: "Units of a step are computed, the record being as it is." },
  ROWS: { number: 1, what: "Units of a step are computed, by a copy of its record with dx, dx2, dy and ds added." },
  MOVE: { number: 2, what: "Bytes that stay move to the front of a buffer, over those that are dropped." },
  FEED: { number: 3, what: "Nothing: the host has put rows of an input there." },
  MEET: { number: 4, what: "Nothing: no lane goes on before all have come here." },
};

/** Bits of `flags`. A bit may mean one thing to one kernel and another to the next: each kernel lists its own. */
export const FLAGS = {
  FAST_DEPTHWISE: { bit: 1, what: "The fast requantization is exact for all channels of the depthwise half." },
  FAST_POINTWISE: { bit: 2, what: "The fast requantization is exact for all columns of the pointwise half." },
  HALF_PIXELS: { bit: 1, what: "Pixels are squares whose centers lie at ½, not points." },
  UNSIGNED: { bit: 2, what: "The file's numbers are unsigned: positions and sums as TFLite has them for uint8." },
  FROM_TABLE: { bit: 1, what: "The exponentials stand in a table: the arithmetic of uint8 files." },
  SUM: { bit: 1, what: "Of a reduction: the sum." },
  MEAN: { bit: 2, what: "Of a reduction: the mean." },
  MAXIMUM: { bit: 4, what: "Of a reduction: the largest; NaN where one is NaN." },
  MINIMUM: { bit: 8, what: "Of a reduction: the smallest; NaN where one is NaN." },
  PRODUCT: { bit: 16, what: "Of a reduction: the product." },
  ABSOLUTE: { bit: 1, what: "|x|." },
  NEGATIVE: { bit: 2, what: "−x." },
  SQUARE: { bit: 4, what: "x²." },
  SQUARE_ROOT: { bit: 8, what: "√x; NaN below 0." },
  RECIPROCAL_ROOT: { bit: 16, what: "1/√x." },
  RECIPROCAL: { bit: 32, what: "1/x." },
  EXPONENTIAL: { bit: 64, what: "exp(x)." },
  TANGENT: { bit: 128, what: "tanh(x)." },
  FLOOR: { bit: 256, what: "⌊x⌋." },
  CEILING: { bit: 512, what: "⌈x⌉." },
  NEAREST: { bit: 1024, what: "The nearest whole number, of two equally near ones the even one." },
  TRUNCATE: { bit: 2048, what: "x without its fraction." },
  LOGARITHM: { bit: 4096, what: "ln x; NaN below 0." },
  CONSTANT: { bit: 1, what: "The second operand is a constant, at w." },
  LAST: { bit: 1, what: "Of equal ones the last." },
};

/**
 * Operators of two operands a and b. Those before SUB take them either way; from there on an odd one has them the other
 * way round than the even one before it.
 */
export const OPERATORS = {
  ADD: { number: 0, what: "a + b" },
  MUL: { number: 1, what: "a·b" },
  MAXIMUM: { number: 2, what: "The larger one." },
  MINIMUM: { number: 3, what: "The smaller one." },
  SUB: { number: 4, what: "a − b" },
  SUB_FROM: { number: 5, what: "b − a" },
  DIV: { number: 6, what: "a/b" },
  DIV_INTO: { number: 7, what: "b/a" },
};

/**
 * How a build multiplies 8-bit numbers. Four bytes at a time is `i32x4.relaxed_dot_i8x16_i7x16_add_s`, whose result the
 * standard leaves to the host as soon as an operand has more than 7 bits; hosts are asked which of these they are.
 */
export const PRODUCTS = {
  PAIRS: { number: 0, what: "Widened to 16 bits, pairs at a time: every host with vectors." },
  UNSIGNED: { number: 1, what: "Four bytes at a time, x unsigned, w signed, exact." },
  SIGNED: { number: 2, what: "Four bytes at a time, both signed, exact." },
};

/**
 * Functions of the record (without parameters), or of their parameters. `sizes`: kernels and packers compute addresses
 * by it, so the assembly has it in whole bytes too.
 */
export const FUNCTIONS = [
  { name: "image", of: "s.n * s.inH * s.inW * s.inC", what: "Elements of the input images." },
  { name: "pixels", of: "s.rows * s.outW", what: "Pixels of the output." },
  { name: "elements", of: "s.rows * s.inC", what: "Elements of rows of inC." },
  {
    name: "stridedElements",
    of: "s.rows * s.outW * s.midC * s.outC",
    what: "Elements of the output of a strided copy.",
  },
  {
    ...{ name: "highest", of: "s.padC + rise(s.n, s.xPitch) + rise(s.outH, s.strideH)" },
    what: "The last element of x that the outer axes of a strided copy come to.",
  },
  {
    ...{ name: "higher", of: "rise(s.outW, s.strideW) + rise(s.midC, s.dilationH)" },
    what: "How far the middle axes of a strided copy lead upwards.",
  },
  {
    ...{ name: "lowest", of: "s.padC - rise(s.n, -s.xPitch) - rise(s.outH, -s.strideH)" },
    what: "The first element of x that the outer axes of a strided copy come to.",
  },
  {
    ...{ name: "lower", of: "rise(s.outW, -s.strideW) + rise(s.midC, -s.dilationH)" },
    what: "How far the middle axes of a strided copy lead downwards.",
  },
  { name: "reduced", of: "s.rows * s.kH * s.kW * s.inC", what: "Elements of the input of a reduction." },
  {
    ...{ name: "outer", params: ["spread", "n", "outH", "outW"] },
    of: "(has(spread, 16) ? 1 : n) * (has(spread, 8) ? 1 : outH) * (has(spread, 4) ? 1 : outW)",
    what: "Elements of an operand along the outer axes, 1 along those of `spread`.",
  },
  {
    ...{ name: "inner", params: ["spread", "outC", "inC"] },
    of: "(has(spread, 2) ? 1 : outC) * (has(spread, 1) ? 1 : inC)",
    what: "The same along the inner axes.",
  },
  { name: "windowK", of: "s.kH * s.kW * s.inC", what: "Elements of a window." },
  {
    ...{ name: "reach", params: ["size", "out", "taps", "stride", "dilation", "pad"] },
    of: "size + (out + 2) * stride + (taps + 1) * dilation + Math.abs(pad)",
    what: "What no position of a tap exceeds, however it is computed.",
  },
  {
    ...{ name: "rise", params: ["size", "step"] },
    of: "Math.max(0, (size - 1) * step)",
    what: "How far an axis of a strided copy leads upwards.",
  },
  {
    name: "matrixF32",
    params: ["k", "n"],
    of: "4 * (k + 1) * n",
    what: "Bytes of a packed matrix [k, n] and its bias.",
  },
  {
    ...{ name: "depthwiseF32", params: ["taps", "n"], of: "4 * (taps + 1) * n" },
    what: "Bytes of depthwise weights of n channels and their bias.",
  },
  { name: "pairF32", params: ["n"], of: "8 * n", what: "Bytes of two vectors of n floats." },
  {
    ...{ name: "headS8", params: ["n"], of: "8 * n + up(2 * n, 16)", sizes: true },
    what: "Bytes before the weights of n columns in 8 bits: bias i32, multipliers i32, shifts i8, marks i8.",
  },
  {
    ...{ name: "matrixS8", params: ["k", "n"], of: "headS8(up(n, 8)) + up(k, 4) * up(n, 8)" },
    what: "Bytes of a packed matrix [k, n] in 8 bits.",
  },
  {
    ...{ name: "depthwiseS8", params: ["taps", "n"], of: "headS8(up(n, 8)) + taps * up(n, 8)" },
    what: "Bytes of depthwise weights of n channels in 8 bits.",
  },
  {
    ...{ name: "rowsS8", params: ["tile", "k"], of: "up(2 * tile * up(k, 4), 16)", sizes: true },
    what: "Bytes of a panel's rows of k values in 16 bits.",
  },
  {
    ...{ name: "panelS8", params: ["tile", "k"], of: "rowsS8(tile, k) + up(4 * tile, 16)", sizes: true },
    what: "Bytes of a panel and the sums of its rows.",
  },
  {
    ...{ name: "columnsS8", params: ["k"], of: "320 + 16 * up(k, 4)" },
    what: "Bytes of the constants of eight columns, of sums of six rows, and of weights in 16 bits.",
  },
];

/** From 1 on, each. */
const positive = (...fields) => fields.map((field) => [`${field} from 1 on`, `s.${field} >= 1`]);
const below = (what, expression) => [`fewer than 2³¹ ${what}`, `${expression} < 2147483648`];
/** Zero points of 8 bits, signed or not. */
const zeros = (...fields) => fields.map((zero) => [`${zero} of 8 bits`, `s.${zero} >= -128 && s.${zero} <= 128`]);
const ordered = (lo, hi) => [
  [`bounds of 8 bits in their order: ${lo}, ${hi}`, `-128 <= s.${lo} && s.${lo} <= s.${hi} && s.${hi} <= 127`],
];
/** A panel of `unit` pixels or a multiple, of k values each. */
const tiles = (unit, k) => [
  unit === "1"
    ? ["a tile of a pixel or more", "s.tile >= 1"]
    : [`a tile of ${unit.replace("s.", "")} pixels or a multiple`, `s.tile >= ${unit} && s.tile % ${unit} == 0`],
  below("elements in a panel", `s.tile * ${k}`),
];
const rowElements = [...positive("rows", "inC"), below("elements", "elements(s)")];

/**
 * What several kernels need. A need is what must hold, in words, and as an expression; a name stands for another group.
 * Marked `plan`, it is what every plan keeps, and kernels do without; marked `debug`, only the debug build asks for it,
 * since no byte goes astray without.
 */
export const GROUPS = {
  imageRows: [
    ...positive("n", "inH", "inW", "inC", "outH", "outW"),
    ["n·outH rows", "s.rows == s.n * s.outH"],
    below("elements", "Math.max(image(s), pixels(s) * s.inC)"),
  ],
  windows: [
    "imageRows",
    ...positive("kH", "kW", "strideH", "strideW", "dilationH", "dilationW"),
    ["rows of taps within 31 bits", "reach(s.inH, s.outH, s.kH, s.strideH, s.dilationH, s.padT) < 2147483648"],
    ["columns of taps within 31 bits", "reach(s.inW, s.outW, s.kW, s.strideW, s.dilationW, s.padL) < 2147483648"],
  ],
  depthwise: ["windows", ...positive("multiplier"), below("outputs", "pixels(s) * s.inC * s.multiplier")],
  separable: [
    "depthwise",
    ...positive("outC"),
    ...tiles("s.outW", "s.midC"),
    ["midC = inC·multiplier", "s.midC == s.inC * s.multiplier"],
    below("outputs", "pixels(s) * s.outC"),
  ],
  conv: ["windows", ...positive("outC"), ...tiles("1", "windowK(s)"), below("outputs", "pixels(s) * s.outC")],
  pool: [
    "imageRows",
    ...positive("kH", "kW", "strideH", "strideW"),
    ["rows of taps within 31 bits", "reach(s.inH, s.outH, s.kH, s.strideH, 1, s.padT) < 2147483648"],
    ["columns of taps within 31 bits", "reach(s.inW, s.outW, s.kW, s.strideW, 1, s.padL) < 2147483648"],
    ["padT and padL from 0 on", "s.padT >= 0 && s.padL >= 0"],
    ["sums of a window within 31 bits", "s.kH * s.kW * 255 < 2147483648"],
  ],
  globalPool: [
    ...positive("n", "inH", "inW", "inC"),
    ["a row per image", "s.rows == s.n"],
    below("elements", "image(s)"),
    ["sums of a channel within 31 bits", "s.inH * s.inW * 256 < 2147483648"],
  ],
  pad: [
    "imageRows",
    [
      "an image inside the padded one",
      "s.padT >= 0 && s.padL >= 0 && s.outH >= s.inH + s.padT && s.outW >= s.inW + s.padL",
    ],
    ["channels inside the padded ones", "s.padC >= 0 && s.outC >= s.inC + s.padC"],
    below("outputs", "pixels(s) * s.outC"),
  ],
  rowElements,
  broadcast: [
    ...positive("n", "outH", "outW", "outC", "inC"),
    ["n·outH·outW·outC rows", "s.rows == s.n * s.outH * s.outW * s.outC"],
    below("elements", "elements(s)"),
    ["five axes", "s.spread >= 0 && s.spread < 32 && s.spread2 >= 0 && s.spread2 < 32"],
    ["an operand that has all of each axis", "(s.spread & s.spread2) == 0", "plan"],
  ],
  copied: [
    ...positive("rows", "inC"),
    ["rows no longer than their pitches", "s.inC <= s.xPitch && s.inC <= s.yPitch"],
    ["rows of x without gaps", "s.xPitch == s.inC", "plan"],
    below("elements", "s.rows * s.yPitch"),
  ],
  strided: [
    ...positive("rows", "n", "outH", "outW", "midC", "outC", "inC"),
    ["n·outH rows", "s.rows == s.n * s.outH"],
    ["the last element of x inside it", "highest(s) + higher(s) + rise(s.outC, s.dilationW) < s.inC"],
    ["the first element of x inside it", "lowest(s) - lower(s) - rise(s.outC, -s.dilationW) >= 0"],
    below("elements", "stridedElements(s)"),
  ],
  resized: [
    "imageRows",
    ["positions within 31 bits", "1024 * (Math.max(s.inH, s.inW) + 1) * 2 < 2147483648"],
    ["steps that stay on the axis", "s.a >= 0 && s.b >= 0"],
  ],
};

/** One bit up to the last one of these functions. */
const oneOf = (functions) => [["one function", `s.flags >= 1 && ${2 ** (functions.length - 1)} % s.flags == 0`]];
const REDUCTIONS = ["SUM", "MEAN", "MAXIMUM", "MINIMUM", "PRODUCT"];
const UNARY = [
  ...["ABSOLUTE", "NEGATIVE", "SQUARE", "SQUARE_ROOT", "RECIPROCAL_ROOT", "RECIPROCAL", "EXPONENTIAL", "TANGENT"],
  ...["FLOOR", "CEILING", "NEAREST", "TRUNCATE", "LOGARITHM"],
];

/** Windows that see the image, each of them. */
const sees = [
  ["rows of windows that see the image", "s.padT < s.kH && (s.outH - 1) * s.strideH - s.padT < s.inH"],
  ["columns of windows that see the image", "s.padL < s.kW && (s.outW - 1) * s.strideW - s.padL < s.inW"],
];

/**
 * Conditions by which a kernel is chosen, also while it runs: what must hold, as needs. The assembly has each as a
 * function of the record, in 32 bits, for which the other needs are proven.
 */
export const PREDICATES = {
  slides3x3: {
    what: "Whether the sliding 3×3 kernel covers a depthwise step.",
    needs: [
      ["windows of 3×3", "s.kH == 3 && s.kW == 3"],
      ["one output per channel", "s.multiplier == 1"],
      ["taps next to each other", "s.dilationH == 1 && s.dilationW == 1"],
      ["one stride of 1 or 2", "s.strideH == s.strideW && (s.strideH == 1 || s.strideH == 2)"],
      ["padL of 0 or 1", "s.padL >= 0 && s.padL <= 1"],
      ["padT from 0 on", "s.padT >= 0"],
      ["no tap right of column inW", "(s.outW - 1) * s.strideW - s.padL + 2 <= s.inW"],
    ],
  },
};

/** Fields read as the record describes them. */
const as = (...fields) => Object.fromEntries(fields.map((field) => [field, ""]));

const F32_IMAGE = { x: "f32 [n, inH, inW, inC]" };
const S8_IMAGE = { x: "i8 [n, inH, inW, inC]" };
const IMAGE = as("n", "inH", "inW", "inC", "outH", "outW");
const PADDED = as("outC", "padT", "padL", "padC");
const TAPS = as("kH", "kW", "strideH", "strideW");
const WINDOW = { ...IMAGE, ...TAPS, ...as("dilationH", "dilationW", "padT", "padL") };
const IMAGE_ROWS = "the n·outH rows of the output images";
const F32_ROWS = { ...as("rows"), inC: "Elements of a row.", x: "f32 [rows, inC]", y: "f32 [rows, inC]" };
const AXES = {
  ...as("rows", "n", "outH", "outW", "outC", "operator", "spread", "spread2"),
  inC: "The innermost axis.",
};
const OPERANDS = (type, bytes) => ({
  reads: {
    ...{ ...AXES, x: `${type} [n, outH, outW, outC, inC], 1 along the axes of spread`, flags: "" },
    ...{ x2: "as x, by spread2; unused where CONSTANT is set", w: "as x2, where CONSTANT is set" },
    y: `${type} [n, outH, outW, outC, inC]`,
  },
  extents: {
    x: `${bytes}${operandOf("spread")}`,
    x2: `has(s.flags, CONSTANT) ? 0 : ${bytes}${operandOf("spread2")}`,
    w: `has(s.flags, CONSTANT) ? ${bytes}${operandOf("spread2")} : 0`,
    y: `${bytes}elements(s)`,
  },
});
const operandOf = (spread) => `outer(s.${spread}, s.n, s.outH, s.outW) * inner(s.${spread}, s.outC, s.inC)`;
const ARGMAX = (type, bytes) => ({
  units: "rows",
  reads: {
    ...as("rows"),
    ...{ inC: "K, the numbers that are compared.", outC: "Groups of them that lie in each other." },
    ...{ x: `${type} [rows, inC, outC]`, y: "i32 [rows, outC]", flags: "" },
  },
  flags: ["LAST"],
  aligned: ["x", "y"],
  needs: [...positive("rows", "inC", "outC"), below("elements", "elements(s) * s.outC")],
  extents: { x: `${bytes}elements(s) * s.outC`, y: "4 * s.rows * s.outC" },
  error: "exact",
});
const S8_ROWS = { ...as("rows"), inC: "Elements of a row.", x: "i8 [rows, inC]", y: "i8 [rows, inC]" };
const PANELS_F32 =
  "packed by pwconv_f32_pack and pwconv_f32_pack_bias: panels of 4 vectors of columns, then 2, then 1, then single " +
  "columns; each panel is [bias: width][K][width]";
const PANELS_S8 =
  "with K4 = K and N8 = N, rounded up to 4 and 8: [bias i32: N8][m i32: N8][e i8: N8][marks i8: N8, to a multiple of 16 " +
  "bytes][panels of 8 columns]; a panel has for each four rows 8 × (w[k] … w[k+3]); the " +
  "bias has −zx·Σw + K·zx·zw added, and what `product` asks for: −128·Σ(w − zw) where it takes x as unsigned; " +
  "what lies beyond K and N is 0";
const DEPTHWISE_WEIGHTS_S8 =
  "with C8 = C·m, rounded up to 8: [bias i32: C8][m i32: C8][e i8: C8][marks i8: C8, to a multiple of 16 bytes]" +
  "[kH·kW taps i8: C8]; the bias has the zero points folded in, as in pwconv_s8";
const PRODUCT = "One of the products, which this build has, and for which the bias was made.";
const PANEL_S8 =
  "[i16: tile·K4, or of bytes][row sums i32: tile][320 bytes][a panel of weights: 16·K4], each to a multiple of 16 bytes";
const products = [["a product that there is", "s.product >= 0 && s.product < 3"]];
const COLUMN_UNITS = ["units of 16 columns", "16 * s.rows >= s.outC && 16 * (s.rows - 1) < s.outC"];
const STRIDED = {
  ...as("rows"),
  n: "Sizes of y's five axes: the first,",
  outH: "the second,",
  outW: "the third,",
  midC: "the fourth,",
  outC: "the last.",
  xPitch: "Elements of x, up or down, from one of the first axis to the next,",
  strideH: "of the second,",
  strideW: "of the third,",
  dilationH: "of the fourth,",
  dilationW: "of the last.",
  padC: "The element of x that y begins with.",
  inC: "Elements of x.",
  x: "[inC]",
  y: "[n, outH, outW, midC, outC]",
};
const GATHERED = {
  ...{ ...as("rows"), ...IMAGE },
  x: "[n, inH, inW, inC]",
  w: "i32 [rows: outH][columns: outW]",
  y: "[n, outH, outW, inC]",
};
const REFERENCE = "exact: TFLite's reference kernels, to the bit, in every variant";
const MOVED = "exact: every bit pattern is kept";

/**
 * The kernels.
 *
 * * `number`: part of the ABI, never reused, only added to.
 * * `file`: where it stands in assembly/; `inner`: functions of that file that are exported so that they stay functions
 *   of their own (engines switch to optimized code at function entry only, and Binaryen would otherwise inline them
 *   into one function with too few registers for all), and `optional`, those of them that a frozen network may do
 *   without (`src/freeze/inner.ts`); `packs`: functions that the host calls, to pack weights and the
 *   like, and `packsFile`, where these are if not in the same file.
 * * `units`: what its row units are. `streams`: which rows of x a unit needs, where a step of this kernel may be
 *   computed while its input is still coming in: those of its window ("windows"), the one that padding moves there
 *   ("pads"), or the unit of the same number ("units"), of x2 too.
 * * `reads`: the fields it reads, with their meaning for this kernel where it has one of its own.
 * * `aligned`: pointers that ALIGN must divide.
 * * `needs`: what must hold of a step, see {@link GROUPS}.
 * * `extents`: bytes that it reads at x, x2, w, w2, that it may write at s, that it writes at y. `columns` and `pitch`:
 *   where only a part of each row of the output is written, bytes of that part and of a row. Reading, it may go SLACK
 *   bytes further.
 * * `unitBytes`: bytes of the output that a unit writes, where the last one writes what is left; without, each writes
 *   the same share.
 * * `inPlace`: the output may be an input, byte for byte. `planned: false`: no plan may use it.
 */
export const KERNELS = {
  conv_f32: {
    number: 1,
    inner: ["conv_f32_windows", "conv_f32_windows_row"],
    formula: ["y[oy,ox,o] = clamp(b[o] + Σ_{ky,kx,i} x[oy·sH+ky·dH−padT, ox·sW+kx·dW−padL, i]·w[ky,kx,i,o], lo, hi)"],
    notes: "Taps outside the image count as 0.",
    units: IMAGE_ROWS,
    streams: "windows",
    reads: {
      ...{ ...as("rows"), ...WINDOW, ...as("outC", "tile", "lo", "hi"), ...F32_IMAGE },
      y: "f32 [n, outH, outW, outC]",
      w: "as in pwconv_f32, K = kH·kW·inC",
      s: "f32 [tile, K]: the windows of `tile` output pixels, one per row",
    },
    aligned: ["x", "w", "y", "s"],
    needs: ["conv"],
    extents: {
      x: "4 * image(s)",
      w: "matrixF32(windowK(s), s.outC)",
      s: "4 * s.tile * windowK(s)",
      y: "4 * pixels(s) * s.outC",
    },
    error: "|Δ| ≤ (K+1)·2⁻²⁴·(|b| + Σ|x·w|)",
  },

  pwconv_f32: {
    number: 2,
    inner: [
      "matrix_f32",
      "pwconv_f32_column",
      "pwconv_f32_panel1",
      "pwconv_f32_panel2",
      "pwconv_f32_panel4",
      "pwconv_f32_panel4_row",
    ],
    packs: ["pwconv_f32_pack", "pwconv_f32_pack_bias"],
    formula: ["y[p,o] = clamp(b[o] + Σ_i x[p,i]·w[i,o], lo, hi)"],
    units: "rows (pixels)",
    streams: "units",
    reads: {
      ...as("rows", "inC", "outC", "lo", "hi"),
      ...{ x: "f32 [rows, inC]", y: "f32 [rows, outC]", w: `K = inC, ${PANELS_F32}` },
    },
    aligned: ["x", "w", "y"],
    needs: [...positive("rows", "inC", "outC"), below("elements", "s.rows * Math.max(s.inC, s.outC)")],
    extents: { x: "4 * elements(s)", w: "matrixF32(s.inC, s.outC)", y: "4 * s.rows * s.outC" },
    error: "|Δ| ≤ (inC+1)·2⁻²⁴·(|b| + Σ|x·w|)",
  },

  dense_f32: {
    number: 44,
    file: "pwconv_f32",
    formula: ["y[o] = clamp(b[o] + Σ_i x[i]·w[i,o], lo, hi)"],
    notes: "One row of pwconv_f32, so that a dense layer can be split too.",
    units: "16 columns each; the last one has what is left",
    reads: {
      ...as("rows", "inC", "outC", "lo", "hi"),
      ...{ x: "f32 [inC]", y: "f32 [outC]", w: "as in pwconv_f32" },
    },
    aligned: ["x", "w", "y"],
    needs: [...positive("rows", "inC", "outC"), COLUMN_UNITS, below("elements", "Math.max(s.inC, 16 * s.rows)")],
    extents: { x: "4 * s.inC", w: "matrixF32(s.inC, s.outC)", y: "4 * s.outC" },
    unitBytes: 64,
    error: "that of pwconv_f32, to the bit",
  },

  dwconv3x3_f32: {
    number: 3,
    inner: ["dwconv3x3_f32_row", "dwconv3x3_f32_row_s1", "dwconv3x3_f32_row_s2"],
    formula: ["y[oy,ox,c] = clamp(b[c] + Σ_{kx,ky} x[oy·s+ky−padT, ox·s+kx−padL, c]·w[ky,kx,c], lo, hi)"],
    notes: "Taps outside the image count as 0.",
    units: IMAGE_ROWS,
    streams: "windows",
    reads: {
      ...{ ...as("rows"), ...WINDOW, ...as("multiplier", "lo", "hi"), ...F32_IMAGE },
      y: "f32 [n, outH, outW, inC]",
      w: "f32 [bias: inC][9 taps: inC]",
    },
    aligned: ["x", "w", "y"],
    needs: ["depthwise", "slides3x3"],
    extents: { x: "4 * image(s)", w: "depthwiseF32(9, s.inC)", y: "4 * pixels(s) * s.inC" },
    error: "|Δ| ≤ 10·2⁻²⁴·(|b| + Σ|x·w|)",
  },

  dwconv_f32: {
    number: 4,
    inner: ["dwconv_f32_pixel", "dwconv_f32_pixels3", "dwconv_f32_row"],
    formula: [
      "y[oy,ox,c·m+j] = clamp(b[c·m+j] + Σ_{ky,kx} x[oy·sH+ky·dH−padT, ox·sW+kx·dW−padL, c]·w[ky,kx,c·m+j], lo, hi)",
    ],
    notes: "Taps outside the image count as 0; m is the multiplier.",
    units: IMAGE_ROWS,
    streams: "windows",
    reads: {
      ...{ ...as("rows"), ...WINDOW, ...as("multiplier", "lo", "hi"), ...F32_IMAGE },
      y: "f32 [n, outH, outW, inC·m]",
      w: "f32 [bias: inC·m][kH·kW taps: inC·m]",
    },
    aligned: ["x", "w", "y"],
    needs: ["depthwise"],
    extents: {
      x: "4 * image(s)",
      w: "depthwiseF32(s.kH * s.kW, s.inC * s.multiplier)",
      y: "4 * pixels(s) * s.inC * s.multiplier",
    },
    error: "|Δ| ≤ (kH·kW+1)·2⁻²⁴·(|b| + Σ|x·w|)",
  },

  separable_f32: {
    number: 5,
    formula: ["y = pwconv_f32(dwconv_f32(x, w, lo2, hi2), w2, lo, hi)"],
    notes: "Both halves give the bits of the kernels by themselves.",
    units: IMAGE_ROWS,
    streams: "windows",
    reads: {
      ...{ ...as("rows"), ...WINDOW, ...as("multiplier", "midC", "outC", "tile", "lo", "hi", "lo2", "hi2") },
      ...F32_IMAGE,
      y: "f32 [n, outH, outW, outC]",
      w: "as in dwconv_f32",
      w2: "as in pwconv_f32, K = midC",
      s: "f32 [tile, midC]",
    },
    aligned: ["x", "w", "w2", "y", "s"],
    needs: ["separable"],
    extents: {
      x: "4 * image(s)",
      w: "depthwiseF32(s.kH * s.kW, s.midC)",
      w2: "matrixF32(s.midC, s.outC)",
      s: "4 * s.tile * s.midC",
      y: "4 * pixels(s) * s.outC",
    },
    error: "the depthwise half's, through |w2|, and the pointwise half's",
  },

  maxpool_f32: {
    number: 6,
    file: "pool_f32",
    formula: ["y[n,oy,ox,c] = clamp(max_{ky,kx} x[n, oy·sH+ky−padT, ox·sW+kx−padL, c], lo, hi)"],
    notes: "Taps outside the image are left out; a window without any gives −∞, but no plan has one. NaN passes.",
    units: IMAGE_ROWS,
    streams: "windows",
    reads: {
      ...{ ...as("rows"), ...IMAGE, ...TAPS, ...as("padT", "padL", "lo", "hi"), ...F32_IMAGE },
      y: "f32 [n, outH, outW, inC]",
    },
    aligned: ["x", "y"],
    needs: ["pool", ...sees.map((need) => [...need, "plan"])],
    extents: { x: "4 * image(s)", y: "4 * pixels(s) * s.inC" },
    error: "exact",
  },

  avgpool_f32: {
    number: 7,
    file: "pool_f32",
    formula: [
      "y[n,oy,ox,c] = clamp((Σ_{ky,kx} x[n, oy·sH+ky−padT, ox·sW+kx−padL, c])/count, lo, hi)",
      "count = taps inside the image",
    ],
    notes: "Taps outside the image are left out; a window without any gives 0, but no plan has one. NaN passes.",
    units: IMAGE_ROWS,
    streams: "windows",
    reads: {
      ...{ ...as("rows"), ...IMAGE, ...TAPS, ...as("padT", "padL", "lo", "hi"), ...F32_IMAGE },
      y: "f32 [n, outH, outW, inC]",
    },
    aligned: ["x", "y"],
    needs: ["pool", ...sees.map((need) => [...need, "plan"])],
    extents: { x: "4 * image(s)", y: "4 * pixels(s) * s.inC" },
    error: "|Δ| ≤ (kH + kW)·2⁻²⁴·Σ|x|/count, since every row of taps is summed by itself",
  },

  gap_f32: {
    number: 8,
    formula: ["y[n,c] = Σ_{iy,ix} x[n,iy,ix,c] / (inH·inW)"],
    notes: "NaN passes.",
    units: "images",
    reads: { ...as("rows", "n", "inH", "inW", "inC"), ...F32_IMAGE, y: "f32 [n, inC]" },
    aligned: ["x", "y"],
    needs: ["globalPool"],
    extents: { x: "4 * image(s)", y: "4 * elements(s)" },
    error: "|Δ| ≤ (inH + inW)·2⁻²⁴·Σ|x|/(inH·inW), since every image row is summed by itself",
  },

  add_f32: {
    number: 9,
    file: "elementwise_f32",
    formula: ["y[i] = clamp(x[i] + x2[i], lo, hi)"],
    notes: "NaN passes. All variants give the same bits.",
    units: "rows",
    streams: "units",
    reads: { ...F32_ROWS, x2: "f32 [rows, inC]", ...as("lo", "hi") },
    aligned: ["x", "x2", "y"],
    needs: ["rowElements"],
    extents: { x: "4 * elements(s)", x2: "4 * elements(s)", y: "4 * elements(s)" },
    inPlace: true,
    error: "|Δ| ≤ 2⁻²⁴·|x + x2|",
  },

  copy: {
    number: 10,
    formula: ["y[r·yPitch + i] = x[r·xPitch + i], i < inC"],
    notes: "Rows of 4-byte elements from one pitch to another: a part of a concatenation, a slice.",
    units: "rows",
    reads: { ...as("rows", "xPitch", "yPitch"), inC: "Elements of a row that are copied.", x: "rows", y: "rows" },
    aligned: [],
    needs: ["copied"],
    extents: { x: "4 * elements(s)", y: "4 * elements(s)", columns: "4 * s.inC", pitch: "4 * s.yPitch" },
    error: MOVED,
  },

  pad_f32: {
    number: 11,
    formula: ["y[n,oy,ox,o] = x[n, oy−padT, ox−padL, o−padC] inside the image, a outside"],
    units: IMAGE_ROWS,
    streams: "pads",
    reads: {
      ...{ ...as("rows"), ...IMAGE, ...PADDED, a: "What is around the image.", ...F32_IMAGE },
      y: "f32 [n, outH, outW, outC]",
    },
    aligned: ["x", "y"],
    needs: ["pad"],
    extents: { x: "4 * image(s)", y: "4 * pixels(s) * s.outC" },
    error: MOVED,
  },

  scale_shift_f32: {
    number: 12,
    formula: ["y[r,c] = clamp(x[r,c]·scale[c] + shift[c], lo, hi)"],
    notes: "NaN passes.",
    units: "rows (pixels)",
    streams: "units",
    reads: { ...F32_ROWS, w: "f32 [scale: inC][shift: inC]", ...as("lo", "hi") },
    aligned: ["x", "w", "y"],
    needs: ["rowElements"],
    extents: { x: "4 * elements(s)", w: "pairF32(s.inC)", y: "4 * elements(s)" },
    inPlace: true,
    error: "|Δ| ≤ 2·2⁻²⁴·(|x·scale| + |shift|)",
  },

  clamp_f32: {
    number: 13,
    file: "elementwise_f32",
    formula: ["y[i] = min(hi, max(lo, x[i]))"],
    notes: "NaN passes. All variants give the same bits.",
    units: "rows",
    streams: "units",
    reads: { ...F32_ROWS, ...as("lo", "hi") },
    aligned: ["x", "y"],
    needs: ["rowElements"],
    extents: { x: "4 * elements(s)", y: "4 * elements(s)" },
    inPlace: true,
    error: "exact",
  },

  sigmoid_f32: {
    number: 14,
    file: "elementwise_f32",
    formula: ["y[i] = 1/(1 + exp(−x[i])), never outside [0, 1]"],
    notes: "NaN passes. All variants give the same bits.",
    units: "rows",
    streams: "units",
    reads: F32_ROWS,
    aligned: ["x", "y"],
    needs: ["rowElements"],
    extents: { x: "4 * elements(s)", y: "4 * elements(s)" },
    inPlace: true,
    error: "|Δ| ≤ 6·2⁻²⁴·|y| where |x| ≤ 87",
  },

  hardswish_f32: {
    number: 15,
    file: "elementwise_f32",
    formula: ["y[i] = x[i]·(min(6, max(0, x[i] + 3))/6)"],
    notes: "NaN passes. All variants give the same bits.",
    units: "rows",
    streams: "units",
    reads: F32_ROWS,
    aligned: ["x", "y"],
    needs: ["rowElements"],
    extents: { x: "4 * elements(s)", y: "4 * elements(s)" },
    inPlace: true,
    error: "|Δ| ≤ 3·2⁻²⁴·|y|",
  },

  softmax_f32: {
    number: 16,
    formula: ["y[r,c] = exp(a·(x[r,c] − m)) / Σ_k exp(a·(x[r,k] − m)), m = max_k x[r,k]"],
    notes:
      "A row with NaN or +∞ in it becomes all NaN. All variants give the same bits: the sum runs in f64, one by one.",
    units: "rows",
    reads: { ...F32_ROWS, a: "beta" },
    aligned: ["x", "y"],
    needs: ["rowElements", ["beta above 0", "s.a > 0", "debug"]],
    extents: { x: "4 * elements(s)", y: "4 * elements(s)" },
    inPlace: true,
    error: "|Δ| ≤ (6 + 2·a·(m − x[r,c]))·2⁻²⁴·y plus the like of the sum's terms",
  },

  moments_f32: {
    number: 17,
    formula: [
      "y[0,c] = mean[c] = Σ_p x[p,c]/P",
      "y[1,c] = Σ_p (x[p,c] − mean[c])²/P − (Σ_p (x[p,c] − mean[c])/P)², the biased variance",
    ],
    notes: "NaN passes, an infinity may come out as NaN.",
    units: "one: there is nothing to split",
    reads: { ...as("rows"), inH: "P, the pixels.", inC: "C, the channels.", x: "f32 [P, C]", y: "f32 [2, C]" },
    aligned: ["x", "y"],
    needs: [...positive("inH", "inC"), ["one row", "s.rows == 1"], below("elements", "s.inH * s.inC")],
    extents: { x: "4 * s.inH * s.inC", y: "pairF32(s.inC)" },
    error: "|Δmean| ≤ 20·2⁻²⁴·Σ|x|/P, |Δvariance| ≤ 24·2⁻²⁴·Σ(x − mean)²/P, for any P",
  },

  normalize_f32: {
    number: 18,
    formula: ["y[r,c] = (x[r,c] − mean[c])·(gamma[c]/√(variance[c] + a)) + beta[c]"],
    notes: "NaN passes. variance + a is above 0.",
    units: "rows (pixels)",
    reads: { ...F32_ROWS, x2: "f32 [mean: inC][variance: inC]", w: "f32 [gamma: inC][beta: inC]", a: "epsilon" },
    aligned: ["x", "x2", "w", "y"],
    needs: ["rowElements"],
    extents: { x: "4 * elements(s)", x2: "pairF32(s.inC)", w: "pairF32(s.inC)", y: "4 * elements(s)" },
    inPlace: true,
    error: "|Δ| ≤ 8·2⁻²⁴·(|x − mean|·|gamma|/√(variance + a) + |beta|)",
  },

  moving_average_f32: {
    number: 19,
    formula: ["y[0,c] = mean[c]·a + x[0,c]·(1 − a)", "y[1,c] = variance[c]·a + x[1,c]·b·(1 − a)"],
    notes: "NaN passes.",
    units: "one: there is nothing to split",
    reads: {
      ...as("rows"),
      inC: "Channels.",
      x: "f32 [mean: inC][variance: inC], of the batch",
      w: "f32 [mean: inC][variance: inC], the averages so far",
      y: "f32 [2, inC]",
      a: "momentum",
      b: "What makes the batch's biased variance unbiased.",
    },
    aligned: ["x", "w", "y"],
    needs: [...positive("inC"), ["one row", "s.rows == 1"]],
    extents: { x: "pairF32(s.inC)", w: "pairF32(s.inC)", y: "pairF32(s.inC)" },
    error: "|Δ| ≤ 5·2⁻²⁴·(|old·a| + |new·b|)",
  },

  image_f32: {
    number: 20,
    planned: false,
    formula: ["y[oy,ox,c] = color_c(Σ_ky Σ_kx v[oy,ky]·h[ox,kx]·x[row(oy,ky), column(ox,kx), ·])·scale[c] + shift[c]"],
    notes:
      "From a strip of a picture that holds all rows which the taps of [y0, y1) name. Taps lie inside [0, inW) and the " +
      "strip; weights beyond `count` are not read.",
    units: "rows of y",
    reads: {
      ...as("rows"),
      inH: "Rows of the strip.",
      inW: "Columns of the strip.",
      inC: "Bytes of a pixel: 1 (gray), 3 (RGB) or 4 (RGBA; alpha is ignored).",
      outH: "Rows for which w2 has taps.",
      outW: "Columns of y.",
      outC: "Floats of a pixel: 1 (luma 0.299 R + 0.587 G + 0.114 B) or 3 (RGB; gray is repeated).",
      kH: "Most weights of a row.",
      kW: "Most weights of a column.",
      padT: "The row of the picture that is the strip's first.",
      xPitch: "*Bytes* from one row of the strip to the next.",
      yPitch: "Elements from one row of y to the next.",
      x: "u8 [inH, inW, inC], the strip",
      x2: "f32 [scale: outC][shift: outC]",
      w: "taps of the columns: outW × [first column i32, count i32], then outW × kW weights f32",
      w2: "taps of the rows, numbered as in the whole picture: outH × [first row i32, count i32], then outH × kH weights",
      y: "f32 [rows, outW, outC]",
      s: "f32 [4 + inW·inC]",
    },
    aligned: [],
    needs: [
      ...positive("inH", "inW", "outH", "outW", "kH", "kW"),
      ["1, 3 or 4 bytes per pixel", "s.inC == 1 || s.inC == 3 || s.inC == 4"],
      ["1 or 3 floats per pixel", "s.outC == 1 || s.outC == 3"],
    ],
    extents: {
      x: "(s.inH - 1) * s.xPitch + s.inW * s.inC",
      x2: "8 * s.outC",
      w: "4 * s.outW * (2 + s.kW)",
      w2: "4 * s.outH * (2 + s.kH)",
      s: "4 * (4 + s.inW * s.inC)",
      y: "4 * pixels(s) * s.outC",
      columns: "4 * s.outW * s.outC",
      pitch: "4 * s.yPitch",
    },
    error: "|Δ| ≤ (kH + kW + 6)·2⁻²⁴·(255·|scale| + |shift|) for weights that are ≥ 0 and sum to 1",
  },

  conv_s8: {
    number: 21,
    inner: ["conv_s8_windows"],
    formula: [
      "y[oy,ox,o] = clamp(MBQM(S, m[o], e[o]) + zy, qlo, qhi)",
      "S = b[o] + Σ_{ky,kx,i} (w[ky,kx,i,o] − zw)·(x[oy·sH+ky·dH−padT, ox·sW+kx·dW−padL, i] − zx)",
    ],
    notes: "Taps outside the image count as zx. Sums lie within 32 bits.",
    units: IMAGE_ROWS,
    streams: "windows",
    reads: {
      ...{ ...as("rows"), ...WINDOW, ...as("outC", "tile", "zx", "zw", "zy", "qlo", "qhi", "flags"), ...S8_IMAGE },
      y: "i8 [n, outH, outW, outC]",
      w: "as in pwconv_s8, K = kH·kW·inC",
      s: "as in pwconv_s8: the windows of `tile` output pixels",
      product: PRODUCT,
    },
    flags: ["FAST_POINTWISE"],
    aligned: ["x", "w", "y", "s"],
    needs: ["conv", ...zeros("zx", "zw", "zy"), ...ordered("qlo", "qhi"), ...products],
    extents: {
      x: "image(s)",
      w: "matrixS8(windowK(s), s.outC)",
      s: "panelS8(s.tile, windowK(s)) + columnsS8(windowK(s))",
      y: "pixels(s) * s.outC",
    },
    error: REFERENCE,
  },

  pwconv_s8: {
    number: 22,
    inner: ["matrix_s8", "pwconv_s8_column", "pwconv_s8_formula", "pwconv_s8_fours", "pwconv_s8_tiles"],
    packs: ["pwconv_s8_ask", "pwconv_s8_pack", "pwconv_s8_prove", "pwconv_s8_suit", "pwconv_s8_sums"],
    packsFile: "pack_s8",
    formula: ["y[r,o] = clamp(MBQM(b[o] + Σ_k (w[k,o] − zw)·(x[r,k] − zx), m[o], e[o]) + zy, qlo, qhi)"],
    notes: "Pointwise convolution and dense layer. Sums lie within 32 bits; zx is in the bias.",
    units: "rows (pixels)",
    streams: "units",
    reads: {
      ...as("rows", "inC", "outC", "tile", "zw", "zy", "qlo", "qhi", "flags"),
      ...{ x: "i8 [rows, inC]", y: "i8 [rows, outC]" },
      w: `K = inC, N = outC, ${PANELS_S8}`,
      s: PANEL_S8,
      product: PRODUCT,
    },
    flags: ["FAST_POINTWISE"],
    aligned: ["x", "w", "y", "s"],
    needs: [
      ...positive("rows", "inC", "outC"),
      ...zeros("zw", "zy"),
      ...ordered("qlo", "qhi"),
      ...tiles("1", "s.inC"),
      ...products,
      below("elements", "s.rows * Math.max(s.inC, s.outC)"),
    ],
    extents: {
      x: "elements(s)",
      w: "matrixS8(s.inC, s.outC)",
      s: "panelS8(s.tile, s.inC) + columnsS8(s.inC)",
      y: "s.rows * s.outC",
    },
    error: REFERENCE,
  },

  dense_s8: {
    number: 45,
    file: "pwconv_s8",
    formula: ["y[o] = clamp(MBQM(b[o] + Σ_k (w[k,o] − zw)·(x[k] − zx), m[o], e[o]) + zy, qlo, qhi)"],
    notes: "One row of pwconv_s8, so that a dense layer can be split too.",
    units: "16 columns each; the last one has what is left",
    reads: {
      ...as("rows", "inC", "outC", "zw", "zy", "qlo", "qhi", "flags"),
      ...{ x: "i8 [inC]", y: "i8 [outC]", tile: "1", w: "as in pwconv_s8", s: "as in pwconv_s8, of one row" },
      product: PRODUCT,
    },
    flags: ["FAST_POINTWISE"],
    aligned: ["x", "w", "y", "s"],
    needs: [
      ...positive("rows", "inC", "outC"),
      COLUMN_UNITS,
      ...zeros("zw", "zy"),
      ...ordered("qlo", "qhi"),
      ["a tile of one row", "s.tile == 1"],
      ...products,
      below("elements", "Math.max(s.inC, 16 * s.rows)"),
    ],
    extents: {
      x: "s.inC",
      w: "matrixS8(s.inC, s.outC)",
      s: "panelS8(1, s.inC) + columnsS8(s.inC)",
      y: "s.outC",
    },
    unitBytes: 16,
    error: REFERENCE,
  },

  dwconv_s8: {
    number: 23,
    inner: [
      ...["dwconv_s8_columns1", "dwconv_s8_columns2", "dwconv_s8_exact", "dwconv_s8_fours1", "dwconv_s8_fours2"],
      ...["dwconv_s8_rows", "dwconv_s8_taps"],
    ],
    optional: [
      ...["dwconv_s8_columns1", "dwconv_s8_columns2", "dwconv_s8_exact", "dwconv_s8_fours1", "dwconv_s8_fours2"],
      "dwconv_s8_taps",
    ],
    formula: [
      "y[oy,ox,o] = clamp(MBQM(S, m[o], e[o]) + zy, qlo, qhi), o = c·m + j",
      "S = b[o] + Σ_{ky,kx} (w[ky,kx,o] − zw)·(x[oy·sH+ky·dH−padT, ox·sW+kx·dW−padL, c] − zx)",
    ],
    notes: "Taps outside the image count as zx; m is the multiplier.",
    units: IMAGE_ROWS,
    streams: "windows",
    reads: {
      ...{ ...as("rows"), ...WINDOW, ...as("multiplier", "zx", "zw", "zy", "qlo", "qhi", "flags"), ...S8_IMAGE },
      y: "i8 [n, outH, outW, inC·m]",
      w: `C = inC, ${DEPTHWISE_WEIGHTS_S8}`,
      s: "weights, constants and bounds of eight channels",
      product: "One of the products, which this build has; the bias is as for pairs.",
    },
    flags: ["FAST_DEPTHWISE"],
    aligned: ["x", "w", "y", "s"],
    needs: ["depthwise", ...zeros("zx", "zw", "zy"), ...ordered("qlo", "qhi"), ...products],
    extents: {
      x: "image(s)",
      w: "depthwiseS8(s.kH * s.kW, s.inC * s.multiplier)",
      s: "DEPTHWISE_S8",
      y: "pixels(s) * s.inC * s.multiplier",
    },
    error: REFERENCE,
  },

  separable_s8: {
    number: 24,
    formula: ["y = pwconv_s8(dwconv_s8(x, w, zm, qlo2, qhi2), w2, zy, qlo, qhi)"],
    notes: "The depthwise result is kept, as the product takes it, only for the few rows at work.",
    units: IMAGE_ROWS,
    streams: "windows",
    reads: {
      ...{ ...as("rows"), ...WINDOW, ...as("multiplier", "midC", "outC", "tile") },
      ...as("zx", "zw", "zw2", "zm", "zy", "qlo", "qhi", "qlo2", "qhi2", "flags"),
      ...S8_IMAGE,
      y: "i8 [n, outH, outW, outC]",
      w: "as in dwconv_s8",
      w2: "as in pwconv_s8, with K = midC, and zm for zx",
      s: "a panel as in pwconv_s8, then the scratch of either half, whichever is at work",
      product: PRODUCT,
    },
    flags: ["FAST_DEPTHWISE", "FAST_POINTWISE"],
    aligned: ["x", "w", "w2", "y", "s"],
    needs: [
      "separable",
      ...zeros("zx", "zw", "zw2", "zm", "zy"),
      ...ordered("qlo", "qhi"),
      ...ordered("qlo2", "qhi2"),
      ...products,
    ],
    extents: {
      x: "image(s)",
      w: "depthwiseS8(s.kH * s.kW, s.midC)",
      w2: "matrixS8(s.midC, s.outC)",
      s: "panelS8(s.tile, s.midC) + Math.max(DEPTHWISE_S8, columnsS8(s.midC))",
      y: "pixels(s) * s.outC",
    },
    error: REFERENCE,
  },

  avgpool_s8: {
    number: 25,
    file: "pool_s8",
    formula: [
      "y[oy,ox,c] = clamp((S ± n/2)/n − zx, qlo, qhi)",
      "S the sum of x + zx, n the number of the taps inside, the sign that of S, divisions truncating",
    ],
    units: IMAGE_ROWS,
    streams: "windows",
    reads: {
      ...{ ...as("rows"), ...IMAGE, ...TAPS, ...as("padT", "padL", "qlo", "qhi"), ...S8_IMAGE },
      zx: "128 where the file's numbers are unsigned (ties round upwards there), else 0.",
      y: "i8 [n, outH, outW, inC], of the same quantization",
    },
    aligned: ["x", "y"],
    needs: ["pool", ...sees],
    extents: { x: "image(s)", y: "pixels(s) * s.inC" },
    error: REFERENCE,
  },

  maxpool_s8: {
    number: 26,
    file: "pool_s8",
    formula: ["y[oy,ox,c] = clamp(max over the window's taps inside the image, qlo, qhi)"],
    units: IMAGE_ROWS,
    streams: "windows",
    reads: {
      ...{ ...as("rows"), ...IMAGE, ...TAPS, ...as("padT", "padL", "qlo", "qhi"), ...S8_IMAGE },
      y: "i8 [n, outH, outW, inC], of the same quantization",
    },
    aligned: ["x", "y"],
    needs: ["pool", ...sees],
    extents: { x: "image(s)", y: "pixels(s) * s.inC" },
    error: REFERENCE,
  },

  gap_s8: {
    number: 27,
    file: "pool_s8",
    formula: [
      "y[n,c] = clamp(MBQM(S − inH·inW·zx, (m1 << h)/(inH·inW), e1 + h) + zy, qlo, qhi)",
      "S the sum of the channel, h = min(⌊log2(inH·inW)⌋, 32, 31 − e1)",
    ],
    units: "images",
    reads: {
      ...as("rows", "n", "inH", "inW", "inC", "zx", "zy", "qlo", "qhi"),
      ...{ m1: "Multiplier of the mean.", e1: "Its right shift.", ...S8_IMAGE, y: "i8 [n, inC]" },
    },
    aligned: ["x", "y"],
    needs: ["globalPool"],
    extents: { x: "image(s)", y: "elements(s)" },
    error: REFERENCE,
  },

  add_s8: {
    number: 28,
    file: "elementwise_s8",
    formula: ["y = clamp(MBQM(a1 + a2, m3, e3) + zy, qlo, qhi), a_i = MBQM((x_i − zx_i)·2²⁰, m_i, e_i), all e ≥ 0"],
    units: "rows",
    streams: "units",
    reads: {
      ...{ ...S8_ROWS, x2: "i8 [rows, inC]" },
      ...as("zx", "zx2", "zy", "qlo", "qhi", "m1", "e1", "m2", "e2", "m3", "e3"),
    },
    aligned: ["x", "x2", "y"],
    needs: ["rowElements"],
    extents: { x: "elements(s)", x2: "elements(s)", y: "elements(s)" },
    inPlace: true,
    error: REFERENCE,
  },

  lut_s8: {
    number: 29,
    file: "elementwise_s8",
    formula: ["y = w[x as an unsigned byte]: any function of one 8-bit value"],
    units: "rows",
    streams: "units",
    reads: { ...S8_ROWS, w: "256 bytes" },
    aligned: ["x", "w", "y"],
    needs: ["rowElements"],
    extents: { x: "elements(s)", w: "256", y: "elements(s)" },
    inPlace: true,
    error: "exact",
  },

  pad_s8: {
    number: 30,
    file: "move_s8",
    formula: ["y[n,oy,ox,o] = x[n, oy−padT, ox−padL, o−padC] inside the image, zy outside"],
    units: IMAGE_ROWS,
    streams: "pads",
    reads: {
      ...{ ...as("rows"), ...IMAGE, ...PADDED, zy: "What is around the image.", ...S8_IMAGE },
      y: "i8 [n, outH, outW, outC]",
    },
    aligned: ["x", "y"],
    needs: ["pad"],
    extents: { x: "image(s)", y: "pixels(s) * s.outC" },
    error: "exact",
  },

  softmax_s8: {
    number: 31,
    inner: ["exp_s8"],
    formula: [
      "y[r,c] = 2⁸·softmax(x[r])[c] − 128: output scale 1/256, zero point −128",
      "FROM_TABLE: y = min(⌊256·w[d]/Σw + ½⌋, 255) − 128, d the distance from the row's largest value",
      "else TFLite's fixed-point arithmetic for int8",
    ],
    units: "rows",
    reads: {
      ...S8_ROWS,
      m1: "Multiplier of differences.",
      e1: "Minus their left shift.",
      m2: "The smallest difference that counts.",
      flags: "",
      w: "f64 [256], w[d] = exp(−d·scale·beta); only where FROM_TABLE is set",
      s: "i32 [256], s[d] = exp(−d·scale·beta) in Q0.31 of the d that came up; only where FROM_TABLE is not set",
    },
    flags: ["FROM_TABLE"],
    aligned: ["x", "y", "s"],
    needs: ["rowElements"],
    extents: {
      x: "elements(s)",
      w: "has(s.flags, FROM_TABLE) ? 8 * 256 : 0",
      y: "elements(s)",
      s: "has(s.flags, FROM_TABLE) ? 0 : 4 * 256",
    },
    inPlace: true,
    error: "exact: TFLite's reference kernel for int8, to the bit, in every variant",
  },

  quantize_s8: {
    number: 32,
    file: "elementwise_s8",
    formula: ["y i8 = clamp(round(x/a) + zy, qlo, qhi), ties away from zero, in float32; NaN gives zy"],
    units: "rows",
    streams: "units",
    reads: { ...S8_ROWS, x: "f32 [rows, inC]", a: "The scale of y.", ...as("zy", "qlo", "qhi") },
    aligned: ["x", "y"],
    needs: ["rowElements"],
    extents: { x: "4 * elements(s)", y: "elements(s)" },
    error: REFERENCE,
  },

  dequantize_s8: {
    number: 33,
    file: "elementwise_s8",
    formula: ["y f32 = a·(x − zx)"],
    units: "rows",
    streams: "units",
    reads: { ...S8_ROWS, y: "f32 [rows, inC]", a: "The scale of x.", ...as("zx") },
    aligned: ["x", "y"],
    needs: ["rowElements"],
    extents: { x: "elements(s)", y: "4 * elements(s)" },
    error: REFERENCE,
  },

  resize_s8: {
    number: 34,
    formula: [
      "bilinear, as resize_f32; positions in 1024ths, p = oy·m1, or oy·m1 + m1/2 − 512 with HALF_PIXELS",
      "y0 = max(p/1024, 0), y1 = min((p + 1023)/1024, inH − 1), quotients truncated; columns alike, by m2",
      "the sum of products by both distances, in 2⁻²⁰, to the nearest, ties away from zero",
      "UNSIGNED: positions and sums in float32, as in resize_f32 by a and b, ½ added, truncated",
    ],
    units: IMAGE_ROWS,
    reads: {
      ...{ ...as("rows"), ...IMAGE, flags: "", ...S8_IMAGE, y: "i8 [n, outH, outW, inC], of the same quantization" },
      a: "Input rows to an output row.",
      b: "Input columns to an output column.",
      m1: "Input rows to an output row, in 1024ths.",
      m2: "Input columns to an output column, in 1024ths.",
    },
    flags: ["HALF_PIXELS", "UNSIGNED"],
    aligned: ["x", "y"],
    needs: ["resized", ["whole steps that stay on the axis", "s.m1 >= 0 && s.m2 >= 0"]],
    extents: { x: "image(s)", y: "pixels(s) * s.inC" },
    error: REFERENCE,
  },

  copy_s8: {
    number: 35,
    file: "move_s8",
    formula: ["y[r·yPitch + i] = x[r·xPitch + i], i < inC"],
    notes: "Rows of bytes from one pitch to another: a part of a concatenation.",
    units: "rows",
    reads: { ...as("rows", "xPitch", "yPitch"), inC: "Bytes of a row that are copied.", x: "rows", y: "rows" },
    aligned: ["x"],
    needs: ["copied"],
    extents: { x: "elements(s)", y: "elements(s)", columns: "s.inC", pitch: "s.yPitch" },
    error: "exact",
  },

  resize_f32: {
    number: 36,
    formula: [
      "y[n,oy,ox,c] = Σ x[n, y0 … y1, x0 … x1, c] by distance: bilinear; p = oy·a, or (oy + ½)·a − ½ with HALF_PIXELS",
      "y0 = max(⌊p⌋, 0), y1 = min(⌈p⌉, inH − 1), the weight of y1 is p − y0; columns alike, by b",
    ],
    notes: "Positions are rounded as in TFLite's reference kernel, so that both take the same pixels.",
    units: IMAGE_ROWS,
    reads: {
      ...{ ...as("rows"), ...IMAGE, flags: "", ...F32_IMAGE, y: "f32 [n, outH, outW, inC]" },
      a: "Input rows to an output row.",
      b: "Input columns to an output column.",
    },
    flags: ["HALF_PIXELS"],
    aligned: ["x", "y"],
    needs: ["resized"],
    extents: { x: "4 * image(s)", y: "4 * pixels(s) * s.inC" },
    error: "|Δ| ≤ 8·2⁻²⁴·Σ|terms|",
  },

  prelu_f32: {
    number: 37,
    formula: ["y[r,c] = x[r,c] < 0 ? alpha[c]·x[r,c] : x[r,c]"],
    notes: "NaN passes, −0 stays −0. All variants give the same bits.",
    units: "rows (pixels)",
    streams: "units",
    reads: { ...F32_ROWS, w: "f32 [alpha: inC]" },
    aligned: ["x", "w", "y"],
    needs: ["rowElements"],
    extents: { x: "4 * elements(s)", w: "4 * s.inC", y: "4 * elements(s)" },
    inPlace: true,
    error: "exact: the product rounded once",
  },

  copy_strided: {
    number: 38,
    formula: ["y[i,j,k,l,m] = x[padC + i·xPitch + j·strideH + k·strideW + l·dilationH + m·dilationW]"],
    notes:
      "Elements of 4 bytes. Transposes, slices with steps, backwards too, and repetitions (a step of 0); axes that need " +
      "none are of size 1.",
    units: "the n·outH outer rows of the output",
    reads: STRIDED,
    aligned: ["x", "y"],
    needs: ["strided"],
    extents: { x: "4 * s.inC", y: "4 * stridedElements(s)" },
    error: MOVED,
  },

  copy_strided_s8: {
    number: 39,
    file: "copy_strided",
    formula: ["as copy_strided, of bytes"],
    units: "the n·outH outer rows of the output",
    reads: STRIDED,
    aligned: ["x", "y"],
    needs: ["strided"],
    extents: { x: "s.inC", y: "stridedElements(s)" },
    error: "exact",
  },

  gather: {
    number: 40,
    formula: ["y[n,oy,ox,c] = x[n, rows[oy], columns[ox], c]"],
    notes: "Elements of 4 bytes. Rows and columns outside the image count as the nearest inside.",
    units: IMAGE_ROWS,
    reads: GATHERED,
    aligned: ["x", "w", "y"],
    needs: ["imageRows"],
    extents: { x: "4 * image(s)", w: "4 * (s.outH + s.outW)", y: "4 * pixels(s) * s.inC" },
    error: MOVED,
  },

  gather_s8: {
    number: 41,
    file: "gather",
    formula: ["as gather, of bytes"],
    units: IMAGE_ROWS,
    reads: GATHERED,
    aligned: ["x", "w", "y"],
    needs: ["imageRows"],
    extents: { x: "image(s)", w: "4 * (s.outH + s.outW)", y: "pixels(s) * s.inC" },
    error: "exact",
  },

  reduce_f32: {
    number: 42,
    formula: ["y[n,m,i] = f over k, l of x[n,k,m,l,i]: the sum, the mean, the largest, the smallest, the product"],
    notes: "Sums of each k are summed up. All variants give the same bits.",
    units: "the n·midC rows of the output",
    reads: {
      ...as("rows"),
      n: "Sizes of x's outer axis,",
      kH: "of the first one that is reduced,",
      midC: "of the one that stays between,",
      kW: "of the second one that is reduced,",
      inC: "and of the inner axis.",
      flags: "",
      x: "f32 [n, kH, midC, kW, inC]",
      y: "f32 [n, midC, inC]",
    },
    flags: REDUCTIONS,
    aligned: ["x", "y"],
    needs: [
      ...positive("rows", "n", "kH", "midC", "kW", "inC"),
      ["n·midC rows", "s.rows == s.n * s.midC"],
      below("elements", "reduced(s)"),
      ...oneOf(REDUCTIONS),
    ],
    extents: { x: "4 * reduced(s)", y: "4 * elements(s)" },
    error: "|Δ| ≤ (kH + kW + 1)·2⁻²⁴·Σ|x| or, of a product, (kH·kW + 1)·2⁻²⁴·|y|; else exact",
  },

  unary_f32: {
    number: 43,
    formula: ["y[i] = f(x[i])"],
    notes: "NaN passes. All variants give the same bits.",
    units: "rows",
    reads: { ...F32_ROWS, flags: "" },
    flags: UNARY,
    aligned: ["x", "y"],
    needs: ["rowElements", ...oneOf(UNARY)],
    extents: { x: "4 * elements(s)", y: "4 * elements(s)" },
    inPlace: true,
    error: "exact for |x|, −x and whole numbers; one rounding for x², √x, 1/x, two for 1/√x; |Δ| ≤ 4·2⁻²⁴·|y| else",
  },

  binary_f32: {
    number: 46,
    inner: ["binary_f32_run"],
    formula: [
      "y[i] = clamp(a[i] ∘ b[i], lo, hi), a at x and b at x2 (or w), ∘ the operator",
      "a and b have five axes like y, with one element for all along the axes of spread and spread2",
    ],
    notes: "NaN passes. All variants give the same bits.",
    units: "rows of inC elements",
    ...{ reads: { ...OPERANDS("f32", "4 * ").reads, ...as("lo", "hi") }, flags: ["CONSTANT"] },
    aligned: ["x", "x2", "w", "y"],
    needs: ["broadcast", ["an operator that there is", "s.operator >= 0 && s.operator < 8"]],
    extents: OPERANDS("f32", "4 * ").extents,
    inPlace: true,
    error: "exact: rounded once",
  },

  binary_s8: {
    number: 47,
    inner: ["binary_s8_run"],
    formula: [
      "y = clamp(MBQM(a₂₀ ± b₂₀, m3, e3) + zy, qlo, qhi), a₂₀ = MBQM((a − zx)·2²⁰, m1, e1), b₂₀ by zx2, m2, e2",
      "a·b: y = clamp(MBQM((a − zx)·(b − zx2), m3, e3) + zy, qlo, qhi)",
      "the larger or smaller one: y = clamp(max(a, b), qlo, qhi), all of one quantization",
      "a at x and b at x2 (or w), broadcast as in binary_f32",
    ],
    units: "rows of inC elements",
    reads: {
      ...OPERANDS("i8", "").reads,
      ...as("zx", "zx2", "zy", "qlo", "qhi", "m1", "e1", "m2", "e2", "m3", "e3"),
    },
    flags: ["CONSTANT"],
    aligned: ["x", "x2", "w", "y"],
    needs: ["broadcast", ["an operator of whole numbers", "s.operator >= 0 && s.operator < 6"]],
    extents: OPERANDS("i8", "").extents,
    inPlace: true,
    error: REFERENCE,
  },

  copy_lut_s8: {
    number: 48,
    file: "move_s8",
    formula: ["y[r·yPitch + i] = w[x[r·xPitch + i] as an unsigned byte], i < inC"],
    notes: "As copy_s8, of a part of a concatenation whose numbers mean something else than the whole's.",
    units: "rows",
    reads: {
      ...{ ...as("rows", "xPitch", "yPitch"), inC: "Bytes of a row that are looked up." },
      ...{ x: "rows", y: "rows", w: "256 bytes" },
    },
    aligned: ["x", "w"],
    needs: ["copied"],
    extents: { x: "elements(s)", w: "256", y: "elements(s)", columns: "s.inC", pitch: "s.yPitch" },
    error: "exact",
  },

  argmax_f32: {
    number: 49,
    file: "argmax",
    formula: ["y[r,i] = the k for which x[r,k,i] is the largest, of equal ones the first, or the last with LAST"],
    notes: "Compared by >: a NaN is passed over, but where it comes first.",
    ...ARGMAX("f32", "4 * "),
  },

  argmax_s8: {
    number: 50,
    file: "argmax",
    formula: ["y[r,i] = the k for which x[r,k,i] is the largest, of equal ones the first, or the last with LAST"],
    ...ARGMAX("i8", ""),
  },

  constant: {
    number: 51,
    formula: ["y[r,i] = w[r,i]"],
    notes: "Elements of 4 bytes.",
    units: "rows",
    reads: { ...as("rows"), inC: "Elements of a row.", x: "no byte of it", w: "[rows, inC]", y: "[rows, inC]" },
    aligned: ["w", "y"],
    needs: ["rowElements"],
    extents: { x: "0", w: "4 * elements(s)", y: "4 * elements(s)" },
    error: MOVED,
  },

  cast_s32: {
    number: 52,
    formula: ["y[i] = x[i] as the nearest float, of two equally near ones the even one"],
    units: "rows",
    reads: { ...as("rows"), inC: "Elements of a row.", x: "i32 [rows, inC]", y: "f32 [rows, inC]" },
    aligned: ["x", "y"],
    needs: ["rowElements"],
    extents: { x: "4 * elements(s)", y: "4 * elements(s)" },
    inPlace: true,
    error: "exact: rounded once",
  },

  gather_nd: {
    number: 53,
    formula: [
      "y[r,i] = x[x2[r,0], …, x2[r,kW−1], i], each coordinate cut to a whole number",
      "y[r,i] = 0 where a coordinate is below 0, not below its axis's size, or NaN",
    ],
    notes: "Elements of 4 bytes. The coordinates belong to the last kW of the axes n, inH, inW, inC; the others are 1.",
    units: "places",
    reads: {
      ...as("rows"),
      n: "Sizes of the axes of x that the coordinates belong to.",
      ...{ inH: "", inW: "", inC: "", kW: "Coordinates of a place, 1 to 4.", outC: "Elements of a part." },
      ...{ x: "[n, inH, inW, inC, outC]", x2: "f32 [rows, kW]", y: "[rows, outC]" },
    },
    aligned: ["x", "x2", "y"],
    needs: [
      ...positive("rows", "n", "inH", "inW", "inC", "outC"),
      ["1 to 4 coordinates", "s.kW >= 1 && s.kW <= 4"],
      ["a coordinate for each axis that is not 1", "(s.kW > 3 || s.n == 1) && (s.kW > 2 || s.inH == 1)"],
      ["a coordinate for inW", "s.kW > 1 || s.inW == 1"],
      below("elements", "Math.max(image(s) * s.outC, s.rows * Math.max(s.kW, s.outC))"),
    ],
    extents: { x: "4 * image(s) * s.outC", x2: "4 * s.rows * s.kW", y: "4 * s.rows * s.outC" },
    error: MOVED,
  },

  matmul_f32: {
    number: 54,
    formula: ["y[b,i,j] = Σ_k x[b,i,k]·x2[b,k,j]"],
    notes: "NaN passes.",
    units: "the n·inH rows of the products",
    reads: {
      ...as("rows"),
      ...{ n: "Matrices.", inH: "Rows of a matrix at x.", inC: "Its columns.", outC: "Columns of a matrix at x2." },
      ...{ x: "f32 [n, inH, inC]", x2: "f32 [n, inC, outC]", y: "f32 [n, inH, outC]" },
    },
    aligned: ["x", "x2", "y"],
    needs: [
      ...positive("rows", "n", "inH", "inC", "outC"),
      ["n·inH rows", "s.rows == s.n * s.inH"],
      below("elements", "Math.max(s.n * s.inC * s.outC, s.rows * Math.max(s.inC, s.outC))"),
    ],
    extents: { x: "4 * s.rows * s.inC", x2: "4 * s.n * s.inC * s.outC", y: "4 * s.rows * s.outC" },
    error: "|Δ| ≤ inC·2⁻²⁴·Σ|x·x2|",
  },

  prelu_s8: {
    number: 55,
    formula: [
      "y = clamp(MBQM(x − zx, m1, e1) + zy, −128, 127) where x ≥ zx",
      "y = clamp(MBQM((x − zx)·(w[c] − zw), m2, e2) + zy, −128, 127) below",
    ],
    units: "rows",
    streams: "units",
    reads: { ...S8_ROWS, w: "i8 [inC]", ...as("zx", "zw", "zy", "m1", "e1", "m2", "e2") },
    aligned: ["x", "w", "y"],
    needs: [
      "rowElements",
      ...zeros("zx", "zw", "zy"),
      ["shifts to the left of 14 bits at most", "s.e1 >= -14 && s.e2 >= -14"],
    ],
    extents: { x: "elements(s)", w: "s.inC", y: "elements(s)" },
    inPlace: true,
    error: REFERENCE,
  },
};
