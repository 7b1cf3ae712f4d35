/**
 * `sepconv quantize`: a float model in 8 bits, as a TFLite file, with a report of what that costs.
 * @module
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { ShapeError } from "../errors.ts";
import type { Graph, Normalisation } from "../graph/graph.ts";
import { importModel } from "../import/sniff.ts";
import {
  decodeImage,
  type QuantizationReport,
  type QuantizeOptions,
  quantizationReport,
  quantize,
  type Sample,
  toInput,
  toTflite,
} from "../index.ts";
import { assumption, pixelRange } from "../vision/image.ts";
import { range } from "./classify.ts";
import { refuseExisting } from "./convert.ts";
import { readBytes, writeBytes } from "./files.ts";
import { addResolution, withProgress } from "./network.ts";
import { parseNpy } from "./npy.ts";
import { addCommon, between, type CommonOptions, subcommand } from "./options.ts";
import { print, printable } from "./output.ts";
import { megabytes, table } from "./table.ts";

interface Options extends CommonOptions {
  readonly samples: string;
  readonly output: string;
  readonly range?: Normalisation;
  readonly calibration?: QuantizeOptions["calibration"];
  readonly percentile?: number;
  readonly io?: QuantizeOptions["io"];
  readonly resolution?: number;
  readonly force?: boolean;
}

const NOTES = `Samples: a folder of pictures, stretched to the input and brought into the model's range (or --range), or a .npy [N, …] of inputs.
The report runs the samples through both networks: signal to noise (dB) of every layer, the noisiest first to be looked at, and how often both name the same class.
JSON: {output, bytes, sqnr, agreement, samples, weights: {float, quantized}, layers: [{name, op, sqnr}]}`;

/** Adds the subcommand to `program`. */
export function quantizeCommand(program: Command): void {
  const examples = [
    "sepconv quantize model.h5 --samples pictures --output model-int8.tflite --range '[0,1]'",
    "sepconv quantize model.tflite --samples inputs.npy --output model-int8.tflite --calibration percentile",
  ];
  const command = subcommand(program, "quantize", "a float model in 8 bits, and what that costs", examples, NOTES);
  command
    .argument("<MODEL>", "float model file")
    .requiredOption("--samples <path>", "folder of pictures, or .npy of inputs")
    .requiredOption("-o, --output <file>", "TFLite file to write")
    .option("--range <[lo,hi]>", "what pixels 0 … 255 become: [-1,1], [0,1], [0,255], …", range)
    .addOption(
      command
        .createOption("--calibration <name>", "how ranges are found")
        .choices(["minmax", "percentile"])
        .default("minmax"),
    )
    .option(
      "--percentile <P>",
      "what percentile keeps of the numbers (default: 99.99)",
      between("--percentile", 51, 100),
    )
    .addOption(
      command
        .createOption("--io <type>", "inputs and outputs of the file")
        .choices(["float32", "int8"])
        .default("float32"),
    )
    .option("--force", "replace the output if it is there");
  addCommon(addResolution(command)).action(run);
}

async function run(model: string, options: Options): Promise<void> {
  const { output, resolution, calibration, percentile, io } = options;
  refuseExisting(output, options.force);
  const graph = await withProgress((onProgress) =>
    importModel(model, {
      ...(resolution && { resolution }),
      onProgress: ({ file, loaded, total = 0 }) => onProgress({ phase: "read", file, done: loaded, total }),
    }),
  );
  const samples = await readSamples(graph, options);
  const settings = { calibration, ...(percentile !== undefined && { percentile }) };
  const inner = await quantize(graph, samples, settings);
  const report = await quantizationReport(graph, inner, samples);
  const bytes = await toTflite(io === "int8" ? await quantize(graph, samples, { ...settings, io }) : inner);
  await writeBytes(output, bytes);
  const json = { output, bytes: bytes.length, ...report };
  print({ json, text: () => text(output, bytes.length, report) }, options.json ?? false);
}

/** The model's inputs from a folder of pictures or a .npy file. */
async function readSamples(graph: Graph, { samples, range: asked }: Options): Promise<Sample[]> {
  const { name, shape, dtype } = graph.inputs[0]!;
  const size = shape.reduce((a, b) => a * b, 1);
  const found = await stat(samples).catch(() => undefined);
  if (!found) throw new RangeError(`--samples: expected a folder or a .npy file, got nothing at ${samples}`);
  if (!found.isDirectory()) {
    const { data, shape: got } = parseNpy(await readBytes(samples), samples);
    if (!(data instanceof Float32Array) || data.length === 0 || data.length % size !== 0) {
      throw new ShapeError(
        `${samples}: expected float32 [N,${shape.join(",")}] for input "${name}", got [${got.join(",")}]`,
      );
    }
    return Array.from({ length: data.length / size }, (_, i) => data.slice(i * size, (i + 1) * size));
  }
  const files = (await readdir(samples)).filter((file) => /\.(jpe?g|png|bmp|gif)$/i.test(file)).sort();
  if (files.length === 0) throw new RangeError(`--samples: expected pictures in ${samples}, got none`);
  const [, height = 0, width = 0, channels] = shape;
  if (shape.length !== 4 || (channels !== 1 && channels !== 3)) {
    throw new ShapeError(`input ${name}: expected an image to make of pictures, got [${shape.join(",")}]; give a .npy`);
  }
  const normalisation = pixelRange(graph.source, { dtype }, asked);
  if (normalisation.from === "assumed") process.stderr.write(`${assumption(graph.name)}\n`);
  const inputs: Sample[] = [];
  for (const file of files) {
    const picture = await decodeImage(await readBytes(join(samples, file)), { name: file });
    inputs.push(await toInput(picture, { width, height, channels, normalisation }));
  }
  return inputs;
}

function text(output: string, bytes: number, report: QuantizationReport): string {
  const columns = ["layer", "op", "SQNR dB"].map((title, i) => ({
    title,
    align: i < 2 ? ("left" as const) : ("right" as const),
  }));
  const worst = Math.min(...report.layers.map(({ sqnr }) => sqnr));
  const rows = report.layers.map(({ name, op, sqnr }) => [
    printable(name.length > 48 ? `…${name.slice(-47)}` : name),
    op,
    `${sqnr.toFixed(1)}${sqnr === worst ? " ← the noisiest" : ""}`,
  ]);
  const { float, quantized } = report.weights;
  return [
    table(columns, rows),
    "",
    `output      ${report.sqnr.toFixed(1)} dB, same class for ${(100 * report.agreement).toFixed(1)} % of ${report.samples} samples`,
    `weights     ${megabytes(float)} → ${megabytes(quantized)} in memory`,
    `${printable(output)}  ${megabytes(bytes)}`,
  ].join("\n");
}
