/**
 * Training: `sepconv/train`. Its kernels are a module of their own, loaded when it is used.
 * @module
 */
export { type Batch, type Batches, type FeatureBatch, type FeatureBatches, Features, type Inputs } from "./batch.ts";
export { beforeLast } from "./blocks.ts";
export type { Augmentation } from "./data/augment.ts";
export { type BatchOptions, batches, type DatasetBatches } from "./data/batches.ts";
export { type Dataset, type DatasetParts, dataset, split } from "./data/dataset.ts";
export { type Idx, idxDataset, readIdx } from "./data/idx.ts";
export { type LabeledPicture, type PictureDatasetOptions, pictureDataset, type Skipped } from "./data/pictures.ts";
export type { EpochResult, FitOptions, Training, TrainingData } from "./fit.ts";
export type { Freeze, TrainerOptions, TrainingPlanOptions, Weight } from "./options.ts";
export { planTraining, type TrainingMemory, type TrainingPlan } from "./plan.ts";
export { confusion, confusionChart } from "./report/confusion.ts";
export { learningCurve } from "./report/learning-curve.ts";
export type { Evaluation, ProfileRow, StepResult } from "./results.ts";
export type { Course, Schedule } from "./schedule.ts";
export { DivergedError, Trainer, trainer } from "./trainer.ts";
