/**
 * `sepconv segment`: the class of each pixel of pictures, painted over them.
 * @module
 */
import { basename, extname, join } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { type Segmentation, segment } from "../index.ts";
import { paintSegments } from "../vision/paint-segments.ts";
import { encodePng } from "../vision/picture/png-write.ts";
import { fileNames, makeFolder, writeBytes } from "./files.ts";
import { forEachImage, isFailed, type Outcome } from "./images.ts";
import { readLabels } from "./labels.ts";
import { loadModel } from "./network.ts";
import { addCommon, addMemory, addVariant, type MemoryOptions, subcommand, type VariantOptions } from "./options.ts";
import { paint, print, printable } from "./output.ts";
import { milliseconds, table } from "./table.ts";

interface Options extends VariantOptions, MemoryOptions {
  readonly labels?: string;
  readonly out?: string;
}

interface Answer extends Pick<Segmentation, "segments"> {
  /** The picture with its segments painted over, where one was asked for. */
  readonly file?: string;
}

const NOTES = `\
MODEL answers with a map: a class for each place ([1, height, width]), or a score for each class there. A network with \
one score tells what is there (1) from what is not (0).
--out writes each picture with its segments painted over, but for class 0, the background, as NAME.png.
JSON: [{image, ms, segments: [{index, label, share}], file?: the one that --out wrote}]
An image that can't be used is {image, error} there, and the exit code is 1.`;

/** Adds the subcommand to `program`. */
export function segmentCommand(program: Command): void {
  const examples = ["sepconv segment deeplabv3.tflite photo.jpg --labels voc.txt --out segmented"];
  const command = subcommand(program, "segment", "the class of each pixel of pictures", examples, NOTES);
  command
    .argument("<MODEL>", "network that segments")
    .argument("<IMAGE...>", "pictures: JPEG, PNG, BMP, GIF")
    .option("--labels <file>", "class names, instead of the model's own")
    .option("--out <folder>", "where to write the pictures with their segments painted over");
  addCommon(addMemory(addVariant(command))).action(run);
}

async function run(model: string, images: readonly string[], options: Options): Promise<void> {
  const { out, variant, maxMemory, memory, threads, json = false } = options;
  const asked = options.labels === undefined ? undefined : await readLabels(options.labels);
  const net = await loadModel(model, { variant, maxMemory, memory, threads });
  const stems = images.map((path) => basename(path, extname(path)));
  const files = fileNames(stems, ".png");
  if (out !== undefined) await makeFolder(out);
  const whole = new Map<object, Segmentation>();
  const outcomes = await forEachImage<Answer>(
    images,
    options,
    async (image) => {
      const result = await segment(net, image, { ...(asked && { labels: asked.list }) });
      const answer = { segments: result.segments };
      whole.set(answer, result);
      return answer;
    },
    async (answer, image, i) => {
      const result = whole.get(answer)!;
      whole.delete(answer);
      if (out === undefined) return answer;
      const file = join(out, files[i]!);
      await writeBytes(file, await encodePng(paintSegments(image, result)));
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
  const { image, ms, segments, file } = outcome as Exclude<Outcome<Answer>, { error: string }>;
  const { bold, dim } = paint(process.stdout);
  const written = file === undefined ? "" : `  → ${printable(file)}`;
  const columns = ["share", "class", ""].map((title) => ({ title, align: "right" as const }));
  const rows = segments.map(({ share, index, label }) => [
    `${(100 * share).toFixed(1)} %`,
    String(index),
    printable(label ?? ""),
  ]);
  return `${bold(printable(image))}  ${dim(milliseconds(ms))}${written}\n${table(columns, rows)}`;
}
