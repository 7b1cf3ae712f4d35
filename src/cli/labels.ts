/**
 * Class names from a file: one a line, or JSON in the forms that tools write.
 *
 * * lines: "tench"; with an index in front of every one, "0 tench", "0: tench", "0<tab>tench", it is left out
 * * ["tench", …]
 * * {"0": "tench", …}, and Keras's imagenet_class_index.json: {"0": ["n01440764", "tench"], …}
 * * Teachable Machine's metadata.json: {"labels": ["tench", …], …}
 * @module
 */
import { dirname, join } from "node:path";
import type { Session } from "../engine/host/session.ts";
import { FormatError, LoadError, ShapeError } from "../errors.ts";
import { parseJson, shown } from "../formats/common/json.ts";
import { namer } from "../vision/classify.ts";
import { readBytes } from "./files.ts";

/** Class names, and the file that they are from. */
export interface Labels {
  readonly file: string;
  readonly list: readonly string[];
}

/**
 * The class names for a network's first output: those of the file asked for; else of Teachable Machine's metadata.json
 * beside a TF.js model that has none of its own; else `undefined`: what the model itself says holds.
 * @throws FormatError when the file holds no labels, or not as many as there are classes
 */
export async function labelsFor(net: Session, model: string, asked: Labels | undefined): Promise<Labels | undefined> {
  const { format, labels: own } = net.manifest.source;
  const labels = asked ?? (own === undefined && format === "tfjs" ? await labelsBeside(model) : undefined);
  if (labels) checkCount(net, labels);
  return labels;
}

function checkCount(net: Session, { file, list }: Labels): void {
  const { name, shape } = net.outputs[0]!;
  const size = shape.reduce((product, d) => product * d, 1);
  // One output alone is the score of the second of two classes.
  const count = size === 1 ? 2 : size;
  try {
    namer(list, count, name);
  } catch (cause) {
    if (!(cause instanceof ShapeError)) throw cause;
    const expected = `a label for each of the ${count} classes of output ${name}`;
    throw new FormatError(`${file}: expected ${expected}, got ${list.length}`, { cause });
  }
}

/**
 * What Teachable Machine has put beside its model, if this is one. Another tool's metadata.json, which has no "labels",
 * is passed over.
 */
async function labelsBeside(model: string): Promise<Labels | undefined> {
  const file = beside(model, "metadata.json");
  let bytes: Uint8Array;
  try {
    bytes = await readBytes(file);
  } catch (error) {
    if (error instanceof LoadError) return undefined;
    throw error;
  }
  const value = parseJson(file, bytes);
  if (!isRecord(value) || value.labels === undefined) return undefined;
  return { file, list: parseLabels(bytes, file) };
}

/** Path or URL of a file in the folder of another. */
function beside(file: string, name: string): string {
  if (!/^(https?|file):/i.test(file)) return join(dirname(file), name);
  const url = new URL(name, file);
  url.search = new URL(file).search;
  return url.href;
}

/** @throws LoadError for a file that can't be read; FormatError when it holds no labels */
export async function readLabels(file: string): Promise<Labels> {
  return { file, list: parseLabels(await readBytes(file), file) };
}

/**
 * The labels in `bytes`; `where`, the file's name, begins every message. JSON is told by a name in ".json", or by a
 * bracket that a quotation mark follows (or nothing); any other bracket begins a label. An empty line is a class
 * without a name, except at the end of the file.
 */
export function parseLabels(bytes: Uint8Array, where: string): string[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`${where}: expected labels in UTF-8, got bytes that are not UTF-8`, { cause });
  }
  const json = /\.json$/i.test(where) || /^\s*(\[\s*("|\]|$)|\{\s*("|\}|$))/.test(text);
  const labels = json ? fromJson(parseJson(where, text), where) : withoutIndices(text.trimEnd().split(/\r?\n/));
  if (labels.every((label) => label.trim() === "")) throw new FormatError(`${where}: expected labels, got none`);
  return labels.map((label) => label.trim());
}

/** Indices are left out only if every line has its own: "7 up" may be a label, and "7" alone is one. */
function withoutIndices(lines: readonly string[]): readonly string[] {
  const parts = lines.map((line) => /^\s*(\d+)(?:\s*:\s*|\s+)(\S.*)$/.exec(line));
  return parts.every((part, i) => part && Number(part[1]) === i) ? parts.map((part) => part![2]!) : lines;
}

function fromJson(value: unknown, where: string): readonly string[] {
  if (Array.isArray(value)) return strings(value, where);
  if (!isRecord(value))
    throw new FormatError(`${where}: expected labels as a JSON array or object, got ${shown(value)}`);
  if (value.labels !== undefined) {
    if (Array.isArray(value.labels)) return strings(value.labels, where);
    throw new FormatError(`${where}: expected "labels" as a JSON array, got ${shown(value.labels)}`);
  }
  const count = Object.keys(value).length;
  return Array.from({ length: count }, (_, i) => {
    const entry = Object.hasOwn(value, i) ? value[i] : undefined;
    // Keras gives WordNet's id as well.
    const label = Array.isArray(entry) && entry.length === 2 ? (entry[1] as unknown) : entry;
    if (typeof label === "string") return label;
    throw new FormatError(
      `${where}: expected labels "0" … "${count - 1}" or an array "labels", got ${shown(entry)} as "${i}"`,
    );
  });
}

function strings(list: readonly unknown[], where: string): readonly string[] {
  const odd = list.findIndex((label) => typeof label !== "string");
  if (odd < 0) return list as readonly string[];
  throw new FormatError(`${where}: expected a JSON array of strings, got ${shown(list[odd])} at index ${odd}`);
}

function isRecord(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
