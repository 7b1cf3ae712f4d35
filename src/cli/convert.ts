/**
 * `sepconv convert`: a model of any format that is read, as a TFLite file.
 * @module
 */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { toTflite } from "../index.ts";
import { writeBytes } from "./files.ts";
import { addResolution, importGraph } from "./network.ts";
import { addCommon, type CommonOptions, subcommand } from "./options.ts";
import { print, printable } from "./output.ts";
import { megabytes } from "./table.ts";

interface Options extends CommonOptions {
  readonly resolution?: number;
  readonly force?: boolean;
}

const NOTES = `\
Batch norms are folded and activations fused. Pixel range and class names are written as TFLite metadata, end points \
are not. A file that is there already is only replaced with --force.
JSON: {output, bytes, nodes}`;

/** Adds the subcommand to `program`. */
export function convertCommand(program: Command): void {
  const examples = [
    "sepconv convert model.h5 model.tflite",
    "sepconv convert model.json model.tflite --force",
    "sepconv convert weights.h5 model.tflite --resolution 128",
  ];
  const command = subcommand(program, "convert", "a model of any format as a TFLite file", examples, NOTES);
  command
    .argument("<MODEL>", "model file")
    .argument("<OUT.tflite>", "file to write")
    .option("--force", "replace OUT.tflite if it is there");
  addCommon(addResolution(command)).action(convert);
}

async function convert(model: string, output: string, { resolution, force, json = false }: Options): Promise<void> {
  refuseExisting(output, force);
  const graph = await importGraph(model, resolution);
  const bytes = await toTflite(graph);
  await writeBytes(output, bytes);
  const answer = { output, bytes: bytes.length, nodes: graph.nodes.length };
  print({ json: answer, text: () => `${printable(output)}  ${megabytes(bytes.length)}` }, json);
}

/** @throws RangeError for a name that is no .tflite, or a file that is there and may not be replaced */
export function refuseExisting(output: string, force: boolean | undefined): void {
  if (!/\.tflite$/i.test(output))
    throw new RangeError(`output: expected a file name ending in .tflite, got "${output}"`);
  if (!force && existsSync(output)) {
    throw new RangeError(`${output}: expected a file that is not there yet (or --force), got one that is`);
  }
}
