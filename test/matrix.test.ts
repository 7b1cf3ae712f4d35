/**
 * README's matrix of ops says what the package has: it is made of the registries (lowerings, definitions) and of what
 * readers and the writer name. What changes them is written anew, by `UPDATE_MATRIX=1 npx vitest run
 * test/matrix.test.ts`.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { FLOATS } from "../src/engine/lower/f32.ts";
import { BYTES } from "../src/engine/lower/s8.ts";
import { OPS, type Op } from "../src/graph/ops/index.ts";

const README = fileURLToPath(new URL("../README.md", import.meta.url));

/** Rows of the matrix: what they are called, the ops, and what of these. */
const ROWS: readonly (readonly [name: string, ops: readonly Op[], what: string])[] = [
  ["convolution", ["conv2d"], "any kernel, stride, dilation; SAME, VALID, explicit padding"],
  ["depthwise convolution", ["depthwiseConv2d"], "the same, any depth multiplier"],
  ["pointwise, dense", ["dense"], "matrix kernel on packed weights"],
  ["separable block", ["separable"], "made by a pass: the map between depthwise and pointwise is never stored"],
  ["transposed convolution", ["transposedConv2d"], "made a convolution and a move of pixels by a pass"],
  [
    "average, max, global average pool",
    ["averagePool", "maxPool", "globalAveragePool"],
    "the mean counts what lies inside",
  ],
  ["batch norm", ["batchNorm"], "folded into the layer before it; else scale and shift"],
  ["batch norm in training", ["moments", "normalize", "movingAverage"], "statistics of the batch, moving averages"],
  ["scale and shift", ["scaleShift"], "a factor and a term for each channel"],
  ["ReLU, ReLU6, any clamp", ["clamp"], "fused into the op before"],
  ["PReLU", ["prelu"], "a slope for each channel"],
  ["leaky ReLU", ["leakyRelu"], "one slope, in TFLite's 8 bits; else a PReLU"],
  ["sigmoid, softmax", ["sigmoid", "softmax"], ""],
  ["hard-swish", ["hardSwish"], "TF.js has it as add, clamp, mul"],
  [
    "add, sub, mul, maximum, minimum",
    ["add", "sub", "mul", "maximum", "minimum"],
    "of two values, or a value and a constant, broadcast",
  ],
  ["div", ["div"], "the same"],
  ["concat", ["concat"], "along any axis; in 8 bits of parts of other scales too"],
  ["pad", ["pad"], "rows, columns and channels, any value"],
  ["mirror pad", ["mirrorPad"], "reflect, symmetric, edge"],
  ["reshape", ["reshape", "identity"], "no number moves"],
  ["transpose, slice, tile", ["transpose", "slice", "tile"], "any steps; at most five axes that move apart"],
  [
    "bilinear, nearest resize",
    ["resizeBilinear", "resizeNearest"],
    "half pixels, corners; ONNX: cubic and others as matrices",
  ],
  ["sum, mean, max, min, product", ["reduce"], "along any axes"],
  ["argmax", ["argMax"], "int32, which is an `Int32Array`"],
  [
    "functions of a number",
    ["unary"],
    "abs, neg, square, sqrt, rsqrt, reciprocal, exp, log, tanh, floor, ceil, round, truncate",
  ],
  ["product of two values", ["matMul"], "as many matrices of each"],
  ["parts at computed places", ["gatherNd"], "GatherND, with constants as values"],
  ["constant as a value", ["constant"], "beside values in a concat"],
  ["int32 as floats", ["cast"], "of an argmax"],
  ["floats to bytes and back", ["quantize", "dequantize"], "at the ends of a network, or inside"],
];

/** Whether a pass makes another op of it before kernels are chosen, in 8 bits too. */
const isPassed = (op: Op) => op === "transposedConv2d";

function sources(folder: string, of: (file: string) => boolean): string {
  const path = fileURLToPath(new URL(`../src/formats/${folder}/`, import.meta.url));
  return readdirSync(path)
    .filter(of)
    .map((file) => readFileSync(`${path}${file}`, "utf8"))
    .join("\n");
}

const isWriter = (file: string) => file.startsWith("write");
const reads = (folder: string) => {
  const text = sources(folder, (file) => !isWriter(file));
  return (op: Op) => text.includes(`"${op}"`);
};
const writer = sources("tflite", isWriter);

/** Whether a column holds of an op. */
const COLUMNS: readonly (readonly [title: string, holds: (op: Op) => boolean])[] = [
  ["f32", (op) => op in FLOATS || OPS[op].reads?.types.includes("float32") || op === "dequantize"],
  ["8 bits", (op) => op in BYTES || (OPS[op].reads?.types.includes("int8") ?? false) || isPassed(op)],
  ["`quantize`", (op) => ![undefined, "float"].includes(OPS[op].quantized)],
  ["TFLite", reads("tflite")],
  ["written", (op) => writer.includes(`case "${op}"`)],
  ["Keras", reads("keras")],
  ["TF.js", reads("tfjs")],
  ["ONNX", reads("onnx")],
];

function matrix(): string {
  const head = ["op", ...COLUMNS.map(([title]) => title), "what of it"];
  const rows = ROWS.map(([name, ops, what]) => {
    const marks = COLUMNS.map(([, holds]) => (ops.every(holds) ? "✓" : ops.some(holds) ? "part" : "–"));
    return [name, ...marks, what];
  });
  const rule = head.map((_, i) => (i === 0 || i === head.length - 1 ? "---" : ":-:"));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

describe("README's matrix of ops", () => {
  it("has each op once", () => {
    const listed = ROWS.flatMap(([, ops]) => ops);
    expect([...listed].sort()).toEqual(Object.keys(OPS).sort());
  });

  it("says what registries, readers and the writer have", () => {
    const text = readFileSync(README, "utf8");
    const [start, end] = [text.indexOf("| op | f32"), text.indexOf("\n\n", text.indexOf("| op | f32"))];
    expect(start, "a table that begins with | op | f32").toBeGreaterThan(0);
    if (process.env.UPDATE_MATRIX === "1") {
      writeFileSync(README, text.slice(0, start) + matrix() + text.slice(end));
      return;
    }
    expect(text.slice(start, end)).toBe(matrix());
  });
});
