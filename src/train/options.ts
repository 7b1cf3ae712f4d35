/**
 * What can be asked of training, and what is taken where nothing is said.
 * @module
 */
import { checkOptions, kindOf } from "../arguments.ts";
import type { KernelOptions } from "../engine/variant.ts";
import type { Role } from "../graph/references.ts";
import { checkSchedule, isRate, type Schedule } from "./schedule.ts";

/** A constant of the graph, as `freeze` is asked about it. */
export interface Weight {
  /** Its name in the graph. */
  readonly name: string;
  /** What it is to the node: "weights", "bias", "gamma", "beta"; "mean" stands for a batch norm's moving averages. */
  readonly role: Role;
  /** The node that names it. */
  readonly node: string;
}

/**
 * What is not trained. A name of a value or an end point: it and all that it depends on. A function: each constant that
 * it answers true for; a batch norm whose "mean" is frozen normalizes by its moving averages and leaves them alone.
 */
export type Freeze = string | ((weight: Weight) => boolean);

/** What a plan of training depends on. */
export interface TrainingPlanOptions {
  /** Images a step, at the most. Default 32. */
  readonly batch?: number | undefined;
  /**
   * "sgd" (default): gradient descent with momentum. "adam": Adam. "adamw": Adam whose weight decay stands beside the
   * gradient.
   */
  readonly optimizer?: "sgd" | "adam" | "adamw" | undefined;
  /** What is left as it is; nothing by default. */
  readonly freeze?: Freeze | undefined;
  /** Part of the features before the classifier that is dropped in each step, 0 … 1. Default 0. */
  readonly dropout?: number | undefined;
  /** The loss: softmax with cross-entropy, in nats. The only one so far, and the default. */
  readonly loss?: "crossEntropy" | undefined;
}

/** What can be asked of {@link trainer}. */
export interface TrainerOptions extends TrainingPlanOptions, KernelOptions {
  /** Step size. Default 0.1 for "sgd", 0.001 for the others. */
  readonly learningRate?: number | undefined;
  /** How the learning rate goes from step to step; constant by default. */
  readonly schedule?: Schedule | undefined;
  /** Momentum of "sgd" (default 0.9), β₁ of the others (default 0.9). */
  readonly momentum?: number | undefined;
  /** Nesterov's momentum, for "sgd". Default false. */
  readonly nesterov?: boolean | undefined;
  /** β₂ of "adam" and "adamw". Default 0.999. */
  readonly beta2?: number | undefined;
  /** ε of "adam" and "adamw". Default 1e-7, as Keras has it. */
  readonly epsilon?: number | undefined;
  /** Decay of the weights of convolutions and dense layers; not of biases, nor of batch norms. Default 0. */
  readonly weightDecay?: number | undefined;
  /** Length that all gradients together are shortened to where they are longer. Default: they are left alone. */
  readonly clip?: number | undefined;
  /** Part of the probability that is spread evenly over all classes, 0 … 1. Default 0. */
  readonly labelSmoothing?: number | undefined;
  /**
   * How much of a batch norm's moving averages stays in each step, 0 … 1. Default 0.99, as TensorFlow has it. While the
   * learning rate is high the averages lag behind the weights, and the network validates worse than it is: 0.9 follows
   * in ten steps instead of a hundred.
   */
  readonly batchNormMomentum?: number | undefined;
  /** Where random numbers begin: of weights that the graph lacks, and of dropout. An integer; 0 by default. */
  readonly seed?: number | undefined;
  /** A checkpoint that `save` wrote, of the same graph and options: training goes on from there, to the bit. */
  readonly resume?: Uint8Array | undefined;
}

const PLAN_OPTIONS = ["batch", "optimizer", "freeze", "dropout", "loss"] satisfies (keyof TrainingPlanOptions)[];

const OPTIONS = [
  ...PLAN_OPTIONS,
  ...["learningRate", "schedule", "momentum", "nesterov", "beta2", "epsilon", "weightDecay", "clip"],
  ...["labelSmoothing", "batchNormMomentum", "seed", "resume", "variant", "wasm"],
];

/** Options of the plan with all that was left out. */
export type PlanSettings = Required<{
  readonly [K in keyof Omit<TrainingPlanOptions, "freeze">]: NonNullable<TrainingPlanOptions[K]>;
}> & { readonly freeze: Freeze | undefined };

/** Numbers that a step depends on, but not its plan. */
export interface StepSettings {
  readonly learningRate: number;
  readonly schedule: Schedule;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly clip: number;
  readonly labelSmoothing: number;
  readonly batchNormMomentum: number;
  readonly seed: number;
}

/** @throws TypeError, RangeError for options that {@link TrainingPlanOptions} does not have */
export function planSettings(options: TrainingPlanOptions, where = "planTraining"): PlanSettings {
  checkOptions(where, options, where === "trainer" ? OPTIONS : PLAN_OPTIONS);
  const { batch = 32, optimizer = "sgd", freeze, dropout = 0, loss = "crossEntropy" } = options;
  if (!Number.isSafeInteger(batch) || batch < 1) throw expected("batch", "a whole number from 1 on", batch);
  if (!["sgd", "adam", "adamw"].includes(optimizer)) throw expected("optimizer", "sgd, adam or adamw", optimizer);
  if (loss !== "crossEntropy") throw expected("loss", "crossEntropy", loss);
  if (!(dropout >= 0 && dropout < 1)) throw expected("dropout", "a number from 0 on, below 1", dropout);
  if (freeze !== undefined && typeof freeze !== "string" && typeof freeze !== "function") {
    throw new TypeError(`freeze: expected the name of a value, or a function, got ${kindOf(freeze)}`);
  }
  return { batch, optimizer, freeze, dropout, loss };
}

/** @throws TypeError, RangeError for options that {@link TrainerOptions} does not have */
export function stepSettings(options: TrainerOptions): StepSettings {
  const { optimizer = "sgd" } = options;
  const adaptive = optimizer !== "sgd";
  const {
    learningRate = adaptive ? 0.001 : 0.1,
    schedule = "constant",
    momentum = 0.9,
    nesterov = false,
    beta2 = 0.999,
    epsilon = 1e-7,
    weightDecay = 0,
    clip = Number.POSITIVE_INFINITY,
    labelSmoothing = 0,
    batchNormMomentum = 0.99,
    seed = 0,
  } = options;
  if (!isRate(learningRate)) throw expected("learningRate", "a number from 0 on", learningRate);
  for (const [name, value] of Object.entries({ momentum, beta2, labelSmoothing, batchNormMomentum })) {
    if (!(value >= 0 && (value < 1 || (value === 1 && name === "batchNormMomentum")))) {
      throw expected(name, "a number from 0 on, below 1", value);
    }
  }
  if (!isRate(weightDecay)) throw expected("weightDecay", "a number from 0 on", weightDecay);
  if (!(epsilon > 0)) throw expected("epsilon", "a number above 0", epsilon);
  if (!(clip > 0)) throw expected("clip", "a number above 0", clip);
  if (typeof nesterov !== "boolean") throw new TypeError(`nesterov: expected true or false, got ${kindOf(nesterov)}`);
  if (nesterov && adaptive) throw expected("nesterov", `false for ${optimizer}`, nesterov);
  if (!Number.isSafeInteger(seed)) throw expected("seed", "an integer", seed);
  checkSchedule(schedule);
  return {
    ...{ learningRate, schedule, momentum, nesterov, beta2, epsilon, weightDecay, clip },
    ...{ labelSmoothing, batchNormMomentum, seed },
  };
}

function expected(name: string, what: string, value: unknown): Error {
  const message = `${name}: expected ${what}, got ${typeof value === "number" ? value : kindOf(value)}`;
  return typeof value === "number" || typeof value === "string" ? new RangeError(message) : new TypeError(message);
}
