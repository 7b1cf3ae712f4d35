/**
 * Training, step by step.
 * @module
 */
import { kindOf } from "../arguments.ts";
import { build } from "../engine/build.ts";
import { checksum, type Variant } from "../engine/builds.ts";
import type { Session } from "../engine/host/session.ts";
import { ShapeError, StateError } from "../errors.ts";
import { type GraphLike, graphGiven } from "../graph/given.ts";
import type { Constant, Graph } from "../graph/graph.ts";
import { initialize } from "../graph/initialize.ts";
import { sizeOf } from "../graph/references.ts";
import { FLAGS, KERNELS, STEP_BYTES } from "./abi.ts";
import { type Batch, checkBatch, Features, type Given, type Inputs } from "./batch.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { type FitOptions, type Training, type TrainingData, fit as train } from "./fit.ts";
import { type Instance, instanceFor } from "./kernels.ts";
import { planSettings, type StepSettings, stepSettings, type TrainerOptions } from "./options.ts";
import { type FullPlan, fullPlan, type TrainingMemory } from "./plan.ts";
import { State, writeStep, writeView } from "./records.ts";
import type { Evaluation, ProfileRow, StepResult } from "./results.ts";
import { factorOf } from "./schedule.ts";
import { settled } from "./settled.ts";

/** A loss or a gradient that is no finite number: see {@link Trainer.step}. */
export class DivergedError extends StateError {
  /** The step, from 0 on, that was not taken. */
  readonly step: number;
  /** The first node whose result was not finite; undefined where all were, and only gradients were not. */
  readonly node: string | undefined;

  constructor(message: string, step: number, node: string | undefined) {
    super(message);
    this.step = step;
    this.node = node;
  }
}

Object.defineProperty(DivergedError.prototype, "name", { value: "DivergedError", configurable: true, writable: true });

/** A network that learns. Made by {@link trainer}. */
export class Trainer {
  readonly #plan: FullPlan;
  readonly #settings: StepSettings;
  readonly #instance: Instance;
  readonly #state: State;
  readonly #given: Graph;
  /** What is frozen at the beginning, for one picture. */
  readonly #frozen: Session | undefined;
  #steps = 0;
  #epochs = 0;
  #disposed = false;

  /** Use {@link trainer}. */
  constructor(plan: FullPlan, settings: StepSettings, instance: Instance, graph: Graph, frozen?: Session) {
    this.#frozen = frozen;
    this.#plan = plan;
    this.#settings = settings;
    this.#instance = instance;
    this.#given = graph;
    const view = new DataView(instance.buffer);
    this.#state = new State(view, plan.state);
    const { labelSmoothing, batchNormMomentum, seed } = settings;
    for (const [i, step] of [...plan.steps, ...plan.evaluation].entries()) {
      const trains = i < plan.steps.length;
      const own =
        step.kernel === KERNELS.cross_entropy && trains
          ? { a: labelSmoothing }
          : step.kernel === KERNELS.dropout || step.kernel === KERNELS.dropout_gradient
            ? { a: plan.settings.dropout, seed: seed | 0 }
            : step.kernel === KERNELS.sgd || step.kernel === KERNELS.adam
              ? { flags: this.#updateFlags(step.flags ?? 0) }
              : {};
      writeStep(view, plan.table + i * STEP_BYTES, { ...step, ...own });
    }
    for (const record of plan.views) writeView(view, { ...record, momentum: batchNormMomentum });
    for (const { name, address, count } of plan.params.byName.values()) {
      this.#floats(address, count).set(graph.constants.get(name)!.data as Float32Array);
    }
  }

  #updateFlags(flags: number): number {
    const { weightDecay, nesterov } = this.#settings;
    const decays = weightDecay > 0 ? flags & FLAGS.DECAY : 0;
    return decays | (nesterov ? FLAGS.NESTEROV : 0) | (this.#plan.settings.optimizer === "adamw" ? FLAGS.DECOUPLED : 0);
  }

  /** Bytes that training takes; `total` is what is allocated, in pages of 65,536. */
  get memory(): TrainingMemory {
    return this.#plan.memory;
  }

  get variant(): Variant {
    return this.#instance.variant;
  }

  /** Pictures a step, at the most. */
  get batch(): number {
    return this.#plan.settings.batch;
  }

  /** Classes of the network. */
  get classes(): number {
    return this.#plan.network.classes;
  }

  /** Shape of a batch of inputs, [N, H, W, C]. */
  get inputShape(): readonly number[] {
    return [this.batch, ...this.#given.inputs[0]!.shape.slice(1)];
  }

  /** Steps taken so far, those before a checkpoint was resumed too. */
  get steps(): number {
    return this.#steps;
  }

  /** Epochs that `fit` has done so far, likewise. */
  get epochs(): number {
    return this.#epochs;
  }

  /** Weights that are trained. */
  get trainedParameters(): number {
    return this.#plan.trainedParameters;
  }

  /**
   * Forward, loss, backward, update. The arrays are copied.
   * @param inputs [n, H, W, C], n from 1 to `batch`
   * @param labels [n]
   * @throws {@link DivergedError} where the loss or the gradients are no finite numbers: it names the step and the
   *   first layer that isn't, and nothing has changed: weights, optimizer and moving averages are those before the step
   * @throws TypeError, RangeError, ShapeError for what is no batch
   */
  step(inputs: Inputs, labels: Batch["labels"]): StepResult {
    const { table, state, steps } = this.#plan;
    return this.#step("step", inputs, labels, (n) => this.#instance.exports.run(table, 0, steps.length, n, state));
  }

  #step(where: string, inputs: Inputs, labels: Batch["labels"], run: (n: number) => number): StepResult {
    const n = this.#put(where, { inputs, labels });
    const { steps, forward } = this.#plan;
    if (n === 1 && this.#plan.steps.some(({ kernel }) => kernel === KERNELS.view_average)) {
      throw new ShapeError(`${where}: expected 2 pictures or more for batch norms by their statistics, got 1`);
    }
    const learningRate = Math.fround(this.#settings.learningRate * factorOf(this.#settings.schedule, this.#steps));
    this.#state.set({ ...this.#fixed(), rate: learningRate, step: this.#steps });
    const end = run(n);
    if (end < steps.length) throw this.#diverged(n, end < forward ? "loss" : "gradients");
    this.#steps++;
    return {
      loss: this.#state.get("loss"),
      correct: this.#state.get("hits"),
      count: n,
      learningRate,
      gradientNorm: this.#state.get("length"),
    };
  }

  #fixed() {
    const { momentum, beta2, epsilon, weightDecay, clip } = this.#settings;
    const corrections = { correction1: correction(momentum, this.#steps), correction2: correction(beta2, this.#steps) };
    return { ...{ momentum, beta2, epsilon, decay: weightDecay, clip }, ...corrections };
  }

  /** Takes the forward steps once more, one by one, and looks at what each has computed. */
  #diverged(n: number, what: "loss" | "gradients"): DivergedError {
    const { table, state, forward, steps, outlines, network } = this.#plan;
    let node: string | undefined;
    const { rows, channels, name } = network.input;
    if (!this.#floats(this.#plan.input, n * rows * channels).every(Number.isFinite)) node = name;
    for (let i = 0; i < forward && node === undefined; i++) {
      this.#instance.exports.run(table, i, i + 1, n, state);
      const { values, node: of } = outlines[i]!;
      if (values !== undefined && !this.#floats(steps[i]!.y!, n * values).every(Number.isFinite)) node = of;
    }
    const first = node === undefined ? "" : `, first in "${node}"`;
    return new DivergedError(
      `step ${this.#steps}: expected a finite loss and gradients, got others (${what})${first}; nothing was changed by it`,
      this.#steps,
      node,
    );
  }

  /**
   * A step, record by record: where the time goes. It learns as {@link step} does.
   * @returns a row for each record: its kernel, the node that it is about, multiply-adds and milliseconds
   */
  profile(inputs: Inputs, labels: Batch["labels"]): ProfileRow[] {
    const { exports } = this.#instance;
    const { table, state, outlines } = this.#plan;
    const rows: ProfileRow[] = [];
    this.#step("profile", inputs, labels, (n) => {
      for (const [i, { kernel, node, macs }] of outlines.entries()) {
        const began = performance.now();
        if (exports.run(table, i, i + 1, n, state) === i) return i;
        rows.push({ kernel, ...(node !== undefined && { node }), macs: n * macs, ms: performance.now() - began });
      }
      return outlines.length;
    });
    return rows;
  }

  /**
   * How the network does on pictures, by the moving averages of its batch norms and without dropout; nothing is
   * learned.
   * @param inputs [n, H, W, C], any n from 1 on
   * @param labels [n]
   */
  evaluate(inputs: Inputs, labels: Batch["labels"]): Evaluation {
    const { batch } = this;
    const size = this.#size;
    let [loss, correct] = [0, 0];
    const count = labels.length;
    if (count <= batch) return this.#evaluated({ inputs, labels });
    if (!(inputs instanceof Features) && inputs.length !== count * size) {
      throw new ShapeError(`evaluate: expected ${count} × ${size} inputs, got ${inputs.length}`);
    }
    for (let from = 0; from < count; from += batch) {
      const to = Math.min(from + batch, count);
      const part = this.#evaluated({
        inputs: partOf(inputs, from, to, size),
        labels: labels.slice(from, to) as Batch["labels"],
      });
      loss += part.loss * part.count;
      correct += part.correct;
    }
    return { loss: loss / count, correct, count };
  }

  #evaluated(given: Given): Evaluation {
    const n = this.#put("evaluate", given);
    const { table, state, steps, evaluation } = this.#plan;
    this.#instance.exports.run(table, steps.length, steps.length + evaluation.length, n, state);
    return { loss: this.#state.get("loss"), correct: this.#state.get("hits"), count: n };
  }

  /**
   * Probabilities [n, classes] of pictures, as {@link evaluate} computes them.
   * @param inputs [n, H, W, C], any n from 1 on
   */
  predict(inputs: Inputs): Float32Array {
    const size = this.#size;
    const count = inputs instanceof Features ? inputs.count : inputs.length / size;
    if (!Number.isInteger(count) || count < 1) {
      throw new ShapeError(`predict: expected a multiple of ${size} inputs, got ${(inputs as Float32Array).length}`);
    }
    const { batch, classes } = this;
    const result = new Float32Array(count * classes);
    for (let from = 0; from < count; from += batch) {
      const n = Math.min(batch, count - from);
      const part = partOf(inputs, from, from + n, size);
      this.#evaluated({ inputs: part, labels: new Uint8Array(n) });
      result.set(this.#floats(this.#plan.probabilities, n * classes), from * classes);
    }
    return result;
  }

  /**
   * What the frozen part of the network answers for pictures. Steps and evaluations take it in the place of the
   * pictures, whose way through that part is then gone once and not in each epoch.
   * @param inputs [n, H, W, C], any n from 1 on
   * @throws {@link StateError} where nothing is frozen at the beginning of the network
   */
  features(inputs: Float32Array): Features {
    this.#check();
    const session = this.#frozen;
    if (session === undefined) {
      throw new StateError("features: expected a trainer that freezes the beginning of its network, got one without");
    }
    const size = this.#size;
    const count = inputs.length / size;
    if (!Number.isInteger(count) || count < 1) {
      throw new ShapeError(`features: expected a multiple of ${size} inputs, got ${inputs.length}`);
    }
    const data = new Float32Array(count * this.#featureSize);
    for (let i = 0; i < count; i++) {
      data.set(session.run(inputs.subarray(i * size, (i + 1) * size)).output as Float32Array, i * this.#featureSize);
    }
    return new Features(data, count);
  }

  /**
   * Steps through all data, epoch after epoch: see {@link FitOptions}.
   * @param data batches: an array, an object that can be gone through again, or a function of the epoch (from 0 on)
   *   that answers one
   * @returns what each epoch came to
   */
  fit(data: TrainingData, options: FitOptions = {}): Promise<Training> {
    return train(this, data, options, () => {
      this.#epochs++;
    });
  }

  /**
   * The graph with the weights that were learned, for `build`, `toTflite`, `quantize` or another trainer. Batch norms
   * hold their moving averages.
   */
  graph(): Graph {
    this.#check();
    const constants = new Map<string, Constant>(this.#given.constants);
    for (const { name, address, count } of this.#plan.params.byName.values()) {
      constants.set(name, { ...constants.get(name)!, data: this.#floats(address, count).slice() });
    }
    return { ...this.#given, constants };
  }

  /**
   * Gradients of the last step's loss by each constant that is trained, in its shape, before they were clipped and
   * without weight decay.
   */
  gradients(): Map<string, Float32Array> {
    this.#check();
    const all = [...this.#plan.params.byName.values()].filter(({ gradient }) => gradient !== undefined);
    return new Map(all.map(({ name, gradient, count }) => [name, this.#floats(gradient!, count).slice()]));
  }

  /** All that training needs to go on as if it had not stopped, for the option `resume`. */
  save(): Uint8Array<ArrayBuffer> {
    this.#check();
    const { params, network, settings } = this.#plan;
    const parts = params.state.map(({ address, bytes }) => new Uint8Array(this.#instance.buffer, address, bytes));
    const advance = { steps: this.#steps, epochs: this.#epochs };
    return writeCheckpoint({ graph: network.graph, frozen: this.#frozenSum }, settings, advance, parts);
  }

  /** Goes back to what {@link save} wrote. */
  restore(checkpoint: Uint8Array): void {
    this.#check();
    const { params, network, settings } = this.#plan;
    const lengths = params.state.map(({ bytes }) => bytes);
    const { steps, epochs, parts } = readCheckpoint(
      { graph: network.graph, frozen: this.#frozenSum },
      settings,
      checkpoint,
      lengths,
    );
    for (const [i, { address, bytes }] of params.state.entries()) {
      new Uint8Array(this.#instance.buffer, address, bytes).set(parts[i]!);
    }
    this.#steps = steps;
    this.#epochs = epochs;
  }

  /** Gives the memory back; nothing can be asked of it any more. */
  dispose(): void {
    this.#disposed = true;
    this.#frozen?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Tells frozen parts apart, by their weights; 0 where there is none. */
  get #frozenSum(): number {
    let sum = 0;
    for (const name of this.#plan.frozen?.constants.keys() ?? []) {
      const { buffer, byteOffset, byteLength } = this.#given.constants.get(name)!.data!;
      sum = (Math.imul(sum, 31) + checksum(new Uint8Array(buffer, byteOffset, byteLength))) >>> 0;
    }
    return sum;
  }

  /** Numbers of a picture. */
  get #size(): number {
    return sizeOf(this.#given.inputs[0]!.shape.slice(1));
  }

  /** Numbers that training begins with for each picture. */
  get #featureSize(): number {
    const { rows, channels } = this.#plan.network.input;
    return rows * channels;
  }

  #check(): void {
    if (this.#disposed) throw new StateError("trainer: expected one in use, got one that was disposed");
  }

  #put(where: string, given: Given): number {
    this.#check();
    const [size, features] = [this.#size, this.#featureSize];
    const n = checkBatch(where, given, { size, features, classes: this.classes, most: this.batch });
    const { inputs } = given;
    const numbers = this.#numbers(inputs);
    this.#floats(this.#plan.input, numbers.length).set(numbers);
    new Int32Array(this.#instance.buffer, this.#plan.labels, n).set(given.labels);
    return n;
  }

  #numbers(inputs: Inputs): Float32Array {
    if (inputs instanceof Features) return inputs.data;
    return this.#frozen === undefined ? inputs : this.features(inputs).data;
  }

  #floats(address: number, count: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#instance.buffer, address, count);
  }
}

/** Some of the pictures. */
function partOf(inputs: Inputs, from: number, to: number, size: number): Inputs {
  return inputs instanceof Features ? inputs.slice(from, to) : inputs.subarray(from * size, to * size);
}

/** 1/(1 − βᵗ) in step t − 1. By products alone, for hosts compute powers differently. */
function correction(beta: number, step: number): number {
  let power = beta;
  let rest = step;
  let square = beta;
  // β^(step + 1), by squares.
  while (rest > 0) {
    if (rest % 2 === 1) power *= square;
    square *= square;
    rest = Math.floor(rest / 2);
  }
  return 1 / (1 - power);
}

/**
 * Makes a trainer of a graph. Weights that the graph lacks are drawn at random (Glorot uniform), by the seed.
 * @param graph a float32 graph of one input that ends in a softmax, or in logits [n, classes]; or a session that was
 *   built of one. A graph made for training (`mobilenetV1` with `training`) is trained with batch norms in the place of
 *   its own normalizations
 * @param options see {@link TrainerOptions}
 * @throws UnsupportedError for a graph with a trained op that has no gradient here, or of 8 bits; FormatError for a
 *   checkpoint of another graph or version
 * @example
 * ```js
 * import { build, mobilenetV1 } from "sepconv";
 * import { trainer } from "sepconv/train";
 *
 * const graph = mobilenetV1({ alpha: 0.25, resolution: 32, classes: 2 });
 * const t = await trainer(graph, { batch: 4, learningRate: 0.05, seed: 1 });
 * const inputs = new Float32Array(4 * 32 * 32 * 3).map((_, i) => Math.sin(i));
 * for (let i = 0; i < 3; i++) console.log(t.step(inputs, [0, 1, 0, 1]).loss);
 * const net = await build(t.graph());
 * ```
 */
export async function trainer(graph: GraphLike, options: TrainerOptions = {}): Promise<Trainer> {
  const given = settled(graphGiven("trainer", graph));
  const settings = planSettings(options, "trainer");
  const numbers = stepSettings(options);
  const plan = fullPlan(given, settings);
  const { resume } = options;
  if (resume !== undefined && !(resume instanceof Uint8Array)) {
    throw new TypeError(`resume: expected a Uint8Array, got ${kindOf(resume)}`);
  }
  const instance = await instanceFor(options, plan.bytes);
  const ready = initialize(given, numbers.seed);
  const frozen = plan.frozen && (await build(withNumbersOf(plan.frozen, ready), { variant: instance.variant }));
  const result = new Trainer(plan, numbers, instance, ready, frozen);
  if (resume !== undefined) result.restore(resume);
  return result;
}

/** A part of a graph, with the numbers of the whole. */
function withNumbersOf(part: Graph, whole: Graph): Graph {
  return { ...part, constants: new Map([...part.constants.keys()].map((name) => [name, whole.constants.get(name)!])) };
}
