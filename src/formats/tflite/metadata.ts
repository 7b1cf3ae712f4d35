/**
 * TFLite metadata: how the pixels are to be normalized, and the class names in the zip file that is appended to the
 * model.
 * @module
 */

import { FormatError } from "../../errors.ts";
import type { Normalization, Source } from "../../graph/graph.ts";
import type { Budget } from "../../limits.ts";
import { endOfZip, readZip } from "../common/zip.ts";
import { FlatFile, type Table } from "./flatbuffer.ts";
import type { ModelFile } from "./schema.ts";

/** Name of the entry, and identifier of the flatbuffer in it. */
const ENTRY = "TFLITE_METADATA";
const IDENTIFIER = "M001";

// Indices of fields in their tables, in the order of the schema.
const MODEL = { subgraphs: 3 } as const;
const SUBGRAPH = { inputs: 2, outputs: 3 } as const;
const TENSOR = { processUnits: 4, files: 6 } as const;
const UNIT = { type: 0, options: 1 } as const;
const NORMALIZATION = { mean: 0, std: 1 } as const;
const ASSOCIATED_FILE = { name: 0, type: 2 } as const;

/** Type of options that are NormalizationOptions. */
const NORMALIZATION_OPTIONS = 1;
/** Types of files that hold one label a line: of an axis (classification), of values (detection). */
const LABEL_FILES: readonly number[] = [2, 3];

/**
 * What the metadata says of the first input and the first labels. Inputs of uint8 take pixels as they are, whatever the
 * metadata says of floats: the numbers there are those of the float network that the file was made of, or stand for
 * nothing at all.
 * @throws {FormatError} There is metadata, and it is damaged.
 */
export async function readMetadata(
  file: ModelFile,
  bytes: Uint8Array,
  budget: Budget,
): Promise<Omit<Source, "format">> {
  const buffer = file.metadata(ENTRY);
  if (!buffer || buffer.length === 0) return {};
  const model = (await FlatFile.open(buffer, IDENTIFIER, "tflite metadata")).root("model metadata");
  const subgraph = model.tables(MODEL.subgraphs, "subgraph")[0];
  if (!subgraph) return {};
  const first = file.tensors[file.inputs[0] ?? -1];
  const input = first?.type === "uint8" ? undefined : subgraph.tables(SUBGRAPH.inputs, "input")[0];
  const normalization = input && normalizationOf(input);
  const labels = await labelsOf(subgraph.tables(SUBGRAPH.outputs, "output"), bytes, budget);
  return { ...(normalization && { normalization }), ...(labels && { labels }) };
}

function normalizationOf(input: Table): Normalization | undefined {
  const unit = input
    .tables(TENSOR.processUnits, "process unit")
    .find((u) => u.int8(UNIT.type) === NORMALIZATION_OPTIONS);
  const options = unit?.table(UNIT.options, "normalization options");
  if (!options) return undefined;
  const mean = options.float32s(NORMALIZATION.mean);
  const std = options.float32s(NORMALIZATION.std);
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

/** More lines than any list of classes has. */
const MOST_LABELS = 1 << 20;

async function labelsOf(outputs: readonly Table[], bytes: Uint8Array, budget: Budget): Promise<string[] | undefined> {
  const label = outputs
    .flatMap((output) => output.tables(TENSOR.files, "associated file"))
    .find((file) => LABEL_FILES.includes(file.int8(ASSOCIATED_FILE.type)));
  const name = label?.string(ASSOCIATED_FILE.name);
  if (!name || endOfZip(bytes) < 0) return undefined;
  const content = (await readZip(bytes, [name], "tflite metadata", budget)).get(name);
  if (!content) return undefined;
  budget.unpack(content.length, `tflite metadata: labels in '${name}'`);
  const labels = new TextDecoder()
    .decode(content)
    .replace(/\r?\n$/, "")
    .split(/\r?\n/, MOST_LABELS + 1);
  if (labels.length <= MOST_LABELS) return labels;
  throw new FormatError(`tflite metadata: expected at most ${MOST_LABELS} labels in '${name}', got more`);
}
