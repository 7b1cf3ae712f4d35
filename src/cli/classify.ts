/**
 * `sepconv classify`: the most likely classes of pictures.
 * @module
 */
import process from "node:process";
import type { Command } from "commander";
import { UnsupportedError } from "../errors.ts";
import { type Class, type ClassifyOptions, classify, type PixelRange, type Session } from "../index.ts";
import { assumption, pixelRange } from "../vision/session-input.ts";
import { classify as classifyThere } from "../worker/client.ts";
import { csv } from "./csv.ts";
import { forEachImage, isFailed, type Outcome } from "./images.ts";
import { labelsFor, readLabels } from "./labels.ts";
import { addResolution, loadModel } from "./network.ts";
import {
  addCommon,
  addMemory,
  addPixels,
  addVariant,
  type MemoryOptions,
  normalizationOf,
  type PixelOptions,
  subcommand,
  type VariantOptions,
  whole,
} from "./options.ts";
import { paint, print, printable } from "./output.ts";
import { picturesOf } from "./pictures.ts";
import { inPool, workersFor } from "./pool.ts";
import { presetLabels, presetOf } from "./presets.ts";
import { left, milliseconds, right, table } from "./table.ts";
import { columnsOf } from "./width.ts";

interface Options extends VariantOptions, MemoryOptions, PixelOptions {
  readonly labels?: string;
  readonly top: number;
  readonly jobs?: number;
  readonly csv?: boolean;
  readonly resolution?: number;
}

interface Answer {
  readonly classes: readonly Class[];
  readonly range: PixelRange;
}

const NOTES = `\
A labels file has one class a line, with or without indices ("0 tench"), or is JSON: an array, {"0": "tench", …}, \
Keras's imagenet_class_index.json, or Teachable Machine's metadata.json, which is used unasked where it lies beside a \
model.json. 1000 labels go with 1001 classes and the other way round: class 0 is background.
Pixels are brought into the range that the model says, else [-1,1], with a word on stderr; --range, or --mean and \
--std (in 0 … 255), say otherwise.
JSON: [{image, ms, classes: [{index, label, score}], range: {mean, std, from: "option" | "model" | "assumed"}}]
An image that can't be used is {image, error} there, named and counted on stderr, and the exit code is 1.
A folder stands for all pictures in it and below. Eight pictures or more are shared by workers, one a core or as many as \
--jobs says; ms are then with reading and decoding.
--csv prints image,rank,index,label,score,error: a line for each class, and for each image that can't be used.`;

/** Adds the subcommand to `program`. */
export function classifyCommand(program: Command): void {
  const examples = [
    "sepconv classify model.tflite cat.jpg --labels labels.txt",
    "sepconv classify mobilenet_v1_0.25_128_quant cat.jpg",
    "sepconv classify vww_96.h5 *.jpg --range '[0,1]' --top 2 --json",
    "sepconv classify model.tflite pictures --csv > classes.csv",
    "sepconv classify timm.safetensors cat.png --mean 123.7,116.3,103.5 --std 58.4,57.1,57.4 --fit cover",
  ];
  const command = subcommand(program, "classify", "the most likely classes of pictures", examples, NOTES);
  command
    .argument("<MODEL>", "model file, or the name of a well-known one")
    .argument("<IMAGE...>", "pictures (JPEG, PNG, BMP, GIF), or folders of them")
    .option("--labels <file>", "class names, instead of the model's own")
    .option("--top <N>", "how many classes to show", whole("--top"), 5)
    .option("--jobs <N>", "workers that share the pictures (default: one a core, for 8 or more)", whole("--jobs"))
    .option("--csv", "print lines for a spreadsheet");
  addCommon(addMemory(addVariant(addResolution(addPixels(command))))).action(run);
}

async function run(model: string, paths: readonly string[], options: Options): Promise<void> {
  const { top, fit, variant, resolution, maxMemory, memory, threads, json = false } = options;
  if (json && options.csv) throw new RangeError("--json and --csv: expected one of them, got both");
  const preset = presetOf(model);
  const normalization = normalizationOf(options) ?? preset?.normalization;
  const labelsFile = options.labels ?? (preset && (await presetLabels()));
  const asked = labelsFile === undefined ? undefined : await readLabels(labelsFile);
  const images = await picturesOf(paths);
  const loading = { variant, maxMemory, memory, threads, ...(resolution && { resolution }) };
  const net = await loadModel(model, loading);
  if (net.manifest.source.detector) {
    throw new UnsupportedError(`${model}: expected a classifier, got a detector; use sepconv detect`);
  }
  const labels = (await labelsFor(net, model, asked))?.list;
  const workers = images.includes("-") ? 1 : workersFor(images.length, options.jobs);
  const asking = { top, fit, labels, ...(normalization && { normalization }) };
  const outcomes =
    workers > 1
      ? await onAllCores(net, images, workers, options, asking)
      : await forEachImage<Answer>(images, options, (image) => classify(net, image, asking));
  const failed = outcomes.filter(isFailed).length;
  if (failed > 0 && images.length > 1) {
    process.stderr.write(`${failed} of ${images.length} pictures could not be used\n`);
  }
  if (options.csv) process.stdout.write(csv(csvRows(outcomes)));
  else
    print(
      {
        json: outcomes,
        text: () =>
          outcomes
            .filter((o) => !isFailed(o))
            .map(report)
            .join("\n\n"),
      },
      json,
    );
}

/** The session that was loaded, again in each worker: saved, so that none of them reads a format. */
function onAllCores(
  net: Session,
  images: readonly string[],
  workers: number,
  options: Options,
  asking: ClassifyOptions,
): Promise<Outcome<Answer>[]> {
  // An assumed range is told of once, here.
  const range = pixelRange(net.manifest.source, net.inputs[0]!, asking.normalization);
  if (range.from === "assumed") console.warn(assumption(net.manifest.name));
  const { mean, std } = range;
  const file = net.save();
  return inPool<Answer>(
    images,
    workers,
    options,
    (worker) => worker.open(file, { variant: net.variant }),
    async (session, image) => {
      const answer = await classifyThere(session, image, { ...asking, normalization: { mean, std } });
      return { ...answer, range };
    },
  );
}

function csvRows(outcomes: readonly Outcome<Answer>[]): (string | number)[][] {
  const rows = outcomes.flatMap((outcome): (string | number)[][] => {
    if (isFailed(outcome)) return [[outcome.image, "", "", "", "", outcome.error]];
    return outcome.classes.map(({ index, label, score }, i) => [outcome.image, i + 1, index, label ?? "", score, ""]);
  });
  return [["image", "rank", "index", "label", "score", "error"], ...rows];
}

const BAR = 24;

function report(outcome: Outcome<Answer>): string {
  const { image, ms, classes } = outcome as Exclude<Outcome<Answer>, { error: string }>;
  const { bold, dim } = paint(process.stdout);
  const rows = classes.map(({ index, label, score }) => [
    `${(100 * score).toFixed(1)} %`,
    "█".repeat(Math.round(BAR * score)).padEnd(BAR, "░"),
    String(index),
    printable(label ?? ""),
  ]);
  const columns = [right(""), left("", { spare: 1 }), right(""), left("", { elastic: true })];
  const lines = table(columns, rows, undefined, columnsOf(process.stdout)).split("\n").slice(1);
  return [`${bold(printable(image))}  ${dim(milliseconds(ms))}`, ...lines].join("\n");
}
