/**
 * Configurations that say what cannot be: each is an error of ours, short, soon, and of the kind that says whose fault
 * it is.
 */
import { describe, expect, test } from "vitest";
import { FormatError, SepconvError, UnsupportedError } from "../../src/errors.ts";
import { fromKerasConfig } from "../../src/formats/keras/layers.ts";
import { fromKeras } from "../../src/formats/keras/read.ts";
import { variablesByName } from "../../src/formats/keras/weights.ts";
import { Budget } from "../../src/limits.ts";
import { processorTime } from "../processor-time.ts";
import { buildHdf5, type Stored } from "./builders/hdf5.ts";
import { functional, inputLayer, type LayerSpec, variablesOf } from "./builders/keras.ts";

type Json = Record<string, unknown>;

const WEIGHTS: Record<string, Stored> = {
  "y/kernel": { shape: [1, 1, 2, 2], data: [1, 2, 3, 4] },
  "y/bias": { shape: [2], data: [1, 2] },
};

const read = (config: unknown, budget?: Budget) =>
  fromKerasConfig(config, variablesByName(variablesOf(WEIGHTS)), { format: "keras", budget });

async function refused(config: unknown, kind: new (...args: never[]) => Error, budget?: Budget): Promise<string> {
  const began = processorTime();
  const error: unknown = await read(config, budget).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(processorTime() - began).toBeLessThan(1000);
  expect(error).toBeInstanceOf(SepconvError);
  expect(error).toBeInstanceOf(kind);
  expect((error as Error).message.length).toBeLessThan(2000);
  return (error as Error).message;
}

const single = (className: string, config: Json, shape: readonly (number | null)[] = [4, 4, 2]) =>
  functional("m", [inputLayer("x", shape), { className, name: "y", config }], ["y"]);

const CONV = { filters: 2, kernel_size: 1 };

describe("settings", () => {
  test.each<[string, Json]>([
    ["Conv2D", {}],
    ["Conv2D", { ...CONV, filters: -2 }],
    ["Conv2D", { ...CONV, filters: 0 }],
    ["Conv2D", { ...CONV, filters: 2.5 }],
    ["Conv2D", { ...CONV, filters: "2" }],
    ["Conv2D", { ...CONV, filters: 1e15 }],
    ["Conv2D", { ...CONV, filters: 1e300 }],
    ["Conv2D", { ...CONV, filters: [2, 2] }],
    ["Conv2D", { ...CONV, filters: {} }],
    ["Conv2D", { ...CONV, kernel_size: 2 ** 40 }],
    ["Conv2D", { ...CONV, kernel_size: [1, 1, 1] }],
    ["Conv2D", { ...CONV, kernel_size: 7, padding: "valid" }],
    ["Conv2D", { ...CONV, strides: 0 }],
    ["Conv2D", { ...CONV, strides: -1 }],
    ["Conv2D", { ...CONV, strides: [1, "1"] }],
    ["Conv2D", { ...CONV, dilation_rate: 0 }],
    ["Conv2D", { ...CONV, groups: -1 }],
    ["Conv2D", { ...CONV, padding: 3 }],
    ["Conv2D", { ...CONV, use_bias: "yes" }],
    ["Conv2D", { ...CONV, use_bias: 2 }],
    ["Conv2D", { ...CONV, activation: 5 }],
    ["Conv2D", { ...CONV, activation: {} }],
    ["Conv2D", { ...CONV, data_format: 1 }],
    ["DepthwiseConv2D", { kernel_size: 1, depth_multiplier: -1 }],
    ["SeparableConv2D", { kernel_size: 1, filters: 2, depth_multiplier: 0 }],
    ["Dense", { units: -1 }],
    ["Dense", { units: "many" }],
    ["Dense", { units: null }],
    ["BatchNormalization", { epsilon: -1 }],
    ["BatchNormalization", { epsilon: "small" }],
    ["BatchNormalization", { epsilon: Number.POSITIVE_INFINITY }],
    ["BatchNormalization", { axis: "last" }],
    ["ReLU", { max_value: -1 }],
    ["ReLU", { max_value: "6" }],
    ["ReLU", { threshold: [0, 0] }],
    ["Softmax", { axis: 0.5 }],
    ["MaxPooling2D", { pool_size: 0 }],
    ["MaxPooling2D", { pool_size: [5, 5] }],
    ["AveragePooling2D", { strides: -2 }],
    ["ZeroPadding2D", { padding: -1 }],
    ["ZeroPadding2D", { padding: [[1, 2], "3"] }],
    ["ZeroPadding2D", { padding: Number.MAX_SAFE_INTEGER }],
    ["ZeroPadding2D", { padding: {} }],
    ["Reshape", {}],
    ["Reshape", { target_shape: [-1, -1] }],
    ["Reshape", { target_shape: [0, -1] }],
    ["Reshape", { target_shape: [7] }],
    ["Reshape", { target_shape: [-1, 7] }],
    ["Reshape", { target_shape: 32 }],
    ["Concatenate", { axis: "last" }],
    ["Concatenate", { axis: 1.5 }],
    ["Rescaling", { scale: "a" }],
    ["Rescaling", { scale: [1, 2, 3] }],
    ["Rescaling", { offset: null, scale: [] }],
    ["Normalization", { mean: [1, 2, 3], variance: [1, 1, 1] }],
    ["Normalization", { mean: 1 }],
    ["Add", {}],
    ["TFOpLambda", {}],
    ["GlobalAveragePooling2D", { keepdims: "no" }],
  ])("%s %j", async (className, config) => {
    const message = await refused(single(className, config), FormatError);
    expect(message).toContain("'y'");
  });

  test("rows where images are needed", async () => {
    for (const className of ["Conv2D", "MaxPooling2D", "GlobalAveragePooling2D", "ZeroPadding2D"]) {
      await refused(single(className, CONV, [4]), FormatError);
    }
  });

  test("what is valid but not here", async () => {
    await refused(single("Concatenate", { axis: 0 }), UnsupportedError);
    await refused(single("Conv2D", { ...CONV, padding: "causal" }), UnsupportedError);
    await refused(single("Normalization", { axis: [1, 2] }), UnsupportedError);
    const sizes: LayerSpec[] = [
      inputLayer("x", [4]),
      { className: "Dense", name: "y", config: { units: 3 } },
      { className: "Add", name: "z", config: {}, inputs: ["x", "y"] },
    ];
    await refused(functional("m", sizes, ["z"]), FormatError);
    await refused({ class_name: "MyModel", config: {} }, UnsupportedError);
  });
});

describe("models", () => {
  const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;

  test.each<[string, unknown]>([
    ["no outputs", functional("m", [inputLayer("x", [2])], [])],
    [
      "outputs that are no list",
      { ...functional("m", [], []), config: { layers: [], input_layers: [], output_layers: 3 } },
    ],
    ["nothing", {}],
    ["no configuration", { class_name: "Functional" }],
    ["a list", []],
    ["null", null],
    ["text that is no JSON", "{"],
    ["text as deep as a stack", deep(200_000)],
    ["deep class_name", `{"class_name": ${deep(5000)}, "config": {}}`],
    ["a class that is a number", { class_name: 3, config: {} }],
    ["layers that are objects", { class_name: "Sequential", config: { layers: { a: 1 } } }],
    ["a layer that is null", { class_name: "Sequential", config: { layers: [null] } }],
    ["a layer without a class", { class_name: "Sequential", config: { layers: [{ config: {} }] } }],
    ["a name that is a number", { class_name: "Sequential", config: { name: 3, layers: [] } }],
    ["a name of nothing", { class_name: "Sequential", config: { name: "", layers: [] } }],
    ["a name without end", { class_name: "Sequential", config: { name: "n".repeat(1e6), layers: [] } }],
    ["no layers", { class_name: "Sequential", config: { layers: [] } }],
    ["a negative node", functional("m", [inputLayer("x", [2])], ["x"])],
    ["an input of no dimensions", functional("m", [inputLayer("x", [])], ["x"])],
    ["an input of 100 dimensions", functional("m", [inputLayer("x", new Array(100).fill(1))], ["x"])],
    ["an input of text", functional("m", [inputLayer("x", ["a" as unknown as number])], ["x"])],
    ["an input of half a pixel", functional("m", [inputLayer("x", [0.5, 1, 1])], ["x"])],
    ["an input beyond counting", functional("m", [inputLayer("x", [2 ** 50, 2 ** 50, 3])], ["x"])],
  ])("%s", async (name, config) => {
    if (name === "a negative node") ((config as Json).config as Json).output_layers = [["x", -1, 0]];
    await refused(config, FormatError);
  });

  test("objects as deep as a stack, not from text", async () => {
    let config: unknown = {};
    for (let i = 0; i < 100_000; i++) config = { config };
    await refused(config, FormatError);
  });

  test("calls that are no calls", async () => {
    for (const inbound of [
      3,
      "x",
      [3],
      [[3]],
      [["x"]],
      [[["x", "0", 0]]],
      [[["x", 0, 0, 3]]],
      [{ args: 3 }],
      [[["z", 0, 0]]],
    ]) {
      const model = single("ReLU", {});
      (model.config.layers as Json[])[1]!.inbound_nodes = inbound;
      if (JSON.stringify(inbound) === '[["x"]]') await read(model);
      else await refused(model, FormatError);
    }
  });

  test("nested models that multiply what the file says", async () => {
    let inner = functional("m0", [inputLayer("i", [2]), { className: "ReLU", name: "r" }], ["r"]);
    for (let level = 1; level < 12; level++) {
      const config = inner.config;
      inner = functional(`m${level}`, [inputLayer("i", [2]), { className: "Functional", name: "n", config }], ["n"]);
      const layers = inner.config.layers as Json[];
      // Each calls the one within it ten times, one after another.
      layers[1]!.inbound_nodes = Array.from({ length: 10 }, (_, i) => [
        [i === 0 ? "i" : "n", Math.max(i - 1, 0), 0, {}],
      ]);
      inner.config.output_layers = [["n", 9, 0]];
    }
    expect(await refused(inner, UnsupportedError)).toContain("limits.maxNodes");
  });

  test("more layers than are allowed", async () => {
    const layers = Array.from({ length: 100 }, (_, i): LayerSpec => ({ className: "ReLU", name: `r${i}` }));
    const budget = new Budget({ limits: { maxNodes: 50 } });
    const message = await refused(
      functional("m", [inputLayer("x", [2]), ...layers], ["r99"]),
      UnsupportedError,
      budget,
    );
    expect(message).toContain("limits.maxNodes");
  });

  test("thousands of layers, in a chain or of one name, are read soon", async () => {
    const layers = Array.from({ length: 15_000 }, (_, i): LayerSpec => ({ className: "ReLU", name: `r${i}` }));
    const began = processorTime();
    expect((await read(functional("m", [inputLayer("x", [2]), ...layers], ["r14999"]))).nodes).toHaveLength(15_000);
    const sum: LayerSpec = { className: "Add", name: "y", inputs: new Array<string>(10_000).fill("x") };
    expect((await read(functional("m", [inputLayer("x", [2]), sum], ["y"]))).nodes).toHaveLength(9999);
    expect(processorTime() - began).toBeLessThan(3000);
  });

  test("a layer whose calls need other variables", async () => {
    const model = functional(
      "m",
      [inputLayer("x", [2]), { className: "Dense", name: "y", config: { units: 3, use_bias: false } }],
      ["y"],
    );
    (model.config.layers as Json[])[1]!.inbound_nodes = [[["x", 0, 0, {}]], [["y", 0, 0, {}]]];
    model.config.output_layers = [["y", 1, 0]];
    expect(await refused(model, FormatError)).toContain("expected all calls to need 'kernel' [2,3], got one of [3,3]");
  });
});

describe("weights", () => {
  test("that were never written are 0, and no more than the budget", async () => {
    const model = single("Dense", { units: 3, use_bias: false }, [2]);
    const stored = { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] };
    const bytes = await buildHdf5([["model_weights/y/y/kernel:0", stored]], { model_config: JSON.stringify(model) });
    const budget = new Budget({ limits: { maxUnpackedBytes: 2000 } });
    expect((await fromKeras(bytes, { budget })).constants.get("y/kernel")!.data).toEqual(
      Float32Array.of(1, 2, 3, 4, 5, 6),
    );
    const less = new Budget({ limits: { maxUnpackedBytes: 20 } });
    await expect(fromKeras(bytes, { budget: less })).rejects.toThrow(/limits\.maxUnpackedBytes/);
    const none = new Budget({ limits: { maxTensors: 0 } });
    await expect(fromKeras(bytes, { budget: none })).rejects.toThrow(/limits\.maxTensors/);
  });
});
