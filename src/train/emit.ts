/**
 * The records of a training step, and of an evaluation.
 * @module
 */
import type { Lifetime } from "../engine/plan/arena.ts";
import { FLAGS, KERNELS } from "./abi.ts";
import { padded } from "./addresses.ts";
import type { Kind, Layer, Network, Tensor, Trained } from "./network.ts";
import type { PlanSettings } from "./options.ts";
import type { Parameters } from "./parameters.ts";
import type { StepRecord, ViewRecord } from "./records.ts";
import { scratchOf } from "./scratch.ts";

/** A record whose pointers to tensors are not known yet. */
interface Draft {
  readonly kernel: keyof typeof KERNELS;
  readonly fields: StepRecord;
  readonly x?: Tensor;
  readonly x2?: Tensor;
  readonly y?: Tensor;
  readonly gx?: Tensor;
  readonly gy?: Tensor;
  /** Bytes of scratch by the field that points at it. */
  readonly scratch?: Readonly<Partial<Record<"s" | "s0" | "s1" | "s2" | "s3", number>>>;
  /** Tensors that are read, besides. */
  readonly layer?: Layer;
}

/** What a record of training is about. */
export interface Outline {
  readonly kernel: keyof typeof KERNELS;
  /** The node; none where it is about all of them. */
  readonly node?: string;
  /** Multiply-adds for one image. */
  readonly macs: number;
  /** Numbers of its result for one image, on the way forward. */
  readonly values?: number;
}

/** Multiply-adds of a layer for one image. */
function macsOf({ kind, inputs, output, geometry }: Layer): number {
  const { rows, channels } = output;
  const taps = geometry === undefined ? 1 : geometry.kH * geometry.kW;
  if (kind === "depthwise") return rows * channels * taps;
  return kind === "matrix" || kind === "conv" ? rows * channels * inputs[0]!.channels * taps : 0;
}

/** Everything with its place. */
export interface Placed {
  readonly outlines: readonly Outline[];
  readonly steps: readonly StepRecord[];
  readonly forward: number;
  readonly backward: number;
  readonly evaluation: readonly StepRecord[];
  readonly views: readonly ViewRecord[];
  readonly input: number;
  readonly probabilities: number;
}

const CHANNEL_ARRAYS = ["scale", "shift", "mean", "variance", "a", "b"] as const;

/** Kernels of the way back that are called otherwise than the layers. */
const BACK: Readonly<Partial<Record<Kind, keyof typeof KERNELS>>> = {
  add: "copy_gradient",
  concat: "place_gradient",
  pad: "place_gradient",
};

/** Where a part of a concatenation lies. */
function partFields({ inputs, output }: Layer, i: number): StepRecord {
  const { rows, channels } = inputs[i]!;
  const padC = inputs.slice(0, i).reduce((sum, { channels }) => sum + channels, 0);
  return { inH: 1, inW: rows, inC: channels, outH: 1, outW: rows, outC: output.channels, padC };
}

/** How the rows of a factor are to those of the other one: see the kernel. */
function factorOf(x: Tensor, other: Tensor): number {
  return x.rows === other.rows ? 0 : x.rows > other.rows ? 1 : 2;
}

const isProduct = ({ kind }: Layer) => kind === "matrix" || kind === "conv" || kind === "depthwise";

function outlineOf({ kernel, fields, layer, y }: Draft): Outline {
  const name = layer?.node.name ?? y?.name;
  const node = name === undefined ? {} : { node: name };
  if (layer === undefined || kernel === "view_backward") return { kernel, ...node, macs: 0 };
  const flags = fields.flags ?? 0;
  const wanted = [FLAGS.WEIGHTS, FLAGS.INPUT].filter((flag) => (flags & flag) !== 0).length;
  const back = kernel.endsWith("_gradient");
  const values = back || y === undefined ? {} : { values: y.rows * y.channels };
  return { kernel, ...node, macs: macsOf(layer) * (back ? wanted : 1), ...values };
}

export class Emitter {
  readonly trainedLayers: readonly string[];
  readonly #network: Network;
  readonly #trained: Trained;
  readonly #settings: PlanSettings;
  readonly #train: Draft[] = [];
  readonly #evaluate: Draft[] = [];
  #forward = 0;
  #backward = 0;
  /** Whether the gradient before a tensor's view is wanted, and that behind it. */
  readonly #before = new Set<Tensor>();
  readonly #behind = new Set<Tensor>();
  readonly #views = new Map<Tensor, { train: number; evaluate: number }>();
  readonly #channels = new Map<Tensor, ViewRecord>();

  constructor(network: Network, trained: Trained, settings: PlanSettings) {
    this.#network = network;
    this.#trained = trained;
    this.#settings = settings;
    for (const { inputs, output, weights, bias } of network.layers) {
      const own = [weights, bias].some((name) => name !== undefined && trained.constant(name));
      if (own || inputs.some((input) => this.#behind.has(input))) this.#before.add(output);
      if (this.#before.has(output) || this.#hasTrainedNorm(output)) this.#behind.add(output);
    }
    const layers = network.layers.filter(({ weights, bias, output }) => {
      return (
        [weights, bias].some((name) => name !== undefined && trained.constant(name)) || this.#hasTrainedNorm(output)
      );
    });
    this.trainedLayers = [...new Set(layers.map(({ node }) => node.name))];
    this.#emit();
  }

  get records(): number {
    return this.#train.length + this.#evaluate.length;
  }

  #hasTrainedNorm({ view: { norm } }: Tensor): boolean {
    const { gamma, beta } = norm ?? {};
    return [gamma, beta].some((name) => name !== undefined && this.#trained.constant(name));
  }

  #hasView({ view: { norm, clamp } }: Tensor): boolean {
    return norm !== undefined || clamp.lo !== Number.NEGATIVE_INFINITY || clamp.hi !== Number.POSITIVE_INFINITY;
  }

  /** Whether the way back needs sums over the batch of a tensor's norm. */
  #reduces(tensor: Tensor): boolean {
    const { norm } = tensor.view;
    return (
      norm !== undefined && this.#behind.has(tensor) && (norm.statistics === "batch" || this.#hasTrainedNorm(tensor))
    );
  }

  #emit(): void {
    const { layers, logits, classes } = this.#network;
    for (const { output } of layers) {
      if (output.view.norm === undefined) continue;
      const fixed: Draft = { kernel: "view_fixed", fields: {}, y: output };
      this.#evaluate.push(fixed);
      if (output.view.norm.statistics === "fixed") this.#train.push(fixed);
    }
    for (const layer of layers) {
      this.#train.push(...this.#forwardOf(layer, true));
      if (!isProduct(layer) && layer.output.view.norm?.statistics === "batch") {
        this.#train.push({ kernel: "view_statistics", fields: {}, y: layer.output });
      }
      this.#evaluate.push(...this.#forwardOf(layer, false));
    }
    const loss: Draft = { kernel: "cross_entropy", fields: { inC: classes }, x: logits };
    this.#evaluate.push(loss);
    const wanted = this.#behind.has(logits);
    this.#train.push({
      ...{ ...loss, fields: { inC: classes, flags: wanted ? FLAGS.INPUT : 0 } },
      ...(wanted && { gx: logits }),
    });
    this.#forward = this.#train.length;
    const written = new Set<Tensor>([logits]);
    // How many layers have still to say something to a tensor's gradient.
    const left = new Map<Tensor, number>();
    for (const { inputs, output } of layers) {
      if (this.#before.has(output)) for (const input of inputs) left.set(input, (left.get(input) ?? 0) + 1);
    }
    for (const layer of layers.toReversed()) if (this.#before.has(layer.output)) this.#backOf(layer, written, left);
    this.#train.push({ kernel: "norm", fields: {} });
    this.#backward = this.#train.length;
    for (const { output } of layers) {
      if (output.view.norm?.statistics === "batch") this.#train.push({ kernel: "view_average", fields: {}, y: output });
    }
    this.#train.push({ kernel: this.#settings.optimizer === "sgd" ? "sgd" : "adam", fields: { flags: FLAGS.DECAY } });
    this.#train.push({ kernel: this.#settings.optimizer === "sgd" ? "sgd" : "adam", fields: { flags: 0 } });
  }

  #forwardOf(layer: Layer, training: boolean): Draft[] {
    const { kind, inputs, output, own = {} } = layer;
    if (kind === "concat") {
      return inputs.map((x, i) => ({ kernel: "place", layer, x, y: output, fields: partFields(layer, i) }));
    }
    const [x, x2] = inputs as [Tensor, Tensor?];
    const takes = training && isProduct(layer) && output.view.norm?.statistics === "batch";
    const kernel = kind === "dropout" && !training ? "copy" : kind === "pad" ? "place" : kind;
    const x2View = x2 !== undefined && this.#hasView(x2);
    const { fields, scratch } = scratchOf(layer, false, {
      xView: this.#hasView(x),
      x2View,
      more: false,
      weights: false,
    });
    const which = kind === "multiply" && x.rows !== x2!.rows ? { which: 1 } : {};
    const flags = (takes ? FLAGS.STATISTICS : 0) | (own.flags ?? 0);
    return [
      {
        ...{ kernel, layer, x, y: output, scratch },
        ...(x2 !== undefined && { x2 }),
        fields: { ...fields, ...own, ...which, flags },
      },
    ];
  }

  #backOf(layer: Layer, written: Set<Tensor>, left: Map<Tensor, number>): void {
    const { kind, inputs, output, weights, bias, own = {} } = layer;
    const product = isProduct(layer);
    if (!product && this.#hasView(output)) {
      this.#train.push({ kernel: "view_backward", fields: {}, y: output, gy: output, layer });
    }
    const trains = weights !== undefined && this.#trained.constant(weights);
    for (const [i, x] of inputs.entries()) {
      left.set(x, left.get(x)! - 1);
      const input = this.#behind.has(x);
      if (!input && !product && !trains) continue;
      const more = input && written.has(x);
      written.add(x);
      const reduce = input && left.get(x) === 0 && this.#reduces(x);
      const flag = (is: boolean, name: keyof typeof FLAGS) => (is ? FLAGS[name] : 0);
      const flags = flag(trains, "WEIGHTS") | flag(input, "INPUT") | flag(more, "ACCUMULATE") | flag(reduce, "REDUCE");
      const { fields, scratch } = scratchOf(layer, true, { xView: this.#hasView(x), more, weights: trains, input });
      const other = kind === "multiply" ? inputs[1 - i]! : undefined;
      const needsX = trains || reduce || kind === "curve" || (kind === "pool" && own.which === 0);
      const part = kind === "concat" ? partFields(layer, i) : other ? { which: factorOf(x, other) } : {};
      this.#train.push({
        kernel: BACK[kind] ?? (`${kind}_gradient` as keyof typeof KERNELS),
        ...{ layer, gy: output, scratch },
        ...(product && this.#hasView(output) && { y: output }),
        ...(needsX && { x }),
        ...(other && { x2: other }),
        ...(input && { gx: x }),
        fields: {
          ...{ ...fields, ...own, ...part, flags },
          db: bias !== undefined && this.#trained.constant(bias) ? 1 : 0,
          dw: trains ? 1 : 0,
        },
      });
    }
  }

  /** Gives every view its records. */
  placeViews(take: (bytes: number) => number, bytes: number): void {
    for (const tensor of this.#tensors()) {
      if (this.#hasView(tensor)) this.#views.set(tensor, { train: take(bytes), evaluate: take(bytes) });
    }
  }

  #tensors(): Tensor[] {
    return [this.#network.input, ...this.#network.layers.map(({ output }) => output)];
  }

  /** Gives every view the arrays per channel that it needs. */
  placeChannels(take: (bytes: number) => number, { byName }: Parameters): void {
    for (const tensor of this.#tensors()) {
      const addresses = this.#views.get(tensor);
      if (addresses === undefined) continue;
      const { view, channels, rows } = tensor;
      const { lo, hi } = view.clamp;
      const plain = { address: addresses.train, channels, rows, lo, hi };
      if (view.norm === undefined) {
        this.#channels.set(tensor, plain);
        continue;
      }
      const { statistics, epsilon, ...names } = view.norm;
      const arrays = Object.fromEntries(CHANNEL_ARRAYS.map((name) => [name, take(4 * channels)]));
      const pointer = (name: string | undefined) => (name === undefined ? 0 : byName.get(name)!.address);
      const gradient = (name: string | undefined) =>
        (name === undefined ? undefined : byName.get(name)!.gradient) ?? take(4 * channels);
      this.#channels.set(tensor, {
        ...plain,
        ...arrays,
        norm: statistics === "batch" ? 1 : 2,
        epsilon,
        gamma: pointer(names.gamma),
        beta: pointer(names.beta),
        movingMean: pointer(names.mean),
        movingVariance: pointer(names.variance),
        dgamma: gradient(names.gamma),
        dbeta: gradient(names.beta),
      });
    }
  }

  /** What lives from when to when, and how the records are once it is known where. */
  lifetimes(
    params: Parameters,
    labels: number,
  ): {
    readonly lifetimes: readonly Lifetime[];
    readonly place: (addresses: readonly number[]) => Placed;
  } {
    const { batch } = this.#settings;
    const lives = new Map<string, { bytes: number; first: number; last: number }>();
    const touch = (key: string, bytes: number, at: number) => {
      const life = lives.get(key);
      if (life === undefined) lives.set(key, { bytes: padded(bytes), first: at, last: at });
      else life.last = at;
    };
    const ids = new Map(this.#tensors().map((tensor, i) => [tensor, i]));
    const key = (kind: "z" | "g", tensor: Tensor) => `${kind}${ids.get(tensor)}`;
    const sizeOf = ({ rows, channels }: Tensor) => 4 * batch * rows * channels;
    const { input, logits } = this.#network;
    const end = this.#train.length;
    touch(key("z", input), sizeOf(input), 0);
    for (const [at, draft] of this.#train.entries()) {
      const { x, x2, y, gx, gy } = draft;
      if (draft.kernel === "view_fixed" || draft.kernel === "view_average") continue;
      for (const tensor of [x, x2, y]) if (tensor) touch(key("z", tensor), sizeOf(tensor), at);
      for (const tensor of [gx, gy]) if (tensor) touch(key("g", tensor), sizeOf(tensor), at);
    }
    // The probabilities stay where they are until they are read; the input, too, for a second look.
    touch(key("z", input), sizeOf(input), end);
    lives.set("probabilities", { bytes: padded(4 * batch * logits.channels), first: 0, last: end });
    const drafts = [...this.#train, ...this.#evaluate];
    const needs = drafts.map(({ scratch = {} }) =>
      Object.entries(scratch).reduce((sum, [, bytes]) => sum + (bytes > 0 ? padded(bytes) : 0), 0),
    );
    lives.set("scratch", { bytes: Math.max(...needs), first: 0, last: end });
    const keys = [...lives.keys()];
    const place = (addresses: readonly number[]): Placed => {
      const at = new Map(keys.map((name, i) => [name, addresses[i]!]));
      const record = (draft: Draft, training: boolean) =>
        this.#record(
          draft,
          training,
          params,
          labels,
          (kind, tensor) => at.get(key(kind, tensor))!,
          at.get("scratch")!,
          at.get("probabilities")!,
        );
      return {
        outlines: this.#train.map(outlineOf),
        steps: this.#train.map((draft) => record(draft, true)),
        evaluation: this.#evaluate.map((draft) => record(draft, false)),
        ...{ forward: this.#forward, backward: this.#backward },
        views: [...this.#channels].flatMap(([tensor, view]) => [
          view,
          { ...view, address: this.#views.get(tensor)!.evaluate, ...(view.norm !== undefined && { norm: 2 }) },
        ]),
        input: at.get(key("z", input))!,
        probabilities: at.get("probabilities")!,
      };
    };
    return { lifetimes: [...lives.values()], place };
  }

  #record(
    draft: Draft,
    training: boolean,
    { byName, gradients, ranges }: Parameters,
    labels: number,
    of: (kind: "z" | "g", tensor: Tensor) => number,
    scratchAt: number,
    probabilities: number,
  ): StepRecord {
    const { kernel, fields, x, x2, y, gx, gy, layer, scratch = {} } = draft;
    const viewOf = (tensor: Tensor | undefined) => {
      const view = tensor && this.#views.get(tensor);
      return view === undefined ? 0 : training ? view.train : view.evaluate;
    };
    const record: Record<string, number> = { ...fields, kernel: KERNELS[kernel] };
    if (x) Object.assign(record, { x: of("z", x), xv: viewOf(x) });
    if (x2) Object.assign(record, { x2: of("z", x2), x2v: viewOf(x2) });
    if (y)
      Object.assign(record, { y: ["view_fixed", "view_average"].includes(kernel) ? 0 : of("z", y), yv: viewOf(y) });
    if (gx) record.gx = of("g", gx);
    if (gy) record.gy = of("g", gy);
    let at = scratchAt;
    for (const [name, bytes] of Object.entries(scratch)) {
      if (bytes === 0) continue;
      record[name] = at;
      at += padded(bytes);
    }
    const parameter = (name: string | undefined) => (name === undefined ? undefined : byName.get(name));
    if (layer?.weights !== undefined && !kernel.startsWith("view_")) {
      const [w, b] = [parameter(layer.weights), parameter(layer.bias)];
      record.w = w!.address;
      record.b = b?.address ?? 0;
      if (record.dw) record.dw = w!.gradient!;
      if (record.db) record.db = b!.gradient!;
    }
    if (kernel === "cross_entropy") Object.assign(record, { w: labels, y: probabilities });
    if (kernel === "norm") Object.assign(record, { x: gradients.address, count: gradients.count });
    if (kernel === "sgd" || kernel === "adam") {
      const range = ranges.find(({ decays }) => decays === (fields.flags === FLAGS.DECAY));
      const [s = 0, s1 = 0] = range?.slots ?? [];
      Object.assign(record, { w: range?.address ?? 0, dw: range?.gradient ?? 0, s, s1, count: range?.count ?? 0 });
    }
    return record;
  }
}
