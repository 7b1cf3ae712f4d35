/**
 * Which variable a layer gets, in the layouts that versions of Keras and tools around it leave behind. All layers are
 * dense ones without bias on two numbers, so that a wrong kernel shows in the result.
 */
import { describe, expect, test } from "vitest";
import { FormatError } from "../../src/errors.ts";
import { fromKerasConfig } from "../../src/formats/keras/layers.ts";
import { fromKeras } from "../../src/formats/keras/read.ts";
import { variablesByName } from "../../src/formats/keras/weights.ts";
import { interpret } from "../reference/interpreter.ts";
import { type Attributes, buildHdf5, type Stored } from "./builders/hdf5.ts";
import { functional, inputLayer, type LayerSpec, sequential, variablesOf } from "./builders/keras.ts";

/** x → factor·x, for two numbers. */
const times = (factor: number): Stored => ({ shape: [2, 2], data: [factor, 0, 0, factor] });

const dense = (name: string, inputs: string[], more: Record<string, unknown> = {}): LayerSpec => ({
  className: "Dense",
  name,
  inputs,
  config: { units: 2, use_bias: false, activation: "linear", ...more },
});

const cat = (inputs: string[]): LayerSpec => ({ className: "Concatenate", name: "cat", config: { axis: -1 }, inputs });

/** Dense layers side by side, joined. */
const beside = (...names: string[]) =>
  functional("m", [inputLayer("x", [2]), ...names.map((name) => dense(name, ["x"])), cat(names)], ["cat"]);

/** A nested model of dense layers side by side. */
const nested = (name: string, layers: readonly LayerSpec[], inputs: string[]): LayerSpec => ({
  className: "Functional",
  name,
  inputs,
  config: functional(name, [inputLayer(`${name}_in`, [2]), ...layers], [layers.at(-1)!.name]).config,
});

const nestedBeside = (name: string, names: string[], inputs: string[], more: Record<string, object> = {}) =>
  nested(name, [...names.map((n) => dense(n, [`${name}_in`], { ...more[n] })), cat(names)], inputs);

/** What the model makes of [1, 10]: of each kernel, its factor. */
async function factors(
  config: unknown,
  weights: Record<string, Stored>,
  groups: Record<string, Attributes> = {},
): Promise<number[]> {
  const prefixed = Object.entries(weights).map(([path, stored]) => [`model_weights/${path}`, stored] as const);
  const own = Object.fromEntries(
    Object.entries(groups).map(([path, value]) => [path === "" ? "model_weights" : `model_weights/${path}`, value]),
  );
  const graph = await fromKeras(await buildHdf5(prefixed, { model_config: JSON.stringify(config) }, own));
  return answer(graph);
}

function answer(graph: Awaited<ReturnType<typeof fromKeras>>): number[] {
  const { values } = interpret(graph, { [graph.inputs[0]!.name]: [1, 10] }).get(graph.outputs[0]!)!;
  expect(values.filter((_, i) => i % 2 === 1)).toEqual(values.filter((_, i) => i % 2 === 0).map((x) => 10 * x));
  return Array.from(values).filter((_, i) => i % 2 === 0);
}

describe("the group is the layer, whatever its variables are called", () => {
  test.each([
    ["a_dense", false],
    ["a_dense", true],
    ["dense_2", true],
    ["zz", true],
  ])("beside 'dense', '%s' with variables of the same name (written first: %s)", async (other, first) => {
    const weights: [string, Stored][] = [
      ["dense/dense/kernel:0", times(3)],
      [`${other}/dense/kernel:0`, times(5)],
    ];
    if (first) weights.reverse();
    expect(await factors(beside("dense", other), Object.fromEntries(weights))).toEqual([3, 5]);
  });

  test("names one further than scopes", async () => {
    const weights = {
      "dense_1/dense/kernel:0": times(2),
      "dense_2/dense_1/kernel:0": times(3),
      "dense_3/dense_2/kernel:0": times(5),
    };
    expect(await factors(beside("dense_1", "dense_2", "dense_3"), weights)).toEqual([2, 3, 5]);
  });

  test("two names exchanged", async () => {
    const weights = { "a/b/kernel:0": times(2), "b/a/kernel:0": times(3) };
    expect(await factors(beside("a", "b"), weights)).toEqual([2, 3]);
  });

  test("slashes in names, one of which begins another", async () => {
    const weights = { "net/a/kernel:0": times(2), "net/a/b/net/a/b/kernel:0": times(3), "net/kernel:0": times(5) };
    expect(await factors(beside("net/a", "net/a/b", "net"), weights)).toEqual([2, 3, 5]);
  });

  test("a head named like a layer of the base", async () => {
    const base = nested("base", [dense("dense", ["base_in"])], ["x"]);
    const model = functional("m", [inputLayer("x", [2]), base, dense("dense", ["x"]), cat(["base", "dense"])], ["cat"]);
    for (const inner of ["base/dense/kernel:0", "base/base/dense/kernel:0", "base/kernel:0"]) {
      expect(await factors(model, { [inner]: times(2), "dense/dense/kernel:0": times(3) })).toEqual([2, 3]);
    }
  });

  test("two bases with layers of the same names, and models within models", async () => {
    const layers = [inputLayer("x", [2]), ...["left", "right"].map((n) => nestedBeside(n, ["a", "b"], ["x"]))];
    const model = functional("m", [...layers, cat(["left", "right"])], ["cat"]);
    const flat = { "left/a/kernel:0": times(2), "left/b/kernel:0": times(3) };
    const right = { "right/a/kernel:0": times(5), "right/b/kernel:0": times(7) };
    expect(await factors(model, { ...right, ...flat })).toEqual([2, 3, 5, 7]);

    const outer = nested(
      "outer",
      [nestedBeside("one", ["a"], ["outer_in"]), nestedBeside("two", ["a"], ["one"])],
      ["x"],
    );
    const deep = functional("m", [inputLayer("x", [2]), outer], ["outer"]);
    const weights = { "outer/one/a/kernel:0": times(2), "outer/two/a/kernel:0": times(3) };
    expect(await factors(deep, weights)).toEqual([6]);
  });
});

describe("weight_names say the order", () => {
  const two = functional("m", [inputLayer("x", [2]), nestedBeside("base", ["a", "b"], ["x"])], ["base"]);
  const list = (...names: string[]) => ({ base: { weight_names: names } });

  test("of layers renamed within a nested model, in whole or in two lists", async () => {
    const weights = { "base/b/kernel:0": times(2), "base/a/kernel:0": times(3) };
    expect(await factors(two, weights, list("b/kernel:0", "a/kernel:0"))).toEqual([2, 3]);
    const split = { base: { weight_names0: ["b/kernel:0"], weight_names1: ["a/kernel:0"] } };
    expect(await factors(two, weights, split)).toEqual([2, 3]);
    expect(await factors(two, weights)).toEqual([3, 2]);
  });

  test("of scopes that TensorFlow numbered on its own", async () => {
    const model = functional("m", [inputLayer("x", [2]), nestedBeside("base", ["d_1", "d_2"], ["x"])], ["base"]);
    const weights = { "base/d/kernel:0": times(2), "base/d_1/kernel:0": times(3) };
    expect(await factors(model, weights, list("d/kernel:0", "d_1/kernel:0"))).toEqual([2, 3]);
    // Without the list, the one name that fits is the wrong one.
    await expect(factors(model, weights)).rejects.toThrow(/nothing that tells which: 'd\/kernel:0', 'd_1\/kernel:0'/);
    await expect(factors(model, weights)).rejects.toThrow(FormatError);
  });

  test("of frozen layers, which stand last", async () => {
    const frozen = { a: { trainable: false } };
    const layers = [inputLayer("x", [2]), nestedBeside("base", ["a", "b"], ["x"], frozen)];
    const weights = { "base/p/kernel:0": times(3), "base/q/kernel:0": times(2) };
    expect(await factors(functional("m", layers, ["base"]), weights, list("p/kernel:0", "q/kernel:0"))).toEqual([2, 3]);
  });

  test("of statistics, which stand behind all kernels or behind their layer's", async () => {
    const norm = (name: string, input: string): LayerSpec => ({
      className: "BatchNormalization",
      name,
      inputs: [input],
      config: { epsilon: 0, scale: false },
    });
    const chain = [norm("a", "base_in"), norm("b", "a")];
    const model = functional("m", [inputLayer("x", [2]), nested("base", chain, ["x"])], ["base"]);
    const both = (value: number): Stored => ({ shape: [2], data: [value, 10 * value] });
    const same = (value: number): Stored => ({ shape: [2], data: [value, value] });
    const weights = {
      "base/n/beta:0": both(0),
      "base/n/moving_mean:0": both(1),
      "base/n/moving_variance:0": same(4),
      "base/n_1/beta:0": both(7),
      "base/n_1/moving_mean:0": both(2),
      "base/n_1/moving_variance:0": same(0.25),
    };
    // ((1 − 1)/2 + 0 − 2)/0.5 + 7
    for (const order of [
      ["n/beta", "n_1/beta", "n/moving_mean", "n/moving_variance", "n_1/moving_mean", "n_1/moving_variance"],
      ["n/beta", "n/moving_mean", "n/moving_variance", "n_1/beta", "n_1/moving_mean", "n_1/moving_variance"],
    ]) {
      expect(await factors(model, weights, list(...order.map((name) => `${name}:0`)))).toEqual([3]);
    }
  });

  test("of variables that bear other names", async () => {
    const weights = { "a/W": times(2), "b/W": times(3) };
    const groups = { a: { weight_names: ["W"] }, b: { weight_names: ["W"] } };
    expect(await factors(beside("a", "b"), weights, groups)).toEqual([2, 3]);
  });

  test("and leave out what is left over in a group", async () => {
    const weights = { "a/old/kernel:0": times(9), "a/a_1/kernel:0": times(2) };
    expect(await factors(beside("a"), weights, { a: { weight_names: ["a_1/kernel:0"] } })).toEqual([2]);
    await expect(factors(beside("a"), weights)).rejects.toThrow(/expected one variable 'kernel' \[2,2\], got 2/);
  });
});

describe("layer_names say the order of groups that have other names", () => {
  const three = beside("u", "v", "w");
  const weights = { "p/p/kernel:0": times(5), "q/q/kernel:0": times(3), "u/u/kernel:0": times(2) };

  test("where there are as many", async () => {
    const order = { "": { layer_names: ["in", "u", "q", "none", "p"] } };
    expect(await factors(three, weights, order)).toEqual([2, 3, 5]);
  });

  test("not where there are more or fewer, others have their turn, or none are listed", async () => {
    for (const names of [
      ["u", "q"],
      ["u", "q", "p", "x"],
      ["q", "p", "u"],
    ]) {
      const more = { ...weights, "x/kernel:0": times(7) };
      await expect(factors(three, more, { "": { layer_names: names } })).rejects.toThrow(FormatError);
    }
    await expect(factors(three, weights)).rejects.toThrow(/layer 'v' .* nothing that tells which/);
    // What is left over for the layer without a group has the right shape, but that does not make it the layer's.
    const shifted = { "dense/dense/kernel:0": times(2), "dense_1/dense_1/kernel:0": times(3) };
    await expect(factors(beside("dense_1", "dense_2"), shifted)).rejects.toThrow(FormatError);
    const order = { "": { layer_names: ["dense", "dense_1"] } };
    await expect(factors(beside("dense_1", "dense_2"), shifted, order)).rejects.toThrow(
      /in its place among layer_names/,
    );
  });

  test("and nested models' layers that stand side by side go by their names", async () => {
    const model = functional("m", [inputLayer("x", [2]), nestedBeside("base", ["a", "b"], ["x"])], ["base"]);
    expect(await factors(model, { "b/b/kernel:0": times(3), "a/a/kernel:0": times(2) })).toEqual([2, 3]);
    const twins = [inputLayer("x", [2]), ...["left", "right"].map((name) => nestedBeside(name, ["a"], ["x"]))];
    const two = functional("m", [...twins, cat(["left", "right"])], ["cat"]);
    await expect(factors(two, { "a/a/kernel:0": times(3) })).rejects.toThrow(FormatError);
  });

  test("not where every layer has a group of its name", async () => {
    const order = { "": { layer_names: ["b", "a"] } };
    expect(await factors(beside("a", "b"), { "a/kernel:0": times(2), "b/kernel:0": times(3) }, order)).toEqual([2, 3]);
  });
});

describe("where names say nothing", () => {
  test("shapes do", async () => {
    const wide = { shape: [2, 3], data: [1, 0, 0, 0, 1, 0] };
    const back = { shape: [3, 2], data: [4, 0, 0, 4, 0, 0] };
    const layers = [dense("p", ["base_in"], { units: 3 }), dense("q", ["p"])];
    const model = functional("m", [inputLayer("x", [2]), nested("base", layers, ["x"])], ["base"]);
    expect(await factors(model, { "base/dense/kernel:0": back, "base/dense_1/kernel:0": wide })).toEqual([4]);
  });

  test("what was put before a name is seen through", async () => {
    const model = functional("m", [inputLayer("x", [2]), nestedBeside("base", ["a_p", "a_q"], ["x"])], ["base"]);
    expect(await factors(model, { "base/q/kernel:0": times(3), "base/p/kernel:0": times(2) })).toEqual([2, 3]);
  });

  test("an error names what it could be", async () => {
    const model = functional("m", [inputLayer("x", [2]), nestedBeside("base", ["u", "v"], ["x"])], ["base"]);
    await expect(factors(model, { "base/p/kernel:0": times(2), "base/q/kernel:0": times(3) })).rejects.toThrow(
      "keras: layer 'base/u' (Dense): expected one variable 'kernel' [2,2], got 2 that it could be, " +
        "and nothing that tells which: 'p/kernel:0', 'q/kernel:0'",
    );
  });

  test("no layer takes another's variables", async () => {
    await expect(factors(beside("a", "b"), { "a/b/kernel:0": times(2) })).rejects.toThrow(
      "keras: layer 'b' (Dense): expected variable 'kernel' [2,2], got none",
    );
  });
});

describe("flat names, as in TensorFlow.js", () => {
  const read = async (config: unknown, weights: Record<string, Stored>) =>
    answer(await fromKerasConfig(config, variablesByName(variablesOf(weights)), { format: "tfjs" }));
  const head = functional(
    "m",
    [
      inputLayer("x", [2]),
      nested("base", [dense("dense", ["base_in"])], ["x"]),
      dense("dense", ["x"]),
      cat(["base", "dense"]),
    ],
    ["cat"],
  );

  test("a nested model's name before its layers'", async () => {
    expect(await read(head, { "dense/kernel": times(3), "base/dense/kernel": times(2) })).toEqual([2, 3]);
  });

  test("none before them", async () => {
    const model = functional("m", [inputLayer("x", [2]), nestedBeside("base", ["a", "b"], ["x"])], ["base"]);
    expect(await read(model, { "b/kernel": times(3), "a/kernel": times(2) })).toEqual([2, 3]);
  });

  test("a number that TensorFlow gave to one of two: nobody knows to which", async () => {
    await expect(read(head, { "dense/kernel": times(3), "dense_1/kernel": times(2) })).rejects.toThrow(FormatError);
  });

  test("one variable for two layers", async () => {
    await expect(read(head, { "dense/kernel": times(3) })).rejects.toThrow(FormatError);
  });

  test("layers of Sequential models within one another", async () => {
    const layer = {
      className: "Dense",
      name: "d",
      config: { units: 2, use_bias: false, batch_input_shape: [null, 2] },
    };
    const inner = sequential("inner", [layer]).config as Record<string, unknown>;
    const model = sequential("m", [{ className: "Sequential", name: "inner", config: inner }, layer]);
    expect(await read(model, { "d/kernel": times(3), "inner/d/kernel": times(5) })).toEqual([15]);
  });
});
