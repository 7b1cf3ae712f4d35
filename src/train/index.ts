/**
 * Training: `sepconv/train`. Its kernels are a module of their own, loaded when it is used.
 * @module
 */
export type { Batch, Batches } from "./batch.ts";
export type { EpochResult, FitOptions, Training, TrainingData } from "./fit.ts";
export type { Freeze, TrainerOptions, TrainingPlanOptions, Weight } from "./options.ts";
export { planTraining, type TrainingMemory, type TrainingPlan } from "./plan.ts";
export type { Evaluation, StepResult } from "./results.ts";
export type { Course, Schedule } from "./schedule.ts";
export { DivergedError, Trainer, trainer } from "./trainer.ts";
