/**
 * TFLite metadata: the pixel range and the class names of a graph, as TFLite's own tools read them.
 * @module
 */
import type { Builder } from "flatbuffers";
import type { Graph, Normalization } from "../../graph/graph.ts";
import { table, vector } from "./write-flatbuffer.ts";

/** Name of the model's metadata entry, and identifier of the flatbuffer in it. */
export const METADATA = "TFLITE_METADATA";
const IDENTIFIER = "M001";
const LABELS = "labels.txt";

// Fields and enumerators of the metadata schema.
const NORMALIZATION_OPTIONS = 1;
const TENSOR_AXIS_LABELS = 2;
const IMAGE_PROPERTIES = 2;
const COLOR = { 3: 1, 1: 2 } as const;

/**
 * What the file can say beside its arithmetic, as a metadata flatbuffer; undefined where there is nothing to say.
 * Unsigned inputs have no range: they take pixels as they are.
 */
export function metadataOf(builder: Builder, graph: Graph): Uint8Array | undefined {
  const { labels } = graph.source;
  const [input] = graph.inputs;
  const normalization = input && input.dtype !== "uint8" ? graph.source.normalization : undefined;
  if (!normalization && !labels) return undefined;
  const inputs = graph.inputs.map((one) =>
    table(builder, one === input && normalization ? pixels(builder, one.shape.at(-1)!, normalization) : []),
  );
  const outputs = graph.outputs.map((_, i) => {
    const files = i === 0 && labels ? vector(builder, "Offset", [labelsFile(builder)]) : 0;
    return table(builder, [[6, "Offset", files]]);
  });
  const subgraph = table(builder, [
    [2, "Offset", vector(builder, "Offset", inputs)],
    [3, "Offset", vector(builder, "Offset", outputs)],
  ]);
  const subgraphs = vector(builder, "Offset", [subgraph]);
  const name = builder.createString(graph.name);
  const version = builder.createString("1.3.0");
  const root = table(builder, [
    [0, "Offset", name],
    [3, "Offset", subgraphs],
    [7, "Offset", version],
  ]);
  builder.finish(root, IDENTIFIER);
  return builder.asUint8Array().slice();
}

function pixels(builder: Builder, channels: number, { mean, std }: Normalization) {
  const means = vector(builder, "Float32", [mean].flat());
  const stds = vector(builder, "Float32", [std].flat());
  const options = table(builder, [
    [0, "Offset", means],
    [1, "Offset", stds],
  ]);
  const unit = table(builder, [
    [0, "Int8", NORMALIZATION_OPTIONS],
    [1, "Offset", options],
  ]);
  const units = vector(builder, "Offset", [unit]);
  const space = table(builder, [[0, "Int8", COLOR[channels as 1 | 3] ?? 0]]);
  const content = table(builder, [
    [0, "Int8", IMAGE_PROPERTIES],
    [1, "Offset", space],
  ]);
  return [
    [3, "Offset", content],
    [4, "Offset", units],
  ] as const;
}

function labelsFile(builder: Builder): number {
  const name = builder.createString(LABELS);
  return table(builder, [
    [0, "Offset", name],
    [2, "Int8", TENSOR_AXIS_LABELS],
  ]);
}

/** The model with its class names in a zip archive behind it, where TFLite looks for associated files. */
export async function withLabels(model: Uint8Array, labels: readonly string[] | undefined): Promise<Uint8Array> {
  if (!labels) return model;
  const { zipSync } = await import("fflate");
  const text = new TextEncoder().encode(labels.map((label) => `${label.replace(/[\r\n]+/g, " ")}\n`).join(""));
  // Stored, with a fixed date: the same labels, the same bytes.
  const zip = zipSync({ [LABELS]: text }, { level: 0, mtime: "1980-01-01T12:00:00" });
  const bytes = new Uint8Array(model.length + zip.length);
  bytes.set(model);
  bytes.set(zip, model.length);
  // The archive is one file: its places count from the file's beginning, not from its own.
  const view = new DataView(bytes.buffer);
  const end = bytes.length - 22;
  const directory = view.getUint32(end + 16, true) + model.length;
  view.setUint32(end + 16, directory, true);
  view.setUint32(directory + 42, view.getUint32(directory + 42, true) + model.length, true);
  return bytes;
}
