/**
 * A layer of one's own on a network's features: one dense layer and a softmax.
 * @module
 */
import { checkOptions } from "../../arguments.ts";
import { FormatError, ShapeError } from "../../errors.ts";
import { GraphBuilder } from "../../graph/builder.ts";
import { type GraphLike, graphGiven } from "../../graph/given.ts";
import type { Graph } from "../../graph/graph.ts";
import { inferShapes } from "../../graph/shape.ts";
import { turns } from "../../turn.ts";
import { automatic, endingIn } from "../embed.ts";
import { checkLabel, countIn, labelsIn, type Prediction, pack, unpack, type Vectors, vectorsOf } from "./vectors.ts";

/** What can be asked of {@link trainHead}. */
export interface TrainOptions {
  /** Steps at the most; 500 by default. It ends before that where the loss no longer falls. */
  readonly steps?: number | undefined;
  /** How much large weights cost; 0.001 by default. More of it makes scores more careful. */
  readonly decay?: number | undefined;
  /** Stops training; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each step. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

const TRAIN_OPTIONS: readonly string[] = ["steps", "decay", "signal", "onProgress"] satisfies (keyof TrainOptions)[];

/** How training went. */
export interface Training {
  readonly steps: number;
  /** Mean cross-entropy of the examples, in nats. */
  readonly loss: number;
  /** Part of the examples whose class comes first, 0 … 1. */
  readonly accuracy: number;
}

const MAGIC = "sepcHED1";
const FILE = "softmax head";

/** Scores of classes out of a vector: softmax(bias + x · weights). Made by {@link trainHead}. */
export class SoftmaxHead {
  /** Names of the classes. */
  readonly labels: readonly string[];
  /** Numbers of a vector. */
  readonly size: number;
  readonly #weights: Float32Array<ArrayBuffer>;
  readonly #bias: Float32Array<ArrayBuffer>;

  /**
   * @param weights [size, labels], row-major
   * @param bias [labels]
   */
  constructor(labels: readonly string[], weights: Float32Array<ArrayBuffer>, bias: Float32Array<ArrayBuffer>) {
    if (labels.length === 0 || bias.length !== labels.length || weights.length % labels.length !== 0) {
      throw new ShapeError(
        `${FILE}: expected weights [size, ${labels.length}] and as many biases, got ${weights.length} and ${bias.length}`,
      );
    }
    this.labels = labels;
    this.size = weights.length / labels.length;
    this.#weights = weights;
    this.#bias = bias;
  }

  /**
   * All classes, best first.
   * @throws TypeError, ShapeError or RangeError for what is no vector of {@link size} finite numbers
   */
  predict(vector: Float32Array): Prediction[] {
    const [x] = vectorsOf(vector, this.size);
    const scores = softmax(this.labels.map((_, c) => this.#logit(x!, c)));
    return this.labels.map((label, c) => ({ label, score: scores[c]! })).sort((a, b) => b.score - a.score);
  }

  #logit(x: Float32Array, c: number): number {
    let sum = this.#bias[c]!;
    for (let i = 0; i < x.length; i++) sum += x[i]! * this.#weights[i * this.labels.length + c]!;
    return sum;
  }

  /**
   * The network with this head in place of its own: one graph, for `build`, `toTflite`, `freeze` or `quantize`, whose
   * sessions `classify` names the classes of. An 8-bit network stays one; the head computes in floats.
   * @param network the one whose features were learned from, with its weights
   * @param endPoint the value that was learned from, where `embed` was told one
   * @throws UnsupportedError for a network without a vector of features; ShapeError where it has another length
   */
  on(network: GraphLike, { endPoint }: { readonly endPoint?: string | undefined } = {}): Graph {
    const graph = graphGiven("network", network);
    const value = endPoint === undefined ? automatic(graph) : (graph.endPoints.get(endPoint) ?? endPoint);
    const body = endingIn(graph, value);
    const shape = inferShapes(body).get(value)!;
    const [images, ...rest] = shape as [number, ...number[]];
    const size = rest.reduce((product, dimension) => product * dimension, 1);
    if (size !== this.size) {
      throw new ShapeError(`network: expected ${this.size} features, got value ${value} [${shape.join(", ")}]`);
    }
    const builder = GraphBuilder.of(body);
    const name = (wanted: string) => builder.claim(wanted);
    const nodes = [...body.nodes];
    const last = () => [nodes.at(-1)!.name];
    const { dtype = "float32" } = nodes.find((node) => node.name === value) ?? {};
    nodes.push(
      dtype === "float32"
        ? { op: "identity", name: name("head/features"), inputs: [value] }
        : { op: "dequantize", name: name("head/features"), inputs: [value] },
    );
    nodes.push({ op: "reshape", name: name("head/vector"), inputs: last(), shape: [images, size] });
    const count = this.labels.length;
    const weights = builder.addConstant("head/weights", { shape: [size, count] }, this.#weights);
    const bias = builder.addConstant("head/bias", { shape: [count] }, this.#bias);
    nodes.push({ op: "dense", name: name("head/logits"), inputs: last(), weights, bias });
    nodes.push({ op: "softmax", name: name("head/scores"), inputs: last(), beta: 1 });
    const source = { ...body.source, labels: this.labels };
    return { ...body, nodes, constants: builder.constants, outputs: last(), source };
  }

  /** The head as a file, for {@link load}. */
  save(): Uint8Array<ArrayBuffer> {
    const numbers = new Float32Array([...this.#weights, ...this.#bias]);
    return pack(MAGIC, { labels: this.labels, size: this.size }, numbers);
  }

  /**
   * What {@link save} wrote.
   * @throws FormatError when the file is another, or damaged
   */
  static load(file: Uint8Array): SoftmaxHead {
    const { description, numbers } = unpack(FILE, MAGIC, file);
    const labels = labelsIn(FILE, description.labels);
    const size = countIn(FILE, "size", description.size);
    const count = labels.length;
    if (count === 0 || numbers.length !== (size + 1) * count) {
      throw new FormatError(`${FILE}: expected ${size + 1} numbers for each of ${count} labels, got ${numbers.length}`);
    }
    return new SoftmaxHead(labels, numbers.slice(0, size * count), numbers.slice(size * count));
  }
}

/**
 * Trains a head on a few examples of each class. It begins with zeros and goes down the loss of all examples at once,
 * so that chance has no part in it: the same examples make the same head.
 * @param examples vectors, as `embed` answers them, by the names of their classes: two or more
 * @returns the head, and how training went
 * @throws TypeError, ShapeError or RangeError for examples or options that make no sense
 * @example
 * ```js
 * import { build, classify, embed, load } from "sepconv";
 * import { trainHead } from "sepconv/learn";
 *
 * const net = await load("model.tflite");
 * const { head, training } = await trainHead({
 *   cat: await embed(net, ["cat.bmp"]),
 *   other: await embed(net, ["pictures/a.bmp", "pictures/b.bmp"]),
 * });
 * console.log(training.accuracy, head.predict(await embed(net, "cat.bmp"))[0]);
 * const mine = await build(head.on(net)); // one network, to be saved with its new classes
 * console.log((await classify(mine, "cat.bmp")).classes[0].label);
 * ```
 */
export async function trainHead(
  examples: Readonly<Record<string, Vectors>>,
  options: TrainOptions = {},
): Promise<{ readonly head: SoftmaxHead; readonly training: Training }> {
  checkOptions("trainHead", options, TRAIN_OPTIONS);
  const { steps = 500, decay = 1e-3, signal, onProgress } = options;
  if (!Number.isInteger(steps) || steps < 1)
    throw new RangeError(`steps: expected a whole number from 1, got ${steps}`);
  if (!(decay >= 0 && decay < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`decay: expected a number from 0, got ${decay}`);
  }
  const labels = Object.keys(examples);
  for (const label of labels) checkLabel(label);
  let size: number | undefined;
  const rows = labels.flatMap((label, of) => {
    const vectors = vectorsOf(examples[label]!, size);
    if (vectors.length === 0) throw new RangeError(`examples of ${label}: expected one or more, got none`);
    size = vectors[0]!.length;
    return vectors.map((vector) => ({ vector, of }));
  });
  if (labels.length < 2) throw new RangeError(`examples: expected two classes or more, got ${labels.length}`);
  const { mean, scale, inputs } = centered(rows.map(({ vector }) => vector));
  const { weights, bias, training } = await descend(
    inputs,
    rows.map(({ of }) => of),
    labels.length,
    { steps, decay, turn: turns(signal), onProgress },
  );
  // The network's numbers are neither centered nor scaled: the weights are, instead.
  const count = labels.length;
  const final = Float32Array.from(weights, (value) => value * scale);
  const shift = Float32Array.from(bias, (value, c) =>
    mean.reduce((sum, of, i) => sum - of * scale * weights[i * count + c]!, value),
  );
  return { head: new SoftmaxHead(labels, final, shift), training };
}

/** Vectors around 0 whose squared lengths are 1 in the mean. */
function centered(vectors: readonly Float32Array[]): {
  readonly mean: Float64Array;
  readonly scale: number;
  readonly inputs: readonly Float64Array[];
} {
  const size = vectors[0]!.length;
  const mean = new Float64Array(size);
  for (const vector of vectors) for (let i = 0; i < size; i++) mean[i]! += vector[i]! / vectors.length;
  const moved = vectors.map((vector) => Float64Array.from(vector, (value, i) => value - mean[i]!));
  const squares = moved.reduce((sum, vector) => vector.reduce((of, value) => of + value * value, sum), 0);
  const scale = squares > 0 ? Math.sqrt(vectors.length / squares) : 1;
  return { mean, scale, inputs: moved.map((vector) => vector.map((value) => value * scale)) };
}

/** A loss that falls by less than this part of itself no longer falls. */
const STILL = 1e-7;

/**
 * Nesterov's accelerated descent of the mean cross-entropy plus decay/2 · |weights|². With inputs of length 1 in the
 * mean, the curvature is at most 1 + decay, and the step one over that.
 */
async function descend(
  inputs: readonly Float64Array[],
  classes: readonly number[],
  count: number,
  {
    steps,
    decay,
    turn,
    onProgress,
  }: {
    readonly steps: number;
    readonly decay: number;
    readonly turn: () => Promise<void>;
    readonly onProgress: TrainOptions["onProgress"];
  },
): Promise<{ readonly weights: Float64Array; readonly bias: Float64Array; readonly training: Training }> {
  const size = inputs[0]!.length;
  const width = (size + 1) * count;
  let now = new Float64Array(width);
  let ahead = now;
  let before = Number.POSITIVE_INFINITY;
  let momentum = 1;
  let done = 0;
  while (done < steps) {
    await turn();
    const { gradient, loss } = slope(inputs, classes, count, ahead, decay);
    const next = ahead.map((value, i) => value - gradient[i]! / (1 + decay));
    // Momentum that leads uphill starts anew.
    const rising = loss > before;
    const following = rising ? 1 : (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2;
    const push = rising ? 0 : (momentum - 1) / following;
    const from = now;
    ahead = next.map((value, i) => value + push * (value - from[i]!));
    now = next;
    momentum = following;
    onProgress?.(++done, steps);
    if (!rising && before - loss < STILL * loss) break;
    before = loss;
  }
  const { entropy, right } = slope(inputs, classes, count, now, decay);
  const training = { steps: done, loss: entropy, accuracy: right / inputs.length };
  return { weights: now.slice(0, size * count), bias: now.slice(size * count), training };
}

function slope(
  inputs: readonly Float64Array[],
  classes: readonly number[],
  count: number,
  at: Float64Array,
  decay: number,
): { readonly gradient: Float64Array; readonly loss: number; readonly entropy: number; readonly right: number } {
  const size = inputs[0]!.length;
  const gradient = at.map((value, i) => (i < size * count ? decay * value : 0));
  const weight = at.subarray(0, size * count).reduce((sum, value) => sum + value * value, 0);
  let [entropy, right] = [0, 0];
  for (const [n, x] of inputs.entries()) {
    const logits = Array.from(at.subarray(size * count));
    for (let i = 0; i < size; i++) for (let c = 0; c < count; c++) logits[c]! += x[i]! * at[i * count + c]!;
    const scores = softmax(logits);
    const own = classes[n]!;
    entropy -= Math.log(Math.max(scores[own]!, Number.MIN_VALUE)) / inputs.length;
    if (logits.every((value, c) => c === own || value < logits[own]!)) right++;
    for (let c = 0; c < count; c++) {
      const error = (scores[c]! - Number(c === own)) / inputs.length;
      for (let i = 0; i < size; i++) gradient[i * count + c]! += error * x[i]!;
      gradient[size * count + c]! += error;
    }
  }
  return { gradient, loss: entropy + (decay / 2) * weight, entropy, right };
}

function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const exponentials = logits.map((value) => Math.exp(value - largest));
  const total = exponentials.reduce((a, b) => a + b);
  return exponentials.map((value) => value / total);
}
