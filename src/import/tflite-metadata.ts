/**
 * TFLite metadata: how the pixels are to be normalised, and the class names in the zip file that is appended to the model.
 * @module
 */

import { FormatError, UnsupportedError } from "../errors.ts";
import type { Normalisation, Source } from "../graph/graph.ts";
import { FlatFile, type Table } from "./tflite-flatbuffer.ts";
import type { ModelFile } from "./tflite-schema.ts";

/** Name of the entry, and identifier of the flatbuffer in it. */
const ENTRY = "TFLITE_METADATA";
const IDENTIFIER = "M001";

// Indices of fields in their tables, in the order of the schema.
const MODEL = { subgraphs: 3 } as const;
const SUBGRAPH = { inputs: 2, outputs: 3 } as const;
const TENSOR = { processUnits: 4, files: 6 } as const;
const UNIT = { type: 0, options: 1 } as const;
const NORMALISATION = { mean: 0, std: 1 } as const;
const ASSOCIATED_FILE = { name: 0, type: 2 } as const;

/** Type of options that are NormalizationOptions. */
const NORMALISATION_OPTIONS = 1;
/** Types of files that hold one label a line: of an axis (classification), of values (detection). */
const LABEL_FILES: readonly number[] = [2, 3];

/** @throws {FormatError} There is metadata, and it is damaged. */
export async function readMetadata(file: ModelFile, bytes: Uint8Array): Promise<Omit<Source, "format">> {
  const buffer = file.metadata(ENTRY);
  if (!buffer || buffer.length === 0) return {};
  const model = (await FlatFile.open(buffer, IDENTIFIER, "tflite metadata")).root("model metadata");
  const subgraph = model.tables(MODEL.subgraphs, "subgraph")[0];
  if (!subgraph) return {};
  const input = subgraph.tables(SUBGRAPH.inputs, "input")[0];
  const normalisation = input && normalisationOf(input);
  const labels = await labelsOf(subgraph.tables(SUBGRAPH.outputs, "output"), bytes);
  return { ...(normalisation && { normalisation }), ...(labels && { labels }) };
}

function normalisationOf(input: Table): Normalisation | undefined {
  const unit = input
    .tables(TENSOR.processUnits, "process unit")
    .find((u) => u.int8(UNIT.type) === NORMALISATION_OPTIONS);
  const options = unit?.table(UNIT.options, "normalization options");
  if (!options) return undefined;
  const mean = options.float32s(NORMALISATION.mean);
  const std = options.float32s(NORMALISATION.std);
  if (mean.length === 0 || std.length === 0) return undefined;
  if (![...mean, ...std].every(Number.isFinite) || std.includes(0)) {
    throw new FormatError(
      `tflite metadata: expected finite means and deviations ≠ 0, got ${mean.join()} and ${std.join()}`,
    );
  }
  return { mean: single(mean), std: single(std) };
}

/** One number where all are the same. */
function single(values: readonly number[]): number | readonly number[] {
  return values.every((value) => value === values[0]) ? values[0]! : values;
}

async function labelsOf(outputs: readonly Table[], bytes: Uint8Array): Promise<string[] | undefined> {
  const label = outputs
    .flatMap((output) => output.tables(TENSOR.files, "associated file"))
    .find((file) => LABEL_FILES.includes(file.int8(ASSOCIATED_FILE.type)));
  if (!label || !endsInZip(bytes)) return undefined;
  const name = label.string(ASSOCIATED_FILE.name);
  const text = await unzip(bytes, name);
  return text?.replace(/\r?\n$/, "").split(/\r?\n/);
}

/** The end record of a zip is 22 bytes plus a comment of up to 64 KiB. */
function endsInZip(bytes: Uint8Array): boolean {
  for (let i = bytes.length - 22; i >= 0 && i > bytes.length - 65_558; i--) {
    if (bytes[i] === 0x50 && bytes[i + 1] === 0x4b && bytes[i + 2] === 5 && bytes[i + 3] === 6) return true;
  }
  return false;
}

/** Labels beyond this are no labels. */
const MAX_LABEL_BYTES = 1 << 24;

async function unzip(bytes: Uint8Array, name: string): Promise<string | undefined> {
  let fflate: typeof import("fflate");
  try {
    fflate = await import("fflate");
  } catch (cause) {
    throw new UnsupportedError(
      "tflite metadata: expected the package 'fflate' to read labels with, got none; install it",
      {
        cause,
      },
    );
  }
  try {
    const filter = (file: { name: string; originalSize: number }) =>
      file.name === name && file.originalSize <= MAX_LABEL_BYTES;
    const file = fflate.unzipSync(bytes, { filter })[name];
    return file && new TextDecoder().decode(file);
  } catch (cause) {
    throw new FormatError(
      `tflite metadata: expected labels '${name}' in a whole zip file, got a damaged one (${(cause as Error).message})`,
      { cause },
    );
  }
}
