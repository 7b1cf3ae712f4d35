/**
 * Where every byte of a training step lies, and which kernel computes what: a pure function of the graph and the
 * options, so that it is known what training needs before it takes it.
 *
 *     [ static data | state, records, views | weights | gradients | optimizer | per channel | labels | activations | SLACK ]
 * @module
 */
import { memoryRequired } from "../engine/build.ts";
import { placeLifetimes } from "../engine/plan/arena.ts";
import { UnsupportedError } from "../errors.ts";
import { withBatch } from "../graph/batch.ts";
import { type GraphLike, graphGiven } from "../graph/given.ts";
import type { Graph } from "../graph/graph.ts";
import { dropIdentities, prune } from "../graph/passes/index.ts";
import { constantsOf, sizeOf } from "../graph/references.ts";
import { validate } from "../graph/validate.ts";
import { STATE_BYTES, STEP_BYTES, VIEW_BYTES } from "./abi.ts";
import { Addresses, BASE } from "./addresses.ts";
import { cutAt, WEIGHTS } from "./cut.ts";
import { Emitter, type Outline } from "./emit.ts";
import { type Network, networkOf } from "./network.ts";
import { type PlanSettings, planSettings, type TrainingPlanOptions } from "./options.ts";
import { type Parameters, parametersOf } from "./parameters.ts";
import type { StepRecord, ViewRecord } from "./records.ts";
import { settled } from "./settled.ts";
import { trainedOf } from "./trained.ts";

/** What training needs, in bytes; the parts sum to the total. */
export interface TrainingMemory {
  /** Records of the steps, and what else the kernels keep for themselves. */
  readonly steps: number;
  /** Weights, and the moving averages of batch norms. */
  readonly weights: number;
  /** Gradients of the weights that are trained. */
  readonly gradients: number;
  /** What the optimizer keeps of the steps before. */
  readonly optimizer: number;
  /** Input, results of layers and their gradients as far as they are alive at the same time, and scratch. */
  readonly activations: number;
  /** A session of its own for what is frozen at the beginning of the network; 0 where training begins at the input. */
  readonly frozen: number;
  /** All of it. A host gives it in pages of 65,536. */
  readonly total: number;
}

/** A plan with everything that a trainer needs. */
export interface TrainingPlan {
  readonly memory: TrainingMemory;
  /** Weights that are trained, without moving averages. */
  readonly trainedParameters: number;
  /** All weights, without moving averages. */
  readonly parameters: number;
  /** Layers that have weights which are trained, by the names of their nodes, in order. */
  readonly trainedLayers: readonly string[];
}

/** The same with addresses. */
export interface FullPlan extends TrainingPlan {
  /** What is frozen at the beginning, for one image. */
  readonly frozen: Graph | undefined;
  /** Bytes of the kernels' own memory. */
  readonly bytes: number;
  readonly network: Network;
  readonly settings: PlanSettings;
  readonly params: Parameters;
  readonly state: number;
  readonly table: number;
  readonly steps: readonly StepRecord[];
  /** What each of them is about. */
  readonly outlines: readonly Outline[];
  /** Steps [0, forward) end with the loss; [0, backward) with the length of the gradients. */
  readonly forward: number;
  readonly backward: number;
  /** Records of the evaluation, behind those of training. */
  readonly evaluation: readonly StepRecord[];
  readonly views: readonly ViewRecord[];
  readonly input: number;
  readonly labels: number;
  readonly probabilities: number;
}

/**
 * What training a graph needs, before anything is taken.
 * @throws UnsupportedError for a graph with a trained op that has no gradient here, or of 8 bits
 * @throws TypeError, RangeError for options that {@link TrainingPlanOptions} does not have
 * @example
 * ```js
 * import { mobilenetV1 } from "sepconv";
 * import { planTraining } from "sepconv/train";
 *
 * const { memory, trainedParameters } = planTraining(mobilenetV1({ alpha: 0.25, resolution: 96 }), { batch: 16 });
 * console.log(`${trainedParameters} weights, ${(memory.total / 1e6).toFixed(1)} MB`);
 * ```
 */
export function planTraining(graph: GraphLike, options: TrainingPlanOptions = {}): TrainingPlan {
  const { memory, trainedParameters, parameters, trainedLayers } = fullPlan(
    settled(graphGiven("planTraining", graph)),
    planSettings(options),
  );
  return { memory, trainedParameters, parameters, trainedLayers };
}

/** The same with addresses. */
export function fullPlan(given: Graph, settings: PlanSettings): FullPlan {
  validate(given);
  const bytes = [...given.inputs, ...given.constants.values()].find(({ dtype }) => dtype !== "float32");
  if (bytes !== undefined) {
    throw new UnsupportedError(
      `trainer: expected a float32 graph, got "${bytes.name}" of ${bytes.dtype}; train the float network, then quantize`,
    );
  }
  const { batch } = settings;
  const trained = trainedOf(given, settings.freeze);
  const whole = dropIdentities(prune(withBatch(given, batch), new Set()), new Set());
  const cut = cutAt(whole, trained);
  const graph = cut.rest;
  const frozen = cut.frozen && withBatch(cut.frozen, 1);
  const frozenBytes = frozen === undefined ? 0 : memoryRequired(frozen).total;
  const network = networkOf(graph, trained, settings.dropout);
  checkBatch(network, batch);
  const addresses = new Addresses(BASE);
  const emitter = new Emitter(network, trained, settings);
  const state = addresses.take(STATE_BYTES);
  const table = addresses.take(STEP_BYTES * emitter.records);
  emitter.placeViews((bytes) => addresses.take(bytes), VIEW_BYTES);
  const steps = addresses.at - BASE;
  const params = parametersOf(network, trained, settings, addresses);
  const channels = addresses.at;
  emitter.placeChannels((bytes) => addresses.take(bytes), params);
  const labels = addresses.take(4 * batch);
  const own = addresses.at - channels;
  const { lifetimes, place } = emitter.lifetimes(params, labels);
  const arena = placeLifetimes(lifetimes);
  const from = addresses.take(arena.bytes);
  const placed = place(arena.offsets.map((offset) => from + offset));
  const total = addresses.at;
  return {
    memory: {
      steps: BASE + steps + own,
      weights: params.weightBytes,
      gradients: params.gradientBytes,
      optimizer: params.optimizerBytes,
      activations: total - from,
      frozen: frozenBytes,
      total: total + frozenBytes,
    },
    ...{ frozen, bytes: total },
    trainedParameters: params.trained,
    parameters: params.all + frozenWeights(cut.frozen),
    trainedLayers: emitter.trainedLayers,
    ...{ network, settings, params, state, table, labels, ...placed },
  };
}

/** Weights of the frozen part, without moving averages. */
function frozenWeights(graph: Graph | undefined): number {
  const names = graph?.nodes.flatMap((node) => constantsOf(node).filter(({ role }) => WEIGHTS.has(role)));
  const own = new Set(names?.map(({ name }) => name));
  return [...own].reduce((sum, name) => sum + sizeOf(graph!.constants.get(name)!.shape), 0);
}

function checkBatch({ layers }: Network, batch: number): void {
  if (batch > 1) return;
  const norm = layers.map(({ output }) => output.view.norm).find((norm) => norm?.statistics === "batch");
  if (norm === undefined) return;
  throw new RangeError(
    `batch: expected 2 images or more, as batch norm "${norm.node.name}" is trained by their statistics, got ${batch}; ` +
      'freeze it (a function that answers true for the role "mean") to train image by image',
  );
}
