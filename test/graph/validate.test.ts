import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import type { Constant, Graph, Node } from "../../src/graph/graph.ts";
import { optimize } from "../../src/graph/passes/index.ts";
import { validate } from "../../src/graph/validate.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { graphOf, PLAIN } from "./build.ts";

const CONV: Node = { op: "conv2d", name: "conv", inputs: ["x"], weights: "w", bias: "b", ...PLAIN };
const RELU: Node = { op: "clamp", name: "relu", inputs: ["conv"], lo: 0, hi: Number.POSITIVE_INFINITY };
const GRAPH = graphOf({ x: [1, 4, 4, 2], constants: { w: [3, 3, 2, 3], b: [3] }, nodes: [CONV, RELU] });

/** The graph with the convolution changed, without regard to types: files lie about those too. */
const conv = (fields: object): Graph => ({ ...GRAPH, nodes: [{ ...CONV, ...fields } as Node, RELU] });
/** The graph with another node in place of the clamp. */
const then = (fields: object): Graph => ({ ...GRAPH, nodes: [CONV, { ...RELU, ...fields } as Node] });
/** The graph with the bias changed. */
const bias = (fields: object): Graph => ({
  ...GRAPH,
  constants: new Map(GRAPH.constants).set("b", { ...(GRAPH.constants.get("b") as Constant), ...fields }),
});
const input = (fields: object): Graph => ({
  ...GRAPH,
  inputs: [{ ...GRAPH.inputs[0], ...fields } as Graph["inputs"][0]],
});

const Q = { scales: [0.1], zeroPoints: [0], axis: 0 };
const BYTE = { dtype: "int8", quantization: Q } as const;
/** An int8 graph of one node. */
const byte = (node: object, constants: readonly Constant[] = []): Graph => ({
  ...{ name: "bytes", inputs: [{ name: "x", shape: [1, 4], ...BYTE }], nodes: [node as Node], outputs: ["y"] },
  ...{ constants: new Map(constants.map((c) => [c.name, c])), endPoints: new Map(), source: { format: "test" } },
});
const weights = (fields: object): Constant =>
  ({ name: "w", shape: [4, 2], dtype: "int8", quantization: Q, ...fields }) as Constant;
const dense = (fields: object, ...constants: Constant[]) =>
  byte({ op: "dense", name: "y", inputs: ["x"], weights: "w", ...BYTE, ...fields }, constants);

describe("validate of types", () => {
  it("accepts what computes in one type", () => {
    validate(byte({ op: "dequantize", name: "y", inputs: ["x"] }));
    validate(byte({ op: "clamp", name: "y", inputs: ["x"], lo: 0, hi: 1, ...BYTE }));
    validate(dense({}, weights({})));
    validate(byte({ op: "prelu", name: "y", inputs: ["x"], alpha: "w", ...BYTE }, [weights({ shape: [4] })]));
    validate(dense({}, weights({ quantization: { scales: [1, 2], zeroPoints: [3, 3], axis: 1 } })));
  });

  const lies: [string, Graph, RegExp][] = [
    [
      "dequantize to int8",
      byte({ op: "dequantize", name: "y", inputs: ["x"], ...BYTE }),
      /a value of float32, got int8/,
    ],
    [
      "quantize to float32",
      byte({ op: "quantize", name: "y", inputs: ["x"] }),
      /a value of int8 or uint8, got float32/,
    ],
    [
      "a float clamp of int8",
      byte({ op: "clamp", name: "y", inputs: ["x"], lo: 0, hi: 1 }),
      /input "x" of float32, got int8/,
    ],
    [
      "float slopes of int8",
      byte({ op: "prelu", name: "y", inputs: ["x"], alpha: "w", ...BYTE }, [
        weights({ shape: [4], dtype: "float32", quantization: undefined, data: new Float32Array(4) }),
      ]),
      /expected .*int8.*, got float32/,
    ],
    [
      "a reshape that drops the type",
      byte({ op: "reshape", name: "y", inputs: ["x"], shape: [4] }),
      /input "x" of float32/,
    ],
    [
      "a sum of int8 and float32",
      {
        ...byte({ op: "add", name: "y", inputs: ["x", "f"], ...BYTE }),
        inputs: [
          { name: "x", shape: [1, 4], ...BYTE },
          { name: "f", shape: [1, 4], dtype: "float32" },
        ],
      },
      /input "f" of int8, got float32/,
    ],
    [
      "uint8 from int8",
      byte({ op: "clamp", name: "y", inputs: ["x"], lo: 0, hi: 1, ...BYTE, dtype: "uint8" }),
      /of uint8, got int8/,
    ],
    ["int8 with float weights", dense({}, weights({ dtype: "float32" })), /weights "w" of int8, got float32/],
    [
      "int8 with a float bias",
      dense({ bias: "b" }, weights({}), { name: "b", shape: [2], dtype: "float32" }),
      /bias "b" of int32, got float32/,
    ],
    [
      "a zero point per channel",
      dense({}, weights({ quantization: { scales: [1, 1], zeroPoints: [0, 1], axis: 1 } })),
      /one zero point for all of weights "w"/,
    ],
    [
      "statistics of 8 bits",
      byte({ op: "moments", name: "y", inputs: ["x"], ...BYTE }),
      /a value of float32, got int8/,
    ],
  ];
  for (const [name, graph, message] of lies) {
    it(`refuses ${name}`, () => {
      expect(() => validate(graph)).toThrow(ShapeError);
      expect(() => validate(graph)).toThrow(message);
    });
  }

  it("refuses float32 with int8 weights", () => {
    const graph = { ...GRAPH, constants: new Map(GRAPH.constants).set("w", weights({ shape: [3, 3, 2, 3] })) };
    expect(() => validate(graph)).toThrow(/weights "w" of float32, got int8/);
  });
});

describe("validate", () => {
  it("accepts what is right, with and without data, before and after the passes", () => {
    for (const graph of [
      GRAPH,
      mobilenetV1({ resolution: 32 }),
      mobilenetV1({ resolution: 32, training: true, batch: 2 }),
    ]) {
      expect(() => validate(graph)).not.toThrow();
      expect(() => validate(optimize(graph))).not.toThrow();
    }
    expect(() => validate(bias({ data: undefined }))).not.toThrow();
  });

  const LIES: [string, Graph, new (message: string) => Error, string][] = [
    [
      "a node named like an input",
      conv({ name: "x" }),
      RangeError,
      'node "x": expected a unique name, got that of another input',
    ],
    [
      "a node named like a constant",
      then({ name: "w" }),
      RangeError,
      'node "w": expected a unique name, got that of another constant',
    ],
    [
      "two nodes of one name",
      then({ name: "conv" }),
      RangeError,
      'node "conv": expected a unique name, got that of another node',
    ],
    ["a node without a name", then({ name: "" }), TypeError, 'graph "test": expected a name for every node, got ""'],
    [
      "an input that is not defined",
      conv({ inputs: ["y"] }),
      RangeError,
      'node "conv" (conv2d): expected inputs defined before it, got "y", which is not defined',
    ],
    [
      "an input that comes later",
      conv({ inputs: ["relu"] }),
      RangeError,
      'node "conv" (conv2d): expected inputs defined before it, got "relu", which comes later (or is itself)',
    ],
    [
      "a node that reads itself",
      conv({ inputs: ["conv"] }),
      RangeError,
      'node "conv" (conv2d): expected inputs defined before it, got "conv", which comes later (or is itself)',
    ],
    [
      "a constant as activation",
      conv({ inputs: ["w"] }),
      RangeError,
      'node "conv" (conv2d): expected an activation as input, got constant "w"',
    ],
    [
      "an activation as weights",
      then({ op: "dense", weights: "x" }),
      RangeError,
      'node "relu" (dense): expected weights to be a constant, got "x" (input)',
    ],
    [
      "weights that are not defined",
      conv({ weights: "v" }),
      RangeError,
      'node "conv" (conv2d): expected weights to be a constant, got "v" (not defined)',
    ],
    [
      "weights left out",
      conv({ weights: undefined }),
      TypeError,
      'node "conv" (conv2d): expected a value defined before it, got "undefined"',
    ],
    ["too many inputs", then({ inputs: ["conv", "x"] }), RangeError, 'node "relu" (clamp): expected 1 inputs, got 2'],
    ["too few inputs", then({ op: "add" }), RangeError, 'node "relu" (add): expected 2 inputs, got 1'],
    [
      "nothing to concat",
      then({ op: "concat", axis: 0, inputs: [] }),
      RangeError,
      'node "relu" (concat): expected 1 or more inputs, got 0',
    ],
    ["an unknown op", then({ op: "tanh" }), TypeError, 'node "relu": expected a known op, got "tanh"'],
    [
      "an op named like a property of objects",
      then({ op: "toString" }),
      TypeError,
      'node "relu": expected a known op, got "toString"',
    ],
    ["no outputs", { ...GRAPH, outputs: [] }, RangeError, 'graph "test": expected at least one output, got none'],
    [
      "an unknown output",
      { ...GRAPH, outputs: ["y"] },
      RangeError,
      'output "y": expected the name of an input or node, got "y" (not defined)',
    ],
    [
      "a constant as output",
      { ...GRAPH, outputs: ["w"] },
      RangeError,
      'output "w": expected the name of an input or node, got "w" (constant)',
    ],
    [
      "an unknown end point",
      { ...GRAPH, endPoints: new Map([["block0", "y"]]) },
      RangeError,
      'end point "block0": expected the name of an input or node, got "y" (not defined)',
    ],
    [
      "a constant under another name",
      { ...GRAPH, constants: new Map(GRAPH.constants).set("v", GRAPH.constants.get("w") as Constant) },
      RangeError,
      'constant "w": expected to be stored under its own name, got "v"',
    ],
    [
      "too little data",
      bias({ data: new Float32Array(2) }),
      ShapeError,
      'constant "b": expected 3 elements for shape [3], got 2',
    ],
    [
      "data of another type",
      bias({ data: new Float64Array(3) }),
      TypeError,
      'constant "b": expected data of Float32Array for float32, got Float64Array',
    ],
    [
      "data that is a list",
      bias({ data: [1, 2, 3] }),
      TypeError,
      'constant "b": expected data of Float32Array for float32, got Array',
    ],
    [
      "data that is nothing",
      bias({ data: null }),
      TypeError,
      'constant "b": expected data of Float32Array for float32, got object',
    ],
    [
      "an unknown dtype",
      bias({ dtype: "float16" }),
      TypeError,
      'constant "b": expected a dtype of float32, uint8, int8, int32, got "float16"',
    ],
    [
      "a dtype named like a property of objects",
      input({ dtype: "constructor" }),
      TypeError,
      'input "x": expected a dtype of float32, uint8, int8, int32, got "constructor"',
    ],
    [
      "an empty dimension",
      input({ shape: [1, 0, 4, 2] }),
      RangeError,
      'input "x": expected dimensions of at least 1, got [1, 0, 4, 2]',
    ],
    [
      "a dimension unknown",
      input({ shape: [-1, 4, 4, 2] }),
      RangeError,
      'input "x": expected dimensions of at least 1, got [-1, 4, 4, 2]',
    ],
    [
      "a fraction of a pixel",
      input({ shape: [1, 4.5, 4, 2] }),
      RangeError,
      'input "x": expected dimensions of at least 1, got [1, 4.5, 4, 2]',
    ],
    [
      "an endless dimension",
      input({ shape: [1, Number.POSITIVE_INFINITY, 4, 2] }),
      RangeError,
      'input "x": expected dimensions of at least 1, got [1, Infinity, 4, 2]',
    ],
    [
      "dimensions beyond counting",
      input({ shape: [2 ** 30, 2 ** 30] }),
      RangeError,
      'input "x": expected a countable number of elements, got [1073741824, 1073741824]',
    ],
    ["no shape", input({ shape: undefined }), TypeError, 'input "x": expected a shape, got undefined'],
    [
      "a stride of 0",
      conv({ strides: [1, 0] }),
      RangeError,
      'node "conv" (conv2d): expected strides to be two integers from 1 to 2³¹ − 1, got [1,0]',
    ],
    [
      "a stride between pixels",
      conv({ strides: [1.5, 1] }),
      RangeError,
      'node "conv" (conv2d): expected strides to be two integers from 1 to 2³¹ − 1, got [1.5,1]',
    ],
    [
      "a dilation of 0",
      conv({ dilations: [0, 1] }),
      RangeError,
      'node "conv" (conv2d): expected dilations to be two integers from 1 to 2³¹ − 1, got [0,1]',
    ],
    [
      "strides of one number",
      conv({ strides: 2 }),
      RangeError,
      'node "conv" (conv2d): expected strides to be two integers from 1 to 2³¹ − 1, got 2',
    ],
    [
      "an unknown padding",
      conv({ padding: "full" }),
      TypeError,
      'node "conv" (conv2d): expected padding to be "same", "valid" or pixels, got "full"',
    ],
    [
      "a negative padding",
      conv({ padding: { top: 0, bottom: 0, left: -1, right: 0 } }),
      RangeError,
      'node "conv" (conv2d): expected padding.left to be an integer from 0 to 2³¹ − 1, got -1',
    ],
    [
      "bounds the wrong way round",
      then({ lo: 6, hi: 0 }),
      RangeError,
      'node "relu" (clamp): expected clamp bounds lo ≤ hi, got 6 and 0',
    ],
    [
      "bounds that are no numbers",
      conv({ clamp: { lo: 0, hi: Number.NaN } }),
      RangeError,
      'node "conv" (conv2d): expected clamp bounds lo ≤ hi, got 0 and NaN',
    ],
    [
      "a pool without size",
      then({ op: "maxPool", size: [0, 1], strides: [1, 1], padding: "same" }),
      RangeError,
      'node "relu" (maxPool): expected size to be two integers from 1 to 2³¹ − 1, got [0,1]',
    ],
    [
      "a negative epsilon",
      then({ op: "batchNorm", mean: "b", variance: "b", epsilon: -1 }),
      RangeError,
      'node "relu" (batchNorm): expected epsilon to be a number from 0 on, got -1',
    ],
    [
      "a momentum above 1",
      then({ op: "movingAverage", mean: "b", variance: "b", momentum: 1.5, varianceFactor: 1 }),
      RangeError,
      'node "relu" (movingAverage): expected momentum to be a number from 0 to 1, got 1.5',
    ],
    [
      "a softmax without beta",
      then({ op: "softmax" }),
      RangeError,
      'node "relu" (softmax): expected beta to be a number, got undefined',
    ],
    [
      "a negative axis",
      then({ op: "concat", axis: -1 }),
      RangeError,
      'node "relu" (concat): expected axis to be an integer from 0 on, got -1',
    ],
    [
      "a pad with NaN",
      then({ op: "pad", padding: { top: 0, bottom: 0, left: 0, right: 0 }, value: Number.NaN }),
      RangeError,
      'node "relu" (pad): expected a number as value, got NaN',
    ],
    [
      "a pad of half a channel",
      then({ op: "pad", padding: { top: 0, bottom: 0, left: 0, right: 0, back: 0.5 }, value: 0 }),
      RangeError,
      'node "relu" (pad): expected padding.back to be an integer from 0 to 2³¹ − 1, got 0.5',
    ],
    [
      "a pad of channels less than none",
      then({ op: "pad", padding: { top: 0, bottom: 0, left: 0, right: 0, front: -1 }, value: 0 }),
      RangeError,
      'node "relu" (pad): expected padding.front to be an integer from 0 to 2³¹ − 1, got -1',
    ],
    [
      "a reshape with two unknowns",
      then({ op: "reshape", shape: [-1, -1] }),
      RangeError,
      'node "relu" (reshape): expected dimensions from 1 on and at most one −1, got [-1, -1]',
    ],
    [
      "a reshape to nothing",
      then({ op: "reshape", shape: [0, 4] }),
      RangeError,
      'node "relu" (reshape): expected dimensions from 1 on and at most one −1, got [0, 4]',
    ],
    [
      "shapes that disagree",
      bias({ shape: [1, 3] }),
      ShapeError,
      'node "conv" (conv2d): expected bias "b" of shape [3], got [1, 3]',
    ],
  ];
  for (const [name, graph, kind, message] of LIES) {
    it(`refuses ${name}`, () => {
      expect(() => validate(graph)).toThrow(new kind(message));
    });
  }
});
