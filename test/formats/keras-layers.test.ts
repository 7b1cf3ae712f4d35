import { describe, expect, test } from "vitest";
import { FormatError, UnsupportedError } from "../../src/errors.ts";
import { fromKerasConfig } from "../../src/formats/keras/layers.ts";
import { variablesByName, variablesByPosition } from "../../src/formats/keras/weights.ts";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { interpret } from "../reference/interpreter.ts";
import type { Stored } from "./builders/hdf5.ts";
import { functional, inputLayer, type LayerSpec, sequential, variablesOf } from "./builders/keras.ts";

const OPTIONS = { format: "keras" };
const IMAGE = [4, 4, 2];

async function read(config: unknown, weights: Readonly<Record<string, Stored>> = {}): Promise<Graph> {
  return fromKerasConfig(config, variablesByName(variablesOf(weights)), OPTIONS);
}

/** One layer behind an input of `shape`, in the style of both versions; their graphs must be the same. */
async function single(
  className: string,
  config: Record<string, unknown> = {},
  weights: Record<string, Stored> = {},
  shape: readonly number[] = IMAGE,
): Promise<Graph> {
  const [two, three] = (await Promise.all(
    ([2, 3] as const).map((version) => {
      const layers = [inputLayer("x", shape, version), { className, name: "y", config }];
      return read(functional("m", layers, ["y"], version), weights);
    }),
  )) as [Graph, Graph];
  expect(three).toEqual(two);
  return two;
}

const filled = (shape: readonly number[], from = 1): Stored => ({
  shape,
  data: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + from),
});

function answer(graph: Graph, pixels: readonly number[], value = "y"): number[] {
  return Array.from(interpret(graph, { x: pixels }).get(value)!.values);
}

describe("layers without weights", () => {
  test.each<[string, Record<string, unknown>, Partial<Node>]>([
    ["ReLU", {}, { op: "clamp", lo: 0, hi: Infinity }],
    ["ReLU", { max_value: 6, negative_slope: [0], threshold: 0 }, { op: "clamp", lo: 0, hi: 6 }],
    ["Activation", { activation: "relu6" }, { op: "clamp", lo: 0, hi: 6 }],
    [
      "Activation",
      { activation: { class_name: "function", config: "relu6", registered_name: "relu6" } },
      { op: "clamp", lo: 0, hi: 6 },
    ],
    ["Activation", { activation: "linear" }, { op: "identity" }],
    ["Activation", { activation: "sigmoid" }, { op: "sigmoid" }],
    ["Activation", { activation: "hard_swish" }, { op: "hardSwish" }],
    ["Activation", { activation: "softmax" }, { op: "softmax", beta: 1 }],
    ["Softmax", { axis: -1 }, { op: "softmax", beta: 1 }],
    ["Dropout", { rate: 0.5 }, { op: "identity" }],
    ["SpatialDropout2D", { rate: 0.5 }, { op: "identity" }],
    ["ZeroPadding2D", { padding: 1 }, { op: "pad", padding: { top: 1, bottom: 1, left: 1, right: 1 }, value: 0 }],
    ["ZeroPadding2D", { padding: [1, 2] }, { op: "pad", padding: { top: 1, bottom: 1, left: 2, right: 2 }, value: 0 }],
    [
      "ZeroPadding2D",
      {
        padding: [
          [0, 1],
          [2, 3],
        ],
      },
      { op: "pad", padding: { top: 0, bottom: 1, left: 2, right: 3 }, value: 0 },
    ],
    ["GlobalAveragePooling2D", {}, { op: "globalAveragePool", keepDims: false }],
    ["GlobalAveragePooling2D", { keepdims: true }, { op: "globalAveragePool", keepDims: true }],
    [
      "AveragePooling2D",
      { pool_size: [2, 3], strides: null, padding: "same" },
      { op: "averagePool", size: [2, 3], strides: [2, 3], padding: "same" },
    ],
    [
      "MaxPooling2D",
      { pool_size: 2, strides: [1, 2], padding: "valid" },
      { op: "maxPool", size: [2, 2], strides: [1, 2], padding: "valid" },
    ],
    ["Flatten", {}, { op: "reshape", shape: [-1, 32] }],
    ["Reshape", { target_shape: [-1, 8] }, { op: "reshape", shape: [-1, 4, 8] }],
  ])("%s %j", async (className, config, expected) => {
    expect((await single(className, config)).nodes).toEqual([{ name: "y", inputs: ["x"], ...expected }]);
  });

  test("Rescaling, numbers or one per channel", async () => {
    const pixels = Array.from({ length: 32 }, (_, i) => i);
    expect(answer(await single("Rescaling", { scale: 0.5, offset: -1 }), pixels).slice(0, 3)).toEqual([-1, -0.5, 0]);
    const each = await single("Rescaling", { scale: [1, 2], offset: [10, 0] });
    expect(answer(each, pixels).slice(0, 4)).toEqual([10, 2, 12, 6]);
  });

  test("Normalization, by its configuration or by its weights", async () => {
    const pixels = Array.from({ length: 32 }, (_, i) => i);
    const expected = [-0.5, 0, 0.5, 0.5];
    const given = await single("Normalization", { axis: [-1], mean: [[1, 1]], variance: [[4, 16]] });
    expect(answer(given, pixels).slice(0, 4)).toEqual(expected);
    const weights = { "y/mean": { shape: [2], data: [1, 1] }, "y/variance": { shape: [2], data: [4, 16] } };
    expect(answer(await single("Normalization", { axis: [3] }, weights), pixels).slice(0, 4)).toEqual(expected);
  });
});

describe("layers with weights", () => {
  const window = { strides: [1, 1], padding: "valid", dilation_rate: [1, 1] };

  test("Conv2D with a softmax behind it", async () => {
    const config = { ...window, filters: 3, kernel_size: [2, 1], use_bias: true, activation: "softmax" };
    const graph = await single("Conv2D", config, { "y/kernel": filled([2, 1, 2, 3]), "y/bias": filled([3]) });
    expect(graph.nodes.map((node) => [node.op, node.name])).toEqual([
      ["conv2d", "y/preactivation"],
      ["softmax", "y"],
    ]);
    expect([...graph.constants.keys()]).toEqual(["y/kernel", "y/bias"]);
  });

  test("DepthwiseConv2D with a multiplier, under both names of its kernel", async () => {
    const config = { ...window, kernel_size: [2, 2], depth_multiplier: 3, use_bias: false, activation: "relu" };
    const old = await single("DepthwiseConv2D", config, { "y/depthwise_kernel": filled([2, 2, 2, 3]) });
    expect(old.nodes).toMatchObject([{ op: "depthwiseConv2d", name: "y", clamp: { lo: 0, hi: Infinity } }]);
    expect(await single("DepthwiseConv2D", config, { "y/kernel": filled([2, 2, 2, 3]) })).toEqual(old);
  });

  test("SeparableConv2D is two convolutions", async () => {
    const config = { ...window, filters: 3, kernel_size: 2, depth_multiplier: 1, use_bias: true, activation: "relu" };
    const graph = await single("SeparableConv2D", config, {
      "y/depthwise_kernel": filled([2, 2, 2, 1]),
      "y/pointwise_kernel": filled([1, 1, 2, 3]),
      "y/bias": filled([3]),
    });
    expect(graph.nodes).toMatchObject([
      { op: "depthwiseConv2d", name: "y/depthwise", inputs: ["x"], weights: "y/depthwise_kernel" },
      { op: "conv2d", name: "y", inputs: ["y/depthwise"], bias: "y/bias", clamp: { lo: 0, hi: Infinity } },
    ]);
  });

  test("BatchNormalization without scale or center asks for what is there, by name and by position", async () => {
    const config = { axis: [3], epsilon: 0.5, scale: false, center: true };
    const stats = { beta: filled([2]), moving_mean: filled([2], 3), moving_variance: filled([2], 5) };
    const byName = Object.fromEntries(Object.entries(stats).map(([name, s]) => [`y/${name}`, s]));
    const graph = await single("BatchNormalization", config, byName);
    expect(graph.nodes).toEqual([
      {
        op: "batchNorm",
        name: "y",
        inputs: ["x"],
        beta: "y/beta",
        mean: "y/moving_mean",
        variance: "y/moving_variance",
        epsilon: 0.5,
      },
    ]);
    const paths = Object.values(stats).map((s, i): [string, Stored] => [`layers\\batch_normalization\\vars\\${i}`, s]);
    const model = functional(
      "m",
      [inputLayer("x", IMAGE), { className: "BatchNormalization", name: "y", config }],
      ["y"],
    );
    const byPosition = variablesByPosition(variablesOf(Object.fromEntries(paths)));
    expect(await fromKerasConfig(model, byPosition, OPTIONS)).toEqual(graph);
  });

  const prelu = async (config: Record<string, unknown>, alpha: Stored, shape: readonly number[] = IMAGE) => {
    const graph = await single("PReLU", config, { "y/alpha": alpha }, shape);
    expect(graph.nodes).toEqual([{ op: "prelu", name: "y", inputs: ["x"], alpha: "y/alpha" }]);
    return graph.constants.get("y/alpha")!;
  };

  test("PReLU with one alpha a channel, or one for all", async () => {
    const each = { shape: [2], data: Float32Array.of(0.5, -2) };
    const [own, one] = [{ shape: [1, 1, 2], data: [0.5, -2] }, filled([1, 1, 1], 3)];
    expect(await prelu({ shared_axes: [1, 2] }, own)).toMatchObject(each);
    expect(await prelu({ shared_axes: [1, 2, 3] }, one)).toMatchObject({ shape: [2], data: Float32Array.of(3, 3) });
    expect(await prelu({ shared_axes: null }, { shape: [2], data: [0.5, -2] }, [2])).toMatchObject(each);
    const graph = await single("PReLU", { shared_axes: null }, { "y/alpha": { shape: [2], data: [0.5, -2] } }, [2]);
    expect(answer(graph, [-4, -4])).toEqual([-2, 8]);
    expect(answer(graph, [4, 4])).toEqual([4, 4]);
  });

  test("PReLU with an alpha for each pixel, where they are the same ones", async () => {
    const data = Array.from({ length: 32 }, (_, i): number => (i % 2 ? -2 : 0.5));
    const same = await prelu({}, { shape: IMAGE, data });
    expect(same).toMatchObject({ shape: [2], data: Float32Array.of(0.5, -2) });
    const varied = prelu({}, { shape: IMAGE, data: data.with(-2, 1) });
    await expect(varied).rejects.toThrow(UnsupportedError);
    await expect(varied).rejects.toThrow(/layer 'y' \(PReLU\), alpha: expected the same numbers at each pixel/);
    await expect(prelu({ shared_axes: [3] }, filled([4, 4, 1]))).rejects.toThrow(/alpha: expected the same numbers/);
    await expect(prelu({ shared_axes: ["h"] }, filled([4, 4, 2]))).rejects.toThrow(
      /shared_axes: expected whole numbers/,
    );
  });

  test.each<[Record<string, unknown>, number]>([
    [{}, 0.3],
    [{ alpha: 0.1 }, 0.1],
    [{ negative_slope: 0.2 }, 0.2],
  ])("LeakyReLU %j", async (config, slope) => {
    const graph = await single("LeakyReLU", config);
    expect(graph.nodes).toEqual([{ op: "prelu", name: "y", inputs: ["x"], alpha: "y/alpha" }]);
    expect(graph.constants.get("y/alpha")).toMatchObject({ shape: [2], data: Float32Array.of(slope, slope) });
  });

  test.each<[string, string, number[]]>([
    ["Add", "add", [3, 22, 5, 24]],
    ["Multiply", "mul", [2, 40, 6, 80]],
    ["Maximum", "maximum", [2, 20, 3, 20]],
    ["Minimum", "minimum", [1, 2, 2, 4]],
    ["Subtract", "sub", [-1, -18, -1, -16]],
  ])("%s of an image and of what there is for each channel", async (className, op, expected) => {
    const layers: LayerSpec[] = [
      inputLayer("x", [2, 1, 2]),
      inputLayer("gate", className === "Subtract" ? [2, 1, 2] : [2]),
      { className, name: "y", config: {}, inputs: ["x", "gate"] },
    ];
    const graph = await read(functional("m", layers, ["y"]), {});
    expect(graph.nodes.map((node) => node.op)).toEqual(className === "Subtract" ? [op] : ["reshape", op]);
    const gate = className === "Subtract" ? [2, 20, 4, 20] : [2, 20];
    expect(Array.from(interpret(graph, { x: [1, 2, 3, 4], gate }).get("y")!.values)).toEqual(expected);
  });

  test("Dense on rows", async () => {
    const graph = await single(
      "Dense",
      { units: 3, use_bias: false, activation: "linear" },
      { "y/kernel": filled([2, 3]) },
      [2],
    );
    expect(answer(graph, [1, 10])).toEqual([41, 52, 63]);
  });
});

describe("graphs", () => {
  const relu = (name: string, inputs?: string[]): LayerSpec => ({ className: "ReLU", name, ...(inputs && { inputs }) });

  test.each([2, 3] as const)("branches, added and joined; layers listed in any order (Keras %i)", async (version) => {
    const layers: LayerSpec[] = [
      { className: "Concatenate", name: "y", config: { axis: -1 }, inputs: ["sum", "x"] },
      { className: "Add", name: "sum", inputs: ["x", "r", "r"] },
      relu("r", ["x"]),
      inputLayer("x", [2], version),
    ];
    const graph = await read(functional("m", layers, ["y", "r"], version));
    expect(graph.outputs).toEqual(["y", "r"]);
    expect(graph.nodes.map((node) => node.name)).toEqual(["r", "sum/sum", "sum", "y"]);
    expect(answer(graph, [-1, 2])).toEqual([-1, 6, -1, 2]);
  });

  test.each<[string, 2 | 3, string, Record<string, unknown>, (string | number)[], number]>([
    ["x/2", 2, "TFOpLambda", { function: "math.truediv" }, ["x", 2], 4],
    ["x − 2", 2, "TFOpLambda", { function: "math.subtract" }, ["x", 2], 6],
    ["x·2", 2, "TFOpLambda", { function: "math.multiply" }, ["x", 2], 16],
    ["x + 2", 2, "TFOpLambda", { function: "__operators__.add" }, ["x", 2], 10],
    ["x/2", 3, "TrueDivide", {}, ["x", 2], 4],
    ["x − 2", 3, "Subtract", {}, ["x", 2], 6],
    ["2 − x", 3, "Subtract", {}, [2, "x"], -6],
    ["x·2", 3, "Multiply", {}, ["x", 2], 16],
    ["2/x", 3, "TrueDivide", {}, [2, "x"], 0.25],
    ["x, 20 at least", 3, "Maximum", {}, ["x", 20], 20],
    ["x, 2 at most", 2, "TFOpLambda", { function: "math.minimum" }, ["x", 2], 2],
    ["x·x", 2, "TFOpLambda", { function: "math.multiply" }, ["x", "x"], 64],
    ["x + 2", 3, "Add", {}, ["x", 2], 10],
  ])("%s as Keras %i writes it", async (_, version, className, config, inputs, expected) => {
    const layers = [inputLayer("x", [1], version), { className, name: "y", config, inputs }];
    expect(answer(await read(functional("m", layers, ["y"], version)), [8])).toEqual([expected]);
  });

  test("a layer called twice shares its weights", async () => {
    const dense = { units: 2, use_bias: false, activation: "relu" };
    const model = functional("m", [inputLayer("x", [2]), { className: "Dense", name: "d", config: dense }], ["d"]);
    const layers = model.config.layers as Record<string, unknown>[];
    layers[1]!.inbound_nodes = [[["x", 0, 0, {}]], [["d", 0, 0, {}]]];
    model.config.output_layers = [["d", 1, 0]];
    const graph = await read(model, { "d/kernel": filled([2, 2]) });
    expect(graph.nodes.map((node) => node.name)).toEqual(["d", "d/call1"]);
    expect([...graph.constants.keys()]).toEqual(["d/kernel"]);
    // [1,1]·[[1,2],[3,4]] = [4,6]; [4,6]·[[1,2],[3,4]] = [22,32]
    expect(answer(graph, [1, 1], "d/call1")).toEqual([22, 32]);
  });

  test("two models with a layer of the same name take their own weights", async () => {
    const inner = (name: string): LayerSpec => ({
      className: "Sequential",
      name,
      config: sequential(name, [
        { className: "Dense", name: "d", config: { units: 1, use_bias: false, batch_input_shape: [null, 1] } },
      ]).config as Record<string, unknown>,
    });
    const graph = await read(functional("m", [inputLayer("x", [1]), inner("a"), inner("b")], ["b"]), {
      "a/d/kernel:0": { shape: [1, 1], data: [2] },
      "b/d/kernel:0": { shape: [1, 1], data: [5] },
    });
    expect(graph.outputs).toEqual(["b/d"]);
    expect(answer(graph, [3], "b/d")).toEqual([30]);
  });

  test("sizes that are left open become the resolution", async () => {
    const model = JSON.stringify(functional("m", [{ ...inputLayer("x", [null, null, 3]) }, relu("y")], ["y"]));
    const weights = variablesByName([]);
    expect((await fromKerasConfig(model, weights, OPTIONS)).inputs[0]!.shape).toEqual([1, 224, 224, 3]);
    expect((await fromKerasConfig(model, weights, { ...OPTIONS, resolution: 96 })).inputs[0]!.shape).toEqual([
      1, 96, 96, 3,
    ]);
  });

  test("a Sequential of old, a bare list, also within model_config", async () => {
    const list = [{ class_name: "ReLU", config: { name: "y", batch_input_shape: [null, 3] } }];
    const graph = await read({ model_config: { class_name: "Sequential", config: list } });
    expect(graph.inputs).toEqual([{ name: "input", shape: [1, 3], dtype: "float32" }]);
    expect(graph.outputs).toEqual(["y"]);
  });
});

describe("configurations that lie", () => {
  const x = inputLayer("x", IMAGE);
  const layer = (className: string, name: string, inputs: string[]): LayerSpec => ({ className, name, inputs });

  test.each<[string, unknown, RegExp]>([
    [
      "a circle",
      functional("m", [x, layer("ReLU", "a", ["b"]), layer("ReLU", "b", ["a"])], ["b"]),
      /model 'm': expected no circles, got one through layer '[ab]'/,
    ],
    [
      "a layer that is not there",
      functional("m", [x, layer("ReLU", "a", ["z"])], ["a"]),
      /expected a layer 'z', got none/,
    ],
    ["an output that is not there", functional("m", [x], ["z"]), /expected a layer 'z', got none/],
    ["two layers of a name", functional("m", [x, x], ["x"]), /layers of different names, got 'x' twice/],
    [
      "layers that are no list",
      { class_name: "Functional", config: { name: "m", layers: 3 } },
      /layers: expected a list, got 3/,
    ],
    [
      "no input shape",
      sequential("m", [{ className: "ReLU", name: "a" }]),
      /expected its first layer to give an input shape/,
    ],
    ["a size of 0", functional("m", [inputLayer("x", [0, 4, 3])], ["x"]), /input 'x': expected sizes ≥ 1/],
    ["a model", "[]", /model configuration: expected an object, got \[\]/],
  ])("%s", async (_, config, message) => {
    await expect(read(config)).rejects.toThrow(FormatError);
    await expect(read(config)).rejects.toThrow(message);
  });

  test("a model within itself, without end", async () => {
    let model = sequential("m", [{ className: "ReLU", name: "y", config: { batch_input_shape: [null, 2] } }]);
    for (let depth = 0; depth < 40; depth++) {
      const config = model.config as Record<string, unknown>;
      model = sequential("m", [{ className: "Sequential", name: "m", config }]);
    }
    await expect(read(model)).rejects.toThrow(FormatError);
  });
});

describe("what is beyond us is refused by name", () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["LSTM", {}, /^keras: layer 'y' \(LSTM\): expected a layer that sepconv has, got LSTM$/],
    ["ELU", {}, /got ELU/],
    ["ReLU", { negative_slope: 0.1 }, /layer 'y' \(ReLU\), negative_slope: expected 0, got 0.1/],
    ["Activation", { activation: "gelu" }, /activation: expected .*, got "gelu"/],
    ["Flatten", { data_format: "channels_first" }, /data_format: expected channels_last, got "channels_first"/],
    ["Conv2D", { filters: 1, kernel_size: 1, groups: 2 }, /groups: expected 1, got 2/],
    ["BatchNormalization", { axis: 1 }, /axis: expected the last, got 1/],
    ["Softmax", { axis: 1 }, /axis: expected the last, got 1/],
    ["TFOpLambda", { function: "image.resize" }, /function: expected .*, got "image.resize"/],
  ])("%s %j", async (className, config, message) => {
    await expect(single(className, config)).rejects.toThrow(UnsupportedError);
    await expect(single(className, config)).rejects.toThrow(message);
  });
});
