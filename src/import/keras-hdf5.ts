/**
 * HDF5 files of Keras: attributes and datasets, through jsfive, which throws strings and reads past ends; here all of that becomes FormatError.
 * @module
 */

import { FormatError, SepconvError, UnsupportedError } from "../errors.ts";
import type { KerasVariable } from "./keras-needs.ts";

/** The part of jsfive that is used. */
interface Group {
  readonly keys: readonly string[];
  readonly attrs: Readonly<Record<string, unknown>>;
  get(path: string): unknown;
}

interface Dataset {
  readonly shape: readonly number[];
  readonly dtype: unknown;
  readonly value: readonly unknown[];
}

interface Jsfive {
  readonly File: new (bytes: ArrayBuffer, name: string) => Group;
}

/** Groups within groups beyond this are no model's. */
const MAX_DEPTH = 64;
/** Nor are more names than this: links may share groups, so that a small file can have any number of paths. */
const MAX_NAMES = 20_000;

/** An open HDF5 file. */
export interface Hdf5 {
  /** Names in the topmost group. */
  readonly names: readonly string[];
  /** A text attribute of the topmost group; undefined if there is none. */
  attribute(name: string): string | undefined;
  /** A list of texts among a group's attributes, also where it is split into `name0`, `name1`, …; undefined if there is none. */
  texts(group: string, name: string): readonly string[] | undefined;
  /** All datasets below a group, "" for the file, under their full paths (`conv1/conv1/kernel:0`) relative to it. */
  datasets(group: string): [path: string, variable: KerasVariable][];
}

/**
 * Opens an HDF5 file.
 * @param file how errors call it: "keras", or the file's name within a `.keras`.
 * @throws {FormatError} It is damaged.
 */
export async function openHdf5(bytes: Uint8Array, file: string): Promise<Hdf5> {
  const hdf5 = await loadJsfive();
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const root = guard(`${file}: header`, () => new hdf5.File(buffer, file));
  return {
    names: guard(`${file}: names`, () => root.keys),
    attribute: (name) => guard(`${file}: attribute '${name}'`, () => textOf(root.attrs[name])),
    texts: (path, name) =>
      guard(`${file}: attribute '${name}' of '${path}'`, () => {
        const group = root.get(path);
        if (!isGroup(group)) return undefined;
        const { attrs } = group;
        const parts: unknown[] = attrs[name] === undefined ? [] : [attrs[name]];
        for (let i = 0; parts.length === i && attrs[`${name}${i}`] !== undefined; i++) parts.push(attrs[`${name}${i}`]);
        const texts = parts.flat().map(textOf);
        return parts.length > 0 && texts.every((text) => text !== undefined) ? texts : undefined;
      }),
    datasets: (group) =>
      guard(`${file}: group '${group}'`, () => {
        const top = group === "" ? root : root.get(group);
        const found: [string, KerasVariable][] = [];
        if (isGroup(top)) collect(top, "", { file, found, names: 0 }, 0);
        return found;
      }),
  };
}

async function loadJsfive(): Promise<Jsfive> {
  try {
    // @ts-expect-error: it ships no types; those above are what is used.
    return await import("jsfive");
  } catch (cause) {
    throw new UnsupportedError("keras: expected the package 'jsfive' to read HDF5 with, got none; install it", {
      cause,
    });
  }
}

/** Whatever goes wrong inside the reader means that the file is damaged. */
function guard<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof SepconvError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FormatError(`${where}: expected a whole HDF5 file, got a damaged one (${reason})`, { cause });
  }
}

function isGroup(value: unknown): value is Group {
  return typeof value === "object" && value !== null && !Array.isArray(value) && "attrs" in value;
}

/** A walk through the groups of a file. */
interface Walk {
  readonly file: string;
  readonly found: [string, KerasVariable][];
  names: number;
}

function collect(group: Group, prefix: string, walk: Walk, depth: number): void {
  const { file, found } = walk;
  if (depth > MAX_DEPTH)
    throw new FormatError(`${file}: group '${prefix}': expected at most ${MAX_DEPTH} levels, got more`);
  for (const key of group.keys) {
    if (++walk.names > MAX_NAMES) throw new FormatError(`${file}: expected at most ${MAX_NAMES} names, got more`);
    const path = prefix === "" ? key : `${prefix}/${key}`;
    const child = guard(`${file}: '${path}'`, () => group.get(key));
    if (isGroup(child)) collect(child, path, walk, depth + 1);
    else if (child !== null && child !== undefined) found.push([path, variable(child as Dataset, path, file)]);
  }
}

/** Shapes are looked at once, numbers when they are needed. */
function variable(dataset: Dataset, path: string, file: string): KerasVariable {
  const where = `${file}: dataset '${path}'`;
  let shape: readonly number[] | undefined;
  return {
    get shape(): readonly number[] {
      shape ??= guard(where, () => dataset.shape.map(Number));
      return shape;
    },
    read: () => guard(where, () => numbers(dataset, where)),
  };
}

/** Sizes are checked before anything of that size is made: a damaged shape must not exhaust the memory. */
function numbers(dataset: Dataset, where: string): Float32Array {
  const { dtype } = dataset;
  if (typeof dtype !== "string" || !/^[<>|]?[fiu][1248]$/.test(dtype)) {
    throw new UnsupportedError(`${where}: expected numbers, got dtype ${JSON.stringify(dtype)}`);
  }
  const size = dataset.shape.map(Number).reduce((a, b) => a * b, 1);
  if (!(size <= MAX_NUMBERS)) throw new FormatError(`${where}: expected at most ${MAX_NUMBERS} numbers, got ${size}`);
  const values = dataset.value;
  if (values.length !== size) throw new FormatError(`${where}: expected ${size} numbers, got ${values.length}`);
  if (size > 0 && values[0] === undefined)
    throw new FormatError(`${where}: expected ${size} numbers, got none written`);
  return Float32Array.from(values as readonly number[]);
}

/** More than a file that fits into one ArrayBuffer can hold. */
const MAX_NUMBERS = 2 ** 29;

/** Strings of fixed length are padded with zeros. */
function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value.replace(/\0+$/, "") : undefined;
}
