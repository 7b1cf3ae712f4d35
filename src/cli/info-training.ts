/**
 * What training a network would take: `sepconv info --training`.
 * @module
 */
import type { Command } from "commander";
import type { Graph } from "../index.ts";
import { planTraining, type TrainingMemory, type TrainingPlan } from "../train/index.ts";
import { type Blocks, blocks, frozenBefore } from "./fine-tune.ts";
import { whole } from "./options.ts";
import { grouped, left, megabytes, right, table } from "./table.ts";

/** Options of `sepconv info` about training. */
export interface TrainingOptions {
  readonly training?: boolean;
  readonly batch?: number;
  readonly optimizer?: "sgd" | "adam" | "adamw";
  readonly blocks?: Blocks;
}

/** The keys of the JSON document, for the help. */
export const TRAINING_JSON =
  "training: {batch, optimizer, parameters, trainedParameters, trainedLayers, memory: {steps, weights, gradients, optimizer, activations, frozen, total}} with --training";

/** Adds `--training` and what belongs to it. */
export function addTraining(command: Command): Command {
  return command
    .option("--training", "say what memory training takes too")
    .option("--batch <N>", "pictures a step, with --training (default: 32)", whole("--batch"))
    .addOption(
      command.createOption("--optimizer <name>", "with --training (default: sgd)").choices(["sgd", "adam", "adamw"]),
    )
    .option("--blocks <K>", 'last blocks that learn, with --training: a number, "all" or "norms"', blocks);
}

/** What `--training` asks for, or undefined without it. */
export function trainingOf(graph: Graph, options: TrainingOptions) {
  const { training, batch = 32, optimizer = "sgd" } = options;
  if (!training) {
    const beside = (["batch", "optimizer", "blocks"] as const).find((name) => options[name] !== undefined);
    if (beside) throw new RangeError(`--${beside}: expected --training beside it`);
    return undefined;
  }
  const { memory, parameters, trainedParameters, trainedLayers }: TrainingPlan = planTraining(graph, {
    ...{ batch, optimizer, freeze: frozenBefore(graph, options.blocks ?? "all") },
  });
  return { batch, optimizer, parameters, trainedParameters, trainedLayers, memory };
}

const PARTS: readonly (readonly [keyof TrainingMemory, string])[] = [
  ["weights", "weights"],
  ["gradients", "gradients"],
  ["optimizer", "optimizer"],
  ["activations", "activations and their gradients"],
  ["steps", "steps"],
  ["frozen", "what is frozen before them"],
  ["total", "in all"],
];

/** The same for people. */
export function trainingText(told: NonNullable<ReturnType<typeof trainingOf>>): string {
  const { batch, optimizer, parameters, trainedParameters, trainedLayers, memory } = told;
  const learn =
    trainedParameters === parameters
      ? `all ${grouped(parameters)} weights learn`
      : `${grouped(trainedParameters)} of ${grouped(parameters)} weights learn, in ${trainedLayers.length} layers`;
  const rows = PARTS.map(([key, name]) => [name, megabytes(memory[key])]);
  return [
    `training, ${batch} pictures a step, ${optimizer}: ${learn}`,
    table([left(""), right("")], rows).trimStart(),
  ].join("\n");
}
