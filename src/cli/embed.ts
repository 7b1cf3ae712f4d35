/**
 * `sepconv embed`: the vectors by which a network describes pictures, and how alike they are.
 * @module
 */
import process from "node:process";
import type { Command } from "commander";
import { embed, similar } from "../index.ts";
import { writeBytes } from "./files.ts";
import { forEachImage, isFailed, type Outcome } from "./images.ts";
import { addResolution, loadModel } from "./network.ts";
import { formatNpy } from "./npy.ts";
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
} from "./options.ts";
import { paint, print, printable } from "./output.ts";
import { left, milliseconds, right, table } from "./table.ts";
import { columnsOf } from "./width.ts";

interface Options extends VariantOptions, MemoryOptions, PixelOptions {
  readonly endPoint?: string;
  readonly output?: string;
  readonly resolution?: number;
}

interface Answer {
  readonly vector: readonly number[];
}

const NOTES = `\
The vector is what the network's last pool over a whole map answers; where there is none, what its last layer with \
weights reads. --end-point names another value. Vectors of 8-bit networks are brought to real numbers.
Several pictures are compared with the first: 1 is the same direction, 0 nothing in common (the cosine).
Pixels are brought into the range that the model says, else [-1,1], with a word on stderr; --range, or --mean and \
--std (in 0 … 255), say otherwise.
--output writes the vectors as one .npy file [pictures, numbers], without those of pictures that can't be used.
JSON: [{image, ms, vector: [numbers], similarity: with the first picture}]
An image that can't be used is {image, error} there, and the exit code is 1.`;

/** Adds the subcommand to `program`. */
export function embedCommand(program: Command): void {
  const examples = [
    "sepconv embed model.tflite cat.jpg dog.jpg",
    "sepconv embed model.tflite pictures/*.jpg --output vectors.npy",
    "sepconv embed model.tflite cat.jpg --end-point block11 --json",
  ];
  const command = subcommand(program, "embed", "the vectors by which a network describes pictures", examples, NOTES);
  command
    .argument("<MODEL>", "model file")
    .argument("<IMAGE...>", "pictures: JPEG, PNG, BMP, GIF")
    .option("--end-point <name>", "the value that is the vector, instead of the network's features")
    .option("-o, --output <file>", "write the vectors as .npy");
  addCommon(addMemory(addVariant(addResolution(addPixels(command))))).action(run);
}

async function run(model: string, images: readonly string[], options: Options): Promise<void> {
  const { fit, endPoint, output, variant, resolution, maxMemory, memory, threads, json = false } = options;
  const normalization = normalizationOf(options);
  const net = await loadModel(model, { variant, maxMemory, memory, threads, ...(resolution && { resolution }) });
  let first: Float32Array | undefined;
  const outcomes = await forEachImage(images, options, async (image) => {
    const vector = await embed(net, image, { fit, endPoint, ...(normalization && { normalization }) });
    first ??= vector;
    return { vector: Array.from(vector), similarity: similar(first, vector) };
  });
  const made = outcomes.filter((outcome) => !isFailed(outcome)) as (Answer & { image: string })[];
  if (output !== undefined && made.length > 0) {
    const size = made[0]!.vector.length;
    const numbers = Float32Array.from(made.flatMap(({ vector }) => vector));
    await writeBytes(output, formatNpy(numbers, [made.length, size]));
  }
  print({ json: outcomes, text: () => report(outcomes) }, json);
}

function report(outcomes: readonly Outcome<Answer & { readonly similarity: number }>[]): string {
  const rows = outcomes.flatMap((outcome) => {
    if (isFailed(outcome)) return [];
    const { image, ms, vector, similarity } = outcome;
    const length = Math.hypot(...vector).toPrecision(4);
    return [[printable(image), String(vector.length), length, similarity.toFixed(4), milliseconds(ms)]];
  });
  if (rows.length === 0) return "";
  const columns = [
    left("picture", { elastic: true }),
    right("numbers"),
    right("length", { spare: 2 }),
    right("like the first"),
    right("time", { spare: 1 }),
  ];
  return table(columns, rows, paint(process.stdout).bold, columnsOf(process.stdout));
}
