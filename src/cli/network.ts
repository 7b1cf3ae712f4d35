/**
 * The network that a subcommand is about: a model file, or MobileNet v1 itself by its multipliers.
 * @module
 */
import type { Command } from "commander";
import { importModel } from "../formats/recognize.ts";
import { type Graph, type LoadOptions, load, mobilenetV1, type Progress, type Session } from "../index.ts";
import { readBytes } from "./files.ts";
import { positive, whole } from "./options.ts";
import { presetFile, presetOf } from "./presets.ts";
import { underBar } from "./progress.ts";

/** Options that describe MobileNet v1 instead of a file. */
export interface ArchitectureOptions {
  readonly alpha?: number;
  readonly resolution?: number;
  readonly classes?: number;
  readonly reading?: "paper" | "article";
  readonly top?: "classifier" | "pool";
  readonly shallow?: boolean;
  readonly fullConvolution?: boolean;
}

const FLAGS: Readonly<Record<keyof ArchitectureOptions, string>> = {
  alpha: "--alpha",
  resolution: "--resolution",
  classes: "--classes",
  reading: "--reading",
  top: "--top",
  shallow: "--shallow",
  fullConvolution: "--full-convolution",
};

/** A model file, or an architecture as a graph. */
export type Network = { readonly model: string; readonly resolution?: number } | { readonly graph: Graph };

/** Adds the options of {@link ArchitectureOptions}. */
export function addArchitecture(command: Command): Command {
  const choice = (flags: string, description: string, values: string[]) =>
    command.createOption(flags, description).choices(values);
  return command
    .option("--alpha <A>", "width multiplier: 1, 0.75, 0.5, 0.25, …", positive("--alpha"))
    .option("--resolution <R>", "height and width of the input: 224, 192, 160, 128, …", whole("--resolution"))
    .addOption(choice("--reading <name>", "whose MobileNet v1 (default: paper)", ["paper", "article"]))
    .option("--classes <N>", "number of classes (default: 1001, class 0 is the background)", whole("--classes"))
    .addOption(choice("--top <name>", "what it ends in (default: as the reading says)", ["classifier", "pool"]))
    .option("--shallow", "leave out the five blocks of 14×14×512")
    .option("--full-convolution", "full convolutions in place of the separable ones");
}

/** Adds `--resolution` for subcommands that take only a MODEL. */
export function addResolution(command: Command): Command {
  const description = "height and width of the input, for files that hold weights only";
  return command.option("--resolution <R>", description, whole("--resolution"));
}

/**
 * The model's path, or MobileNet v1 as the options describe it: exactly one of the two must be given.
 * @throws RangeError when neither or both are, or a multiplier is missing or has a value that the reading forbids
 */
export function networkOf(model: string | undefined, options: ArchitectureOptions): Network {
  const given = (Object.keys(FLAGS) as (keyof ArchitectureOptions)[]).filter((key) => options[key] !== undefined);
  const { alpha, resolution, classes, reading, top, shallow, fullConvolution } = options;
  if (model !== undefined) {
    const other = given.find((key) => key !== "resolution");
    if (other) throw new RangeError(`expected a MODEL or ${FLAGS[other]}, got both`);
    return { model, ...(resolution && { resolution }) };
  }
  if (alpha === undefined || resolution === undefined) {
    const got = given.map((key) => FLAGS[key]).join(" ") || "neither";
    throw new RangeError(`expected a MODEL, or --alpha and --resolution, got ${got}`);
  }
  const graph = mobilenetV1({
    ...{ alpha, resolution },
    ...(classes !== undefined && { classes }),
    ...(reading && { reading }),
    ...(top && { top }),
    ...(shallow && { shallow }),
    ...(fullConvolution && { convolution: "full" }),
  });
  return { graph };
}

/** Does `work` under a progress bar that shows how far the reading and packing of a model has come. */
export async function withProgress<T>(work: (onProgress: (progress: Progress) => void) => Promise<T>): Promise<T> {
  return underBar((bar) =>
    work(({ phase, file, done, total }) => {
      const what = phase === "read" ? `reading ${file?.replace(/^.*[/\\]/, "") ?? ""}` : "packing weights";
      bar.update(done, total, what);
    }),
  );
}

/** Where a model is read from: a path or an address, stdin, or what a well-known name stands for. */
async function sourceOf(model: string): Promise<string | Uint8Array> {
  if (model === "-") return readBytes(model);
  const preset = presetOf(model);
  return preset ? presetFile(preset) : model;
}

/** The graph of a model, a file's or a well-known one by its name, read under a progress bar. */
export async function importGraph(model: string, resolution?: number): Promise<Graph> {
  const source = await sourceOf(model);
  return withProgress((onProgress) =>
    importModel(source, {
      ...(resolution && { resolution }),
      onProgress: ({ file, loaded, total = 0 }) => onProgress({ phase: "read", file, done: loaded, total }),
    }),
  );
}

/** Loads a model, a file's or a well-known one by its name, under a progress bar. */
export async function loadModel(model: string, options: LoadOptions): Promise<Session> {
  const source = await sourceOf(model);
  return withProgress((onProgress) => load(source, { ...options, onProgress }));
}
