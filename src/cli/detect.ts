/**
 * `sepconv detect`: finds objects in pictures, and draws them.
 * @module
 */
import { basename, extname, join } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { UnsupportedError } from "../errors.ts";
import { type DecodedImage, type Detection, detect } from "../index.ts";
import { annotate } from "../vision/annotate.ts";
import { encodePng } from "../vision/picture/png-write.ts";
import { fileNames, makeFolder, writeBytes } from "./files.ts";
import { forEachImage, isFailed, type Outcome } from "./images.ts";
import { loadModel } from "./network.ts";
import {
  addCommon,
  addMemory,
  addVariant,
  between,
  type MemoryOptions,
  subcommand,
  type VariantOptions,
} from "./options.ts";
import { paint, print, printable } from "./output.ts";
import { milliseconds, table } from "./table.ts";

interface Options extends VariantOptions, MemoryOptions {
  readonly out?: string;
  readonly minScore: number;
}

interface Answer {
  readonly detections: readonly Detection[];
  /** The picture with the boxes drawn in, where one was asked for. */
  readonly file?: string;
}

const NOTES = `\
MODEL is a detector: face-api's ssd_mobilenetv1_model-weights_manifest.json, its shards beside it, finds faces; a TFLite \
file that ends in TFLite_Detection_PostProcess finds what it was trained for; MediaPipe's face detectors (TFLite or \
TF.js) find faces and six key points of each.
Boxes are in pixels of the picture, turned as its camera says. --out writes each picture with its boxes drawn in as \
NAME.png.
JSON: [{image, ms, detections: [{score, box: [x, y, width, height], label, keyPoints?: [{label, x, y}]}], file?: the one that --out wrote}]
An image that can't be used is {image, error} there, and the exit code is 1.`;

/** Adds the subcommand to `program`. */
export function detectCommand(program: Command): void {
  const examples = [
    "sepconv detect ssd_mobilenetv1_model-weights_manifest.json photo.jpg",
    "sepconv detect coco_ssd_mobilenet_v1_quant.tflite *.jpg --out annotated --min-score 0.3",
  ];
  const command = subcommand(program, "detect", "objects in pictures, with their boxes", examples, NOTES);
  command
    .argument("<MODEL>", "detector")
    .argument("<IMAGE...>", "pictures: JPEG, PNG, BMP, GIF")
    .option("--out <folder>", "where to write the pictures with the boxes drawn in")
    .option("--min-score <S>", "least score to show, from 0 to 1", between("--min-score", 0, 1), 0.5);
  addCommon(addMemory(addVariant(command))).action(run);
}

async function run(model: string, images: readonly string[], options: Options): Promise<void> {
  const { out, minScore, variant, maxMemory, memory, threads, json = false } = options;
  const net = await loadModel(model, { variant, maxMemory, memory, threads });
  if (!net.manifest.source.detector) {
    throw new UnsupportedError(`${model}: expected a detector, got a network whose outputs say nothing of boxes`);
  }
  const stems = images.map((path) => basename(path, extname(path)));
  const files = fileNames(stems, ".png");
  if (out !== undefined) await makeFolder(out);
  const outcomes = await forEachImage<Answer>(
    images,
    options,
    async (image) => ({ detections: await detect(net, image, { minScore }) }),
    async (answer, image, i) => {
      if (out === undefined) return answer;
      const file = join(out, files[i]!);
      await writeBytes(file, await png(image, answer.detections));
      return { ...answer, file };
    },
  );
  const text = () =>
    outcomes
      .filter((outcome) => !isFailed(outcome))
      .map(report)
      .join("\n\n");
  print({ json: outcomes, text }, json);
}

/** The picture with the detections drawn in, as a PNG file. */
function png(image: DecodedImage, detections: readonly Detection[]): Promise<Uint8Array> {
  return encodePng(annotate(image, detections));
}

function report(outcome: Outcome<Answer>): string {
  const { image, ms, detections, file } = outcome as Exclude<Outcome<Answer>, { error: string }>;
  const { bold, dim } = paint(process.stdout);
  const written = file === undefined ? "" : `  → ${printable(file)}`;
  const head = `${bold(printable(image))}  ${dim(milliseconds(ms))}${written}`;
  if (detections.length === 0) return `${head}\nnothing found`;
  const columns = ["score", "x", "y", "width", "height", ""].map((title) => ({ title, align: "right" as const }));
  const rows = detections.map(({ score, box, label = "" }) => [
    score.toFixed(3),
    ...box.map((value) => String(Math.round(value))),
    printable(label),
  ]);
  return `${head}\n${table(columns, rows)}`;
}
