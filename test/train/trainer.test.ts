/**
 * Trainers as callers use them: repeated and resumed to the bit, and clear about what they can't do.
 */
import { describe, expect, it } from "vitest";
import { FormatError, ShapeError, StateError, UnsupportedError } from "../../src/errors.ts";
import type { Node } from "../../src/graph/graph.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { build, mobilenetV1, toTflite } from "../../src/index.ts";
import * as abi from "../../src/train/abi.ts";
import { DivergedError, planTraining, type TrainerOptions, trainer } from "../../src/train/index.ts";
import { numbers } from "../graph/build.ts";
import { readTraining } from "./builds.ts";
import { TRIALS } from "./networks.ts";

const SMALL = mobilenetV1({ alpha: 0.25, resolution: 32, firstStride: 1, inputChannels: 1, classes: 4, shallow: true });
const OPTIONS = { batch: 6, learningRate: 0.05, nesterov: true, weightDecay: 5e-4, seed: 3 } as const;
const SIZE = 32 * 32;

/** Four classes of pictures: a bright quarter each, and noise. */
function pictures(n: number, seed: number) {
  const noise = numbers(n * SIZE, seed);
  const labels = Array.from({ length: n }, (_, i) => (i * 3 + seed) % 4);
  const inputs = noise.map((value, i) => {
    const [image, y, x] = [Math.floor(i / SIZE), Math.floor(i / 32) % 32, i % 32];
    const quarter = Math.floor(y / 16) * 2 + Math.floor(x / 16);
    return 0.5 * value + (quarter === labels[image] ? 0.8 : -0.4);
  });
  return { inputs, labels };
}

const bytesOf = (data: Float32Array) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex");

async function taught(steps: number, options: TrainerOptions, from = 0) {
  const t = await trainer(SMALL, { ...OPTIONS, ...options });
  for (let i = from; i < from + steps; i++) {
    const { inputs, labels } = pictures(6, i);
    t.step(inputs, labels);
  }
  return t;
}

describe("records", () => {
  it("have their fields where both sides take them to be", async () => {
    const module = await WebAssembly.compile(readTraining("debug"));
    const { exports } = await WebAssembly.instantiate(module);
    for (const [record, table] of Object.entries({ Step: abi.STEP, View: abi.VIEW, State: abi.STATE })) {
      for (const [i, name] of Object.keys(table).entries()) {
        expect((exports[`OFFSET_${record}_${name}`] as WebAssembly.Global).value, `${record}.${name}`).toBe(4 * i);
      }
    }
  });
});

describe("trainer", () => {
  it("learns, and is a network like others afterwards", async () => {
    const t = await taught(0, {});
    const { inputs, labels } = pictures(6, 1);
    const first = t.step(inputs, labels).loss;
    for (let i = 0; i < 60; i++) {
      const some = pictures(6, i % 5);
      t.step(some.inputs, some.labels);
    }
    expect(t.step(inputs, labels).loss).toBeLessThan(0.5 * first);
    const graph = t.graph();
    const net = await build(graph, { batch: 6, variant: "simd" });
    const probabilities = t.predict(inputs);
    const output = net.run(inputs).output as Float32Array;
    for (const [i, value] of output.entries()) expect(Math.abs(value - probabilities[i]!)).toBeLessThan(1e-4);
    expect((await toTflite(graph)).length).toBeGreaterThan(10000);
    const { loss, count } = t.evaluate(inputs, labels);
    const expected = labels.reduce((sum, label, i) => sum - Math.log(output[i * 4 + label]!) / 6, 0);
    expect(count).toBe(6);
    expect(Math.abs(loss - expected)).toBeLessThan(1e-3);
  });

  it("computes the same bits in scalar and simd, and again", async () => {
    for (const options of [
      {},
      { optimizer: "adamw", learningRate: 0.001, nesterov: false, dropout: 0.3, clip: 1 },
    ] as const) {
      const [a, b, c] = await Promise.all([
        taught(5, { ...options, variant: "simd" }),
        taught(5, { ...options, variant: "scalar" }),
        taught(5, { ...options, variant: "simd" }),
      ]);
      const bits = Buffer.from(a.save()).toString("hex");
      expect(Buffer.from(b.save()).toString("hex") === bits).toBe(true);
      expect(Buffer.from(c.save()).toString("hex") === bits).toBe(true);
    }
  });

  it("goes on from a checkpoint to the bit", async () => {
    for (const options of [{}, { optimizer: "adam", learningRate: 0.001, nesterov: false, dropout: 0.5 }] as const) {
      const schedule = { warmUp: 3, decay: "cosine", steps: 9 } as const;
      const whole = await taught(6, { ...options, schedule });
      const half = await taught(3, { ...options, schedule });
      const resumed = await taught(3, { ...options, schedule, resume: half.save() }, 3);
      expect(resumed.steps).toBe(6);
      expect(Buffer.from(resumed.save()).equals(Buffer.from(whole.save()))).toBe(true);
    }
  });

  it("refuses checkpoints of others, and damaged ones", async () => {
    const t = await taught(1, {});
    const bytes = t.save();
    const other = mobilenetV1({
      alpha: 0.25,
      resolution: 32,
      firstStride: 1,
      inputChannels: 1,
      classes: 5,
      shallow: true,
    });
    await expect(trainer(other, { ...OPTIONS, resume: bytes })).rejects.toThrow(FormatError);
    await expect(trainer(other, { ...OPTIONS, resume: bytes })).rejects.toThrow(/this graph/);
    const adam = { ...OPTIONS, optimizer: "adam", nesterov: false, resume: bytes } as const;
    await expect(trainer(SMALL, adam)).rejects.toThrow(/optimizer adam, got sgd/);
    const damaged = bytes.slice();
    damaged[bytes.length >> 1]! ^= 1;
    await expect(trainer(SMALL, { ...OPTIONS, resume: damaged })).rejects.toThrow(/checksum/);
    await expect(trainer(SMALL, { ...OPTIONS, resume: bytes.subarray(0, 40) })).rejects.toThrow(FormatError);
    await expect(trainer(SMALL, { ...OPTIONS, resume: new Uint8Array(100) })).rejects.toThrow(/sepcTRN1/);
  });

  it("stops at a loss that is no number, names the layer, and keeps what it had", async () => {
    const t = await taught(2, {});
    const before = t.save();
    const { inputs, labels } = pictures(6, 9);
    const broken = inputs.slice();
    broken[5] = Number.NaN;
    expect(() => t.step(broken, labels)).toThrow(DivergedError);
    try {
      t.step(broken, labels);
    } catch (error) {
      expect(error).toMatchObject({ step: 2, node: "input" });
    }
    expect(Buffer.from(t.save()).equals(Buffer.from(before))).toBe(true);
    const graph = initialize(SMALL, 1);
    const weights = graph.constants.get("block2/pointwise/weights")!;
    const constants = new Map(graph.constants).set(weights.name, {
      ...weights,
      data: (weights.data as Float32Array).map((value, i) => (i === 3 ? Number.POSITIVE_INFINITY : value)),
    });
    const bad = await trainer({ ...graph, constants }, OPTIONS);
    expect(() => bad.step(inputs, labels)).toThrow(/step 0: .*first in "block2\/pointwise\/conv"/);
    expect(bad.steps).toBe(0);
  });

  it("knows its memory beforehand, to the page", async () => {
    const plan = planTraining(SMALL, { batch: 6 });
    const { total, ...parts } = plan.memory;
    expect(Object.values(parts).reduce((a, b) => a + b)).toBe(total);
    const t = await taught(0, {});
    expect(t.memory).toEqual(plan.memory);
    const frozen = planTraining(SMALL, { batch: 6, freeze: "block12" });
    expect(frozen.trainedLayers).toEqual(["block13/depthwise/conv", "block13/pointwise/conv", "classifier"]);
    expect(frozen.parameters).toBe(plan.parameters);
    expect(frozen.trainedParameters).toBeLessThan(plan.parameters);
    expect(frozen.memory.activations).toBeLessThan(0.5 * plan.memory.activations);
  });

  it("leaves what is frozen as it is", async () => {
    const t = await taught(3, { freeze: "block12" });
    const is = t.graph();
    const was = initialize(SMALL, OPTIONS.seed);
    const changed = [...was.constants.values()]
      .filter(
        ({ name, data }) => bytesOf(data as Float32Array) !== bytesOf(is.constants.get(name)!.data as Float32Array),
      )
      .map(({ name }) => name);
    expect(changed.every((name) => /^(block13|classifier)/.test(name))).toBe(true);
    expect(changed).toContain("block13/depthwise/bn/mean");
    expect(changed).toContain("classifier/weights");
  });

  it("computes the features of what is frozen once, whatever ops it has", async () => {
    const graph = initialize(SMALL, OPTIONS.seed);
    const exp: Node = { op: "unary", name: "e", inputs: ["block12"], of: "exp" };
    const at = graph.nodes.findIndex(({ name }) => name === "block12") + 1;
    const nodes = graph.nodes.flatMap((node, i): Node[] => {
      if (i < at || !node.inputs.includes("block12")) return [node];
      return [exp, { ...node, inputs: ["e"] } as Node];
    });
    const odd = { ...graph, nodes };
    await expect(trainer(odd, { ...OPTIONS, freeze: "block6" })).rejects.toThrow(/node "e" \(unary\)/);
    const [a, b] = [await trainer(odd, { ...OPTIONS, freeze: "e" }), await trainer(odd, { ...OPTIONS, freeze: "e" })];
    expect(a.memory.frozen).toBeGreaterThan(0);
    expect(a.memory).toEqual(planTraining(odd, { batch: 6, freeze: "e" }).memory);
    const { inputs, labels } = pictures(6, 3);
    const features = a.features(inputs);
    for (let i = 0; i < 3; i++) {
      expect(a.step(features, labels)).toEqual(b.step(inputs, labels));
      expect(a.evaluate(features.slice(1, 4), labels.slice(1, 4))).toEqual(
        b.evaluate(inputs.subarray(SIZE, 4 * SIZE), labels.slice(1, 4)),
      );
    }
    expect(Buffer.from(a.save()).equals(Buffer.from(b.save()))).toBe(true);
    const net = await build(a.graph(), { batch: 6, variant: "simd" });
    const output = net.run(inputs).output as Float32Array;
    for (const [i, value] of a.predict(features).entries()) expect(Math.abs(value - output[i]!)).toBeLessThan(1e-4);
    const other = { ...odd, constants: initialize(SMALL, 4).constants };
    await expect(trainer(other, { ...OPTIONS, freeze: "e", resume: a.save() })).rejects.toThrow(/frozen weights/);
    const t = await taught(0, {});
    expect(() => t.features(inputs)).toThrow(StateError);
    await expect(trainer(odd, { ...OPTIONS, freeze: () => true })).rejects.toThrow(/left to train/);
  });

  it("trains biases and norms alone", async () => {
    const t = await taught(2, { freeze: ({ role }) => role === "weights" });
    const is = t.graph();
    const was = initialize(SMALL, OPTIONS.seed);
    for (const [name, { data }] of was.constants) {
      const same = bytesOf(data as Float32Array) === bytesOf(is.constants.get(name)!.data as Float32Array);
      expect(same, name).toBe(name.endsWith("weights"));
    }
  });

  it("goes through epochs, with validation and checkpoints", async () => {
    const t = await taught(0, {});
    const data = [pictures(6, 1), pictures(6, 2), pictures(4, 3)];
    const steps: number[] = [];
    const saved: number[] = [];
    const { epochs } = await t.fit((epoch) => (epoch === 0 ? data : data.toReversed()), {
      epochs: 2,
      validation: data,
      onStep: ({ step }) => steps.push(step),
      checkpoint: (bytes) => void saved.push(bytes.length),
    });
    expect(steps).toEqual([1, 2, 3, 4, 5, 6]);
    expect(epochs.map(({ epoch, count, validation }) => [epoch, count, validation?.count])).toEqual([
      [1, 16, 16],
      [2, 16, 16],
    ]);
    expect(saved.length).toBe(2);
    expect((await t.fit(data, { epochs: 2 })).epochs).toEqual([]);
    await expect(t.fit(data, { epochs: 3, signal: AbortSignal.abort("enough") })).rejects.toBe("enough");
    await expect(t.fit([], { epochs: 3 })).rejects.toThrow(/got none/);
  });

  it("takes the article's graph of training, and keeps its moving averages as TensorFlow does", async () => {
    const options = { reading: "article", top: "classifier", alpha: 0.25, resolution: 32, classes: 4 } as const;
    const made = { ...options, firstStride: 1, inputChannels: 1, shallow: true, batch: 6 } as const;
    const training = initialize(mobilenetV1({ ...made, training: true }), 3);
    const t = await trainer(training, { ...OPTIONS, variant: "scalar" });
    const same = await trainer(mobilenetV1(made), { ...OPTIONS, variant: "scalar" });
    const { inputs, labels } = pictures(6, 4);
    const once = await build(training, { batch: 6, variant: "scalar" });
    const { outputs } = once.run(inputs) as { outputs: Record<string, Float32Array> };
    expect(t.step(inputs, labels)).toEqual(same.step(inputs, labels));
    const { constants } = t.graph();
    const moving = Object.entries(outputs).filter(([name]) => name.endsWith("/bn/moving"));
    expect(moving.length).toBe(17);
    for (const [name, values] of moving) {
      const [mean, variance] = ["mean", "variance"].map((role) => constants.get(name.replace("moving", role))!.data!);
      for (const [i, value] of values.entries()) {
        const own = [...mean!, ...variance!][i]!;
        expect(Math.abs(own - value), `${name}[${i}]`).toBeLessThan(1e-4 * (1 + Math.abs(value)));
      }
    }
    expect(t.graph().outputs).toEqual(["softmax"]);
  });

  it("refuses what it can't train", async () => {
    const { inputs, labels } = pictures(6, 1);
    const t = await taught(0, {});
    expect(() => t.step(inputs, [...labels.slice(1), 4])).toThrow(/labels from 0 to 3, got 4 as label 5/);
    expect(() => t.step(inputs, [...labels.slice(1), -1])).toThrow(RangeError);
    expect(() => t.step(inputs.subarray(1), labels)).toThrow(ShapeError);
    expect(() => t.step(inputs.subarray(0, SIZE), labels.slice(0, 1))).toThrow(/2 pictures or more/);
    expect(() => t.step([...inputs] as unknown as Float32Array, labels)).toThrow(TypeError);
    await expect(trainer(SMALL, { batch: 1 })).rejects.toThrow(/2 images or more/);
    await expect(trainer(SMALL, { bacth: 3 } as TrainerOptions)).rejects.toThrow(/did you mean/);
    await expect(trainer(SMALL, { freeze: "block99" })).rejects.toThrow(/freeze: expected the name of a value/);
    await expect(trainer(SMALL, { learningRate: Number.NaN })).rejects.toThrow(RangeError);
    const { graph } = TRIALS[0]!;
    const exp: Node = { op: "unary", name: "t", inputs: ["a/conv"], of: "exp" };
    const nodes = graph.nodes.flatMap((node): Node[] =>
      node.name === "pool" ? [exp, { ...node, inputs: ["t"] }] : [node],
    );
    const odd = { ...graph, nodes };
    await expect(trainer(odd, { batch: 3 })).rejects.toThrow(UnsupportedError);
    await expect(trainer(odd, { batch: 3 })).rejects.toThrow(/node "t" \(unary\)/);
  });
});
