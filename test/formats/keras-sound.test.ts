/**
 * Files that are sound but written by versions and tools with ways of their own: read, and right in their numbers.
 */
import { describe, expect, test } from "vitest";
import { FormatError, UnsupportedError } from "../../src/errors.ts";
import { fromKerasConfig, type KerasConfigOptions } from "../../src/formats/keras/layers.ts";
import { fromKeras } from "../../src/formats/keras/read.ts";
import { variablesByName } from "../../src/formats/keras/weights.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { interpret } from "../reference/interpreter.ts";
import { buildHdf5, type Stored } from "./builders/hdf5.ts";
import { functional, inputLayer, type LayerSpec, sequential, variablesOf } from "./builders/keras.ts";

type Json = Record<string, unknown>;

const read = (config: unknown, weights: Record<string, Stored> = {}, options: Partial<KerasConfigOptions> = {}) =>
  fromKerasConfig(config, variablesByName(variablesOf(weights)), { format: "keras", ...options });

function answer(graph: Graph, ...inputs: (readonly number[])[]): number[] {
  const given = Object.fromEntries(graph.inputs.map(({ name }, i) => [name, inputs[i]!]));
  return Array.from(interpret(graph, given).get(graph.outputs[0]!)!.values);
}

/** A chain of layers behind an input. */
const chain = (shape: readonly number[], layers: readonly LayerSpec[], version: 2 | 3 = 2) =>
  functional("m", [inputLayer("x", shape, version), ...layers], [layers.at(-1)!.name], version);

const layer = (className: string, config: Json = {}): LayerSpec => ({ className, name: "y", config });

const ndarray = (value: unknown) => ({ type: "ndarray", value });
const numpy = (value: unknown) => ({ class_name: "__numpy__", config: { value, dtype: "float32" } });
const tuple = (...items: unknown[]) => ({ class_name: "__tuple__", items });

describe("numbers in Python's wrappings", () => {
  const kernel: Stored = { shape: [1, 2, 1, 1], data: [1, 10] };

  test.each([ndarray, numpy])("%o", async (wrap) => {
    const relu = layer("ReLU", { max_value: wrap(6), negative_slope: wrap(0), threshold: wrap([0]) });
    expect(answer(await read(chain([3], [relu])), [-1, 3, 8])).toEqual([0, 3, 6]);
    const conv = layer("Conv2D", {
      filters: wrap(1),
      kernel_size: wrap([1, 2]),
      strides: [wrap(1), wrap(2)],
      use_bias: wrap(0),
    });
    expect(answer(await read(chain([1, 4, 1], [conv]), { "y/kernel": kernel }), [1, 2, 3, 4])).toEqual([21, 43]);
    const norm = layer("Normalization", { mean: wrap([[1, 2]]), variance: wrap([4, 1]) });
    expect(answer(await read(chain([2], [norm])), [3, 3])).toEqual([1, 1]);
  });

  test("tuples", async () => {
    const conv = layer("Conv2D", { filters: 1, kernel_size: tuple(1, 2), use_bias: false });
    const graph = await read(chain([1, 2, 1], [conv]), { "y/kernel": kernel });
    expect(answer(graph, [1, 2])).toEqual([21]);
    const pad = layer("ZeroPadding2D", { padding: tuple(tuple(0, 0), tuple(1, 0)) });
    expect(answer(await read(chain([1, 1, 1], [pad])), [5])).toEqual([0, 5]);
  });

  test("0 and 1 for false and true", async () => {
    const weights = {
      "y/moving_mean": { shape: [1], data: [1] },
      "y/moving_variance": { shape: [1], data: [4] },
      "y/gamma": { shape: [1], data: [6] },
    };
    const norm = layer("BatchNormalization", { scale: 1, center: 0, epsilon: 0, trainable: 0 });
    expect(answer(await read(chain([1], [norm]), weights), [3])).toEqual([6]);
    const pool = layer("GlobalAveragePooling2D", { keepdims: 1 });
    expect((await read(chain([2, 2, 1], [pool]))).nodes[0]).toMatchObject({ keepDims: true });
  });
});

describe("settings that are left out are Keras's defaults", () => {
  const weights: Record<string, Stored> = {
    "y/kernel": { shape: [2, 1], data: [1, 2] },
    "y/bias": { shape: [1], data: [5] },
    "y/gamma": { shape: [1], data: [3] },
    "y/beta": { shape: [1], data: [1] },
    "y/moving_mean": { shape: [1], data: [2] },
    "y/moving_variance": { shape: [1], data: [0.999] },
  };

  test.each<[string, Json, readonly number[], readonly number[], readonly number[]]>([
    ["Dense", { units: 1 }, [2], [1, 1], [8]],
    ["BatchNormalization", {}, [1], [4], [7]],
    ["MaxPooling2D", {}, [2, 2, 1], [1, 4, 3, 2], [4]],
    ["AveragePooling2D", {}, [2, 2, 1], [1, 4, 3, 2], [2.5]],
    ["GlobalAveragePooling2D", {}, [2, 2, 1], [1, 4, 3, 2], [2.5]],
    ["ReLU", {}, [2], [-1, 7], [0, 7]],
    ["Softmax", {}, [2], [1, 1], [0.5, 0.5]],
    ["Activation", { activation: "relu" }, [2], [-1, 7], [0, 7]],
    ["Rescaling", {}, [2], [-1, 7], [-1, 7]],
    ["Dropout", {}, [2], [-1, 7], [-1, 7]],
    ["Flatten", {}, [2, 1], [-1, 7], [-1, 7]],
  ])("%s %j", async (className, config, shape, input, expected) => {
    for (const version of [2, 3] as const) {
      const graph = await read(chain(shape, [layer(className, config)], version), weights);
      expect(answer(graph, input).map((x) => Math.fround(x))).toEqual(expected.map((x) => Math.fround(x)));
    }
  });

  test("convolutions", async () => {
    const conv = { "y/kernel": { shape: [1, 1, 1, 1], data: [2] }, "y/bias": { shape: [1], data: [1] } };
    for (const config of [{ kernel_size: 1 }, { kernel_size: [1], depth_multiplier: null, data_format: null }]) {
      expect(answer(await read(chain([1, 1, 1], [layer("DepthwiseConv2D", config)]), conv), [3])).toEqual([7]);
    }
    expect(answer(await read(chain([1, 1, 1], [layer("Conv2D", { filters: 1, kernelSize: 1 })]), conv), [3])).toEqual([
      7,
    ]);
  });

  test("what is unknown and harmless is passed over", async () => {
    const dense = {
      ...layer("Dense", {
        units: 1,
        activation: { module: "builtins", class_name: "function", config: "relu", registered_name: "function" },
        dtype: { module: "keras", class_name: "DTypePolicy", config: { name: "mixed_float16" }, registered_name: null },
        kernel_initializer: { module: "keras.initializers", class_name: "GlorotUniform", config: { seed: null } },
        kernel_constraint: null,
        lora_rank: null,
        quantization_config: null,
        something_new: [{ a: 1 }],
      }),
    };
    const model = chain([2], [dense], 3);
    for (const entry of model.config.layers as Json[]) {
      Object.assign(entry, { module: "keras.layers", registered_name: null, build_config: { input_shape: [null, 2] } });
    }
    Object.assign(model, { module: "keras", registered_name: "Functional", compile_config: { optimizer: "adam" } });
    expect(answer(await read(model, weights), [1, 1])).toEqual([8]);
  });
});

describe("activations in all their forms", () => {
  test.each<[unknown, number[]]>([
    [null, [-8, 8]],
    ["relu6", [0, 6]],
    [{ class_name: "ReLU", config: { max_value: ndarray(3) } }, [0, 3]],
    [{ module: "keras.layers", class_name: "ReLU", config: { name: "r", max_value: 4.0, dtype: "float32" } }, [0, 4]],
    [{ class_name: "Activation", config: { name: "a", activation: "relu" } }, [0, 8]],
    [{ class_name: "function", config: "relu6", registered_name: "relu6" }, [0, 6]],
    [{ class_name: "relu6", config: {} }, [0, 6]],
  ])("%j", async (activation, expected) => {
    const identity: Stored = { shape: [2, 2], data: [1, 0, 0, 1] };
    const dense = layer("Dense", { units: 2, use_bias: false, activation });
    expect(answer(await read(chain([2], [dense]), { "y/kernel": identity }), [-8, 8])).toEqual(expected);
    if (activation !== null) {
      expect(answer(await read(chain([2], [layer("Activation", { activation })])), [-8, 8])).toEqual(expected);
    }
  });
});

describe("constants in arithmetic", () => {
  const op = (name: string) => ({ className: "TFOpLambda", name: "y", config: { function: name } });

  test.each<[string, string, unknown, number[]]>([
    ["x − [1, 2]", "math.subtract", [["x", 0, 0, { y: [1, 2], name: null }]], [9, 18]],
    ["[1, 2] − x", "math.subtract", [["_CONSTANT_VALUE", -1, [1, 2], { y: ["x", 0, 0] }]], [-9, -18]],
    ["1 − x", "math.subtract", [["_CONSTANT_VALUE", -1, 1, { y: ["x", 0, 0] }]], [-9, -19]],
    ["x/[2, 4]", "math.truediv", [["x", 0, 0, { y: ndarray([2, 4]) }]], [5, 5]],
    ["x·3", "math.multiply", ["x", 0, 0, { y: ["_CONSTANT_VALUE", -1, 3] }], [30, 60]],
  ])("Keras 2: %s", async (_, name, inbound, expected) => {
    const model = chain([2], [op(name)]);
    (model.config.layers as Json[])[1]!.inbound_nodes = [inbound];
    expect(answer(await read(model), [10, 20])).toEqual(expected);
  });

  test.each<[string, string, unknown[], Json, number[]]>([
    ["x − [1, 2]", "Subtract", ["x", numpy([1, 2])], {}, [9, 18]],
    ["x·3, and settings that are numbers", "Multiply", ["x", 3], { axis: 7, training: false }, [30, 60]],
    ["x + [1, 2]", "Add", ["x"], { x2: [1, 2] }, [11, 22]],
  ])("Keras 3: %s", async (_, className, args, kwargs, expected) => {
    const model = chain([2], [layer(className)], 3);
    const tensor = { class_name: "__keras_tensor__", config: { keras_history: ["x", 0, 0] } };
    const inbound = [{ args: args.map((arg) => (arg === "x" ? tensor : arg)), kwargs }];
    (model.config.layers as Json[])[1]!.inbound_nodes = inbound;
    expect(answer(await read(model), [10, 20])).toEqual(expected);
  });
});

describe("layers that are called more than once", () => {
  const kernel: Stored = { shape: [2, 1], data: [1, 10] };
  const dense = { className: "Dense", name: "d", config: { units: 1, use_bias: false } };

  function siamese(shared: Json, numbers: readonly number[], version: 2 | 3): Json {
    const ref = (name: string, number: number) =>
      version === 2
        ? [name, number, 0, {}]
        : { class_name: "__keras_tensor__", config: { keras_history: [name, number, 0] } };
    const call = (...refs: unknown[]) => (version === 2 ? refs : { args: refs, kwargs: {} });
    const input = (name: string) => ({
      class_name: "InputLayer",
      name,
      config: { name, batch_shape: [null, 2] },
      inbound_nodes: [],
    });
    return {
      class_name: "Functional",
      config: {
        name: "siamese",
        layers: [
          input("a"),
          input("b"),
          { name: "base", inbound_nodes: [call(ref("a", 0)), call(ref("b", 0))], ...shared },
          {
            class_name: "Concatenate",
            name: "cat",
            config: { name: "cat" },
            inbound_nodes: [
              version === 2 ? numbers.map((n) => ref("base", n)) : call(numbers.map((n) => ref("base", n))),
            ],
          },
        ],
        input_layers: [
          ["a", 0, 0],
          ["b", 0, 0],
        ],
        output_layers: [["cat", 0, 0]],
      },
    };
  }

  const models: Record<string, Json> = {
    Functional: functional("base", [inputLayer("in", [2]), dense], ["d"]),
    Sequential: sequential("base", [{ ...dense, config: { ...dense.config, batch_input_shape: [null, 2] } }]),
    Dense: { class_name: "Dense", config: { ...dense.config, name: "base" } },
  };

  test.each(
    Object.keys(models).flatMap((kind) =>
      [2, 3].flatMap((version) => [0, 1, 5].map((first) => [kind, version, first] as const)),
    ),
  )("%s in Keras %i, calls counted from %i", async (kind, version, first) => {
    const model = siamese(models[kind]!, [first, first + 1], version as 2 | 3);
    const name = kind === "Dense" ? "base/kernel" : "base/d/kernel";
    expect(answer(await read(model, { [name]: kernel }), [1, 2], [3, 4])).toEqual([21, 43]);
    const swapped = siamese(models[kind]!, [first + 1, first], version as 2 | 3);
    expect(answer(await read(swapped, { [name]: kernel }), [1, 2], [3, 4])).toEqual([43, 21]);
  });

  test("a call that is not there", async () => {
    await expect(read(siamese(models.Functional!, [0, 5], 2), { "base/d/kernel": kernel })).resolves.toBeDefined();
    await expect(read(siamese(models.Functional!, [0, 1, 5], 2), { "base/d/kernel": kernel })).rejects.toThrow(
      "expected layer 'base' to be called 6 times, got 2",
    );
  });

  test("weights in a file, one group for both calls", async () => {
    const bytes = await buildHdf5([["model_weights/base/d/kernel:0", kernel]], {
      model_config: JSON.stringify(siamese(models.Functional!, [1, 2], 2)),
    });
    expect(answer(await fromKeras(bytes), [1, 2], [3, 4])).toEqual([21, 43]);
  });
});

describe("shapes of inputs, wherever they are", () => {
  const relu = (config: Json = {}) => ({ class_name: "ReLU", config: { name: "y", ...config } });
  const model = (layers: unknown[], more: Json = {}, outer: Json = {}) => ({
    class_name: "Sequential",
    config: { name: "s", layers, ...more },
    ...outer,
  });

  test.each<[string, unknown, readonly number[]]>([
    ["batch_input_shape", model([relu({ batch_input_shape: [null, 8, 6, 3] })]), [1, 8, 6, 3]],
    ["batch_shape", model([relu({ batch_shape: [32, 8, 6, 3] })]), [1, 8, 6, 3]],
    ["batchInputShape", model([relu({ batchInputShape: [null, 8, 6, 3] })]), [1, 8, 6, 3]],
    ["input_shape", model([relu({ input_shape: [8, 6, 3] })]), [1, 8, 6, 3]],
    ["a tuple", model([relu({ batch_input_shape: tuple(null, 4) })]), [1, 4]],
    ["build_input_shape", model([relu()], { build_input_shape: [null, 8, 6, 3] }), [1, 8, 6, 3]],
    ["build_config", model([relu()], {}, { build_config: { input_shape: [null, 8, 6, 3] } }), [1, 8, 6, 3]],
    ["a layer's build_config", model([{ ...relu(), build_config: { input_shape: [null, 4] } }]), [1, 4]],
    ["a nested model's", model([{ ...model([relu()], { build_input_shape: [null, 4] }), name: "n" }]), [1, 4]],
  ])("%s", async (_, config, expected) => {
    expect((await read(config)).inputs[0]!.shape).toEqual(expected);
  });

  test("nowhere: by the first kernel and the option, which the error names", async () => {
    const conv = { class_name: "Conv2D", config: { name: "y", filters: 1, kernel_size: 1, use_bias: false } };
    const rescaling = { class_name: "Rescaling", config: { name: "r", scale: 2 } };
    const bytes = await buildHdf5([["model_weights/y/y/kernel:0", { shape: [1, 1, 3, 1], data: [1, 10, 100] }]], {
      model_config: JSON.stringify(model([rescaling, conv])),
    });
    await expect(fromKeras(bytes)).rejects.toThrow(/got none; give height and width by the option resolution/);
    await expect(fromKeras(bytes)).rejects.toThrow(FormatError);
    const graph = await fromKeras(bytes, { resolution: 1 });
    expect(graph.inputs[0]!.shape).toEqual([1, 1, 1, 3]);
    expect(answer(graph, [1, 2, 3])).toEqual([642]);
    const dense = { class_name: "Dense", config: { name: "y", units: 1, use_bias: false } };
    expect(
      (await read(model([dense]), { "y/kernel": { shape: [5, 1], data: [1, 2, 3, 4, 5] } })).inputs[0]!.shape,
    ).toEqual([1, 5]);
  });
});

describe("what is not here is named at once, all of it", () => {
  const mixed = (className: string, name: string, config: Json = {}): LayerSpec => ({ className, name, config });

  test("layers, settings, and those in nested models", async () => {
    const inner = functional("n", [inputLayer("in", [4]), mixed("GRU", "gru")], ["gru"]);
    const model = chain(
      [4, 4, 2],
      [
        mixed("LSTM", "lstm_1"),
        mixed("Conv2D", "conv", { filters: 2, kernel_size: 1, groups: 2 }),
        mixed("ReLU", "fine"),
        mixed("Activation", "gelu_1", { activation: "gelu" }),
        mixed("BatchNormalization", "also_fine"),
        { className: "Functional", name: "n", config: inner.config },
        mixed("LSTM", "lstm_2"),
      ],
    );
    await expect(read(model)).rejects.toThrow(UnsupportedError);
    await expect(read(model)).rejects.toThrow(
      "keras: 5 layers that sepconv does not have: 'lstm_1' (LSTM), 'conv' (Conv2D, groups 2), " +
        "'gelu_1' (Activation, activation \"gelu\"), 'n/gru' (GRU), 'lstm_2' (LSTM)",
    );
  });

  test("hundreds: as many as are read", async () => {
    const model = chain(
      [4],
      Array.from({ length: 500 }, (_, i) => mixed("LSTM", `lstm_${i}`)),
    );
    const error = await read(model).catch((reason: Error) => reason);
    expect((error as Error).message).toMatch(/^keras: 500 layers .*'lstm_0' \(LSTM\), .*, and \d+ more$/);
    expect((error as Error).message.length).toBeLessThan(1600);
  });

  test("quantized dtypes", async () => {
    const dtype = { class_name: "QuantizedDTypePolicy", config: { mode: "int8", source_name: "float32" } };
    await expect(read(chain([4], [mixed("Dense", "d", { units: 1, dtype })]))).rejects.toThrow(
      "keras: layer 'd' (Dense), dtype: expected a float policy, got \"int8\"",
    );
  });
});
