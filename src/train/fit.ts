/**
 * Epoch after epoch.
 * @module
 */
import { checkOptions, kindOf } from "../arguments.ts";
import { turns } from "../turn.ts";
import type { Batch, Batches, FeatureBatches, Inputs } from "./batch.ts";
import type { Evaluation, StepResult } from "./results.ts";

/** What learns. */
interface Learner {
  readonly steps: number;
  readonly epochs: number;
  step(inputs: Inputs, labels: Batch["labels"]): StepResult;
  evaluate(inputs: Inputs, labels: Batch["labels"]): Evaluation;
  save(): Uint8Array<ArrayBuffer>;
}

/** Batches that can be gone through once an epoch, or a function of the epoch (from 0 on) that answers some. */
export type TrainingData = AnyBatches | ((epoch: number) => AnyBatches | Promise<AnyBatches>);

type AnyBatches = Batches | FeatureBatches;

/** What an epoch came to. */
export interface EpochResult {
  /** Which one, from 1 on. */
  readonly epoch: number;
  /** Steps of this epoch. */
  readonly steps: number;
  /** Pictures that were learned from. */
  readonly count: number;
  /** Mean loss of these at the time, in nats. */
  readonly loss: number;
  /** Part of them that was named rightly at the time, 0 … 1. */
  readonly accuracy: number;
  /** The same of the pictures that were held back, where there are any. */
  readonly validation?: { readonly loss: number; readonly accuracy: number; readonly count: number };
  /** Seconds that it took, validation included. */
  readonly seconds: number;
}

/** All epochs of a `fit`. */
export interface Training {
  readonly epochs: readonly EpochResult[];
}

/** What can be asked of `fit`. */
export interface FitOptions {
  /**
   * Epochs in all, those before a checkpoint was resumed too: training that has done so many does none. Default: one
   * more.
   */
  readonly epochs?: number | undefined;
  /** Batches that are not learned from, but tried after each epoch. */
  readonly validation?: TrainingData | undefined;
  /** Stops training between two steps; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each step, which is counted over all epochs from 1 on. */
  readonly onStep?: ((result: StepResult & { readonly step: number; readonly epoch: number }) => void) | undefined;
  /** Called after each epoch. */
  readonly onEpoch?: ((result: EpochResult) => void | Promise<void>) | undefined;
  /** Called after each epoch with what `save` answers. */
  readonly checkpoint?: ((bytes: Uint8Array<ArrayBuffer>, result: EpochResult) => void | Promise<void>) | undefined;
}

const OPTIONS = ["epochs", "validation", "signal", "onStep", "onEpoch", "checkpoint"] satisfies (keyof FitOptions)[];

export async function fit(
  trainer: Learner,
  data: TrainingData,
  options: FitOptions,
  done: () => void,
): Promise<Training> {
  checkOptions("fit", options, OPTIONS);
  const { epochs = trainer.epochs + 1, validation, signal, onStep, onEpoch, checkpoint } = options;
  if (!Number.isSafeInteger(epochs) || epochs < 0) {
    throw new RangeError(`fit: expected epochs to be a whole number from 0 on, got ${epochs}`);
  }
  const turn = turns(signal);
  const results: EpochResult[] = [];
  while (trainer.epochs < epochs) {
    const began = performance.now();
    const number = trainer.epochs;
    let [steps, count, loss, correct] = [0, 0, 0, 0];
    for await (const { inputs, labels } of await batchesOf("fit", data, number)) {
      await turn();
      const result = trainer.step(inputs, labels);
      steps++;
      count += result.count;
      correct += result.correct;
      loss += result.loss * result.count;
      onStep?.({ ...result, step: trainer.steps, epoch: number + 1 });
    }
    if (count === 0) throw new RangeError(`fit: expected data for epoch ${number + 1}, got none`);
    const held = validation === undefined ? undefined : await tried(trainer, validation, number, turn);
    done();
    const result: EpochResult = {
      ...{ epoch: number + 1, steps, count, loss: loss / count, accuracy: correct / count },
      ...(held !== undefined && {
        validation: { loss: held.loss, accuracy: held.correct / held.count, count: held.count },
      }),
      seconds: (performance.now() - began) / 1000,
    };
    results.push(result);
    await onEpoch?.(result);
    await checkpoint?.(trainer.save(), result);
  }
  return { epochs: results };
}

async function tried(
  trainer: Learner,
  data: TrainingData,
  epoch: number,
  turn: () => Promise<void>,
): Promise<Evaluation> {
  let [loss, correct, count] = [0, 0, 0];
  for await (const { inputs, labels } of await batchesOf("validation", data, epoch)) {
    await turn();
    const part = trainer.evaluate(inputs, labels);
    loss += part.loss * part.count;
    correct += part.correct;
    count += part.count;
  }
  if (count === 0) throw new RangeError("validation: expected some pictures, got none");
  return { loss: loss / count, correct, count };
}

async function batchesOf(where: string, data: TrainingData, epoch: number): Promise<AnyBatches> {
  const batches: unknown = typeof data === "function" ? await data(epoch) : data;
  if (typeof batches === "object" && batches !== null) {
    if (Symbol.iterator in batches || Symbol.asyncIterator in batches) return batches as Iterable<Batch>;
  }
  throw new TypeError(`${where}: expected batches to go through, or a function that answers some, got ${kindOf(data)}`);
}
