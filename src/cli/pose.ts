/**
 * `sepconv pose`: the people in pictures by their key points, and drawn.
 * @module
 */
import { basename, extname, join } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { UnsupportedError } from "../errors.ts";
import { type Pose, pose } from "../index.ts";
import { paintPoses } from "../vision/paint-poses.ts";
import { encodePng } from "../vision/picture/png-write.ts";
import { answersPoses } from "../vision/pose.ts";
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
  readonly minScore?: number;
}

interface Answer {
  readonly poses: readonly Pose[];
  /** The picture with the poses drawn in, where one was asked for. */
  readonly file?: string;
}

const NOTES = `\
MODEL is a PoseNet (TFLite, Coral's files with PosenetDecoderOp too, or TF.js), which finds any number of people, a \
MoveNet, which finds one, or BlazePose's landmark model, which finds one who fills the picture.
Points are in pixels of the picture; left and right are the person's own. --out writes each picture with the poses \
drawn in as NAME.png.
JSON: [{image, ms, poses: [{score, keyPoints: [{label, score, x, y}]}], file?: the one that --out wrote}]
An image that can't be used is {image, error} there, and the exit code is 1.`;

/** Adds the subcommand to `program`. */
export function poseCommand(program: Command): void {
  const examples = [
    "sepconv pose posenet_mobilenet_v1_075_353_481_quant_decoder.tflite photo.jpg",
    "sepconv pose movenet/model.json *.jpg --out posed",
  ];
  const command = subcommand(program, "pose", "people in pictures, by their key points", examples, NOTES);
  command
    .argument("<MODEL>", "network that finds poses")
    .argument("<IMAGE...>", "pictures: JPEG, PNG, BMP, GIF")
    .option("--out <folder>", "where to write the pictures with the poses drawn in")
    .option(
      "--min-score <S>",
      "least score of a pose to show, from 0 to 1; the model's own, else 0.25",
      between("--min-score", 0, 1),
    );
  addCommon(addMemory(addVariant(command))).action(run);
}

async function run(model: string, images: readonly string[], options: Options): Promise<void> {
  const { out, minScore, variant, maxMemory, memory, threads, json = false } = options;
  const net = await loadModel(model, { variant, maxMemory, memory, threads });
  if (!answersPoses(net)) {
    throw new UnsupportedError(`${model}: expected a network that finds poses, got one whose outputs are none`);
  }
  const stems = images.map((path) => basename(path, extname(path)));
  const files = fileNames(stems, ".png");
  if (out !== undefined) await makeFolder(out);
  const outcomes = await forEachImage<Answer>(
    images,
    options,
    async (image) => ({ poses: await pose(net, image, { minScore }) }),
    async (answer, image, i) => {
      if (out === undefined) return answer;
      const file = join(out, files[i]!);
      await writeBytes(file, await encodePng(paintPoses(image, answer.poses)));
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

function report(outcome: Outcome<Answer>): string {
  const { image, ms, poses, file } = outcome as Exclude<Outcome<Answer>, { error: string }>;
  const { bold, dim } = paint(process.stdout);
  const written = file === undefined ? "" : `  → ${printable(file)}`;
  const head = `${bold(printable(image))}  ${dim(milliseconds(ms))}${written}`;
  if (poses.length === 0) return `${head}\nnobody found`;
  const columns = ["score", "x", "y", ""].map((title) => ({ title, align: "right" as const }));
  const people = poses.map(({ score, keyPoints }, i) => {
    const rows = keyPoints.map((point) => [
      point.score.toFixed(3),
      ...[point.x, point.y].map((value) => String(Math.round(value))),
      printable(point.label),
    ]);
    return `person ${i + 1}, score ${score.toFixed(3)}\n${table(columns, rows)}`;
  });
  return `${head}\n${people.join("\n")}`;
}
