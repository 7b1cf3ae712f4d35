/**
 * `sepconv quantize`: a float model in 8 bits, as a TFLite file, with a report of what that costs.
 * @module
 */
import process from "node:process";
import type { Command } from "commander";
import type { Graph, Normalization } from "../graph/graph.ts";
import {
  type PixelRange,
  type QuantizationReport,
  type QuantizeOptions,
  quantizationReport,
  quantize,
  toTflite,
} from "../index.ts";
import { refuseExisting } from "./convert.ts";
import { writeBytes } from "./files.ts";
import { shortened } from "./layers.ts";
import { addResolution, importGraph } from "./network.ts";
import { addCommon, between, type CommonOptions, range, subcommand } from "./options.ts";
import { paint, print, printable } from "./output.ts";
import { underBar } from "./progress.ts";
import { readSamples } from "./samples.ts";
import { left, megabytes, right, table } from "./table.ts";
import { columnsOf } from "./width.ts";

interface Options extends CommonOptions {
  readonly samples: string;
  readonly output: string;
  readonly range?: Normalization;
  readonly calibration?: QuantizeOptions["calibration"];
  readonly percentile?: number;
  readonly io?: QuantizeOptions["io"];
  readonly resolution?: number;
  readonly force?: boolean;
}

const NOTES = `\
Samples are a folder of pictures, stretched to the input and brought into the range that the model says, else [-1,1], \
with a word on stderr (--range says otherwise), or a .npy [N, …] of inputs, taken as they are.
The report runs the samples through both networks: signal to noise (dB) of every layer, and how often both name the \
same class.
JSON: {output, bytes, range: {mean, std, from: "option" | "model" | "assumed"} (null for a .npy), sqnr, agreement, \
samples, weights: {float, quantized}, layers: [{name, op, sqnr}]}`;

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
        .choices(["minmax", "percentile", "entropy"])
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
  const graph = await importGraph(model, resolution);
  const settings = { calibration, ...(percentile !== undefined && { percentile }) };
  const { range, report, bytes } = await underBar(async (bar) => {
    const telling = (what: string) => ({
      onProgress: (done: number, total: number) => bar.update(done, total, what),
    });
    const { samples, range } = await readSamples(graph, options.samples, options.range, bar);
    const inner = await quantize(graph, samples, { ...settings, ...telling("calibrating") });
    const report = await quantizationReport(graph, inner, samples, telling("comparing both networks"));
    // The report needs floats to compare: the network with 8-bit inputs is a second one.
    const outer =
      io === "int8" ? await quantize(graph, samples, { ...settings, io, ...telling("calibrating") }) : inner;
    return { range, report, bytes: await toTflite(withRange(outer, range)) };
  });
  await writeBytes(output, bytes);
  const json = { output, bytes: bytes.length, range, ...report };
  print({ json, text: () => text(output, bytes.length, report) }, options.json ?? false);
}

/** The file says which range its pixels have, where the command line said so: whoever runs it then need not know. */
function withRange(graph: Graph, range: PixelRange | null): Graph {
  if (range?.from !== "option") return graph;
  const { mean, std } = range;
  return { ...graph, source: { ...graph.source, normalization: { mean, std } } };
}

function text(output: string, bytes: number, report: QuantizationReport): string {
  const { dim } = paint(process.stdout);
  const columns = [left("layer", { elastic: true }), left("op", { spare: 1 }), right("SQNR dB"), left("")];
  const worst = report.layers.reduce((least, { sqnr }) => Math.min(least, sqnr), Number.POSITIVE_INFINITY);
  const { scope, names } = shortened(report.layers.map(({ name }) => name));
  const rows = report.layers.map(({ op, sqnr }, i) => [
    ...[printable(names[i]!), op, sqnr.toFixed(1)],
    sqnr === worst && worst < Number.POSITIVE_INFINITY ? "← the noisiest" : "",
  ]);
  const { float, quantized } = report.weights;
  const percent = (100 * report.agreement).toFixed(1);
  return [
    ...(scope ? [`scope       ${printable(scope)} (left out below)`, ""] : []),
    table(columns, rows, dim, columnsOf(process.stdout)),
    "",
    `output      ${report.sqnr.toFixed(1)} dB, same class for ${percent} % of ${report.samples} samples`,
    `weights     ${megabytes(float)} → ${megabytes(quantized)} in memory`,
    `${printable(output)}  ${megabytes(bytes)}`,
  ].join("\n");
}
