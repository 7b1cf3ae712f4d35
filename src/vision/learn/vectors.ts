/**
 * Vectors and labels as callers hand them over, and files of what was learned of them.
 * @module
 */
import { kindOf, tagOf } from "../../arguments.ts";
import { FormatError, ShapeError } from "../../errors.ts";

/** Vectors of one class: as `embed` answers, one or many. */
export type Vectors = Float32Array | readonly Float32Array[];

/** A class, as one that was learned answers it. */
export interface Prediction {
  readonly label: string;
  /** 0 … 1; they sum to 1. */
  readonly score: number;
}

/** @throws TypeError for what is no label */
export function checkLabel(label: unknown): asserts label is string {
  if (typeof label !== "string" || label === "") {
    throw new TypeError(`label: expected the name of a class, got ${label === "" ? "an empty string" : kindOf(label)}`);
  }
}

/**
 * The vectors one by one, each of `size` numbers, or of the first one's.
 * @throws TypeError for what is none; ShapeError for other lengths; RangeError for numbers that are not finite
 */
export function vectorsOf(given: Vectors, size?: number): Float32Array[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  let length = size;
  return list.map((vector) => {
    if (tagOf(vector) !== "Float32Array") {
      throw new TypeError(`vector: expected a Float32Array as embed answers it, got ${kindOf(vector)}`);
    }
    const numbers = vector as Float32Array;
    length ??= numbers.length;
    if (numbers.length === 0 || numbers.length !== length) {
      throw new ShapeError(`vector: expected ${length || "some"} numbers, got ${numbers.length}`);
    }
    const bad = numbers.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new RangeError(`vector: expected finite numbers, got ${numbers[bad]} at ${bad}`);
    return numbers;
  });
}

const HEAD = 12;

/** Eight letters, the description's length and the description as JSON, zeros up to a multiple of 4, the numbers. */
export function pack(magic: string, description: object, numbers: Float32Array): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(description));
  const start = Math.ceil((HEAD + json.length) / 4) * 4;
  const file = new Uint8Array(start + 4 * numbers.length);
  file.set(new TextEncoder().encode(magic));
  const view = new DataView(file.buffer);
  view.setUint32(8, json.length, true);
  file.set(json, HEAD);
  for (const [i, value] of numbers.entries()) view.setFloat32(start + 4 * i, value, true);
  return file;
}

/**
 * The parts of such a file.
 * @throws FormatError when it is another, or damaged
 */
export function unpack(
  what: string,
  magic: string,
  file: Uint8Array,
): { readonly description: Readonly<Record<string, unknown>>; readonly numbers: Float32Array<ArrayBuffer> } {
  if (tagOf(file) !== "Uint8Array") throw new TypeError(`${what}: expected the bytes of a file, got ${kindOf(file)}`);
  const start = new TextDecoder().decode(file.subarray(0, 8));
  if (start !== magic) {
    throw new FormatError(`${what}: expected a file that begins with "${magic}", got ${JSON.stringify(start)}`);
  }
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = file.length < HEAD ? Number.POSITIVE_INFINITY : view.getUint32(8, true);
  const from = Math.ceil((HEAD + length) / 4) * 4;
  if (from > file.length || (file.length - from) % 4 !== 0) {
    throw new FormatError(`${what}: expected a description and numbers of 4 bytes, got ${file.length} bytes in all`);
  }
  let description: unknown;
  try {
    description = JSON.parse(new TextDecoder().decode(file.subarray(HEAD, HEAD + length)));
  } catch (cause) {
    throw new FormatError(`${what}: expected a description in JSON, got ${(cause as Error).message}`, { cause });
  }
  if (tagOf(description) !== "Object") {
    throw new FormatError(`${what}: expected a description, got ${kindOf(description)}`);
  }
  const numbers = Float32Array.from({ length: (file.length - from) / 4 }, (_, i) =>
    view.getFloat32(from + 4 * i, true),
  );
  const bad = numbers.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new FormatError(`${what}: expected finite numbers, got ${numbers[bad]} at ${bad}`);
  return { description: description as Record<string, unknown>, numbers };
}

/** Labels of a file: names, each once. @throws FormatError */
export function labelsIn(what: string, labels: unknown): string[] {
  const sound = Array.isArray(labels) && labels.every((label) => typeof label === "string" && label !== "");
  if (!sound || new Set(labels).size !== labels.length) {
    throw new FormatError(`${what}: expected labels, each once, got ${kindOf(labels)} of something else`);
  }
  return labels;
}

/** A count of a file. @throws FormatError */
export function countIn(what: string, name: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1) return value as number;
  throw new FormatError(`${what}: expected ${name} to be a whole number from 1, got ${JSON.stringify(value)}`);
}
