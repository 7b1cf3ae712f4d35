/**
 * Writes small HDF5 files, with h5wasm: what reads them in the package is another library.
 */
import * as h5wasm from "h5wasm";

/** A dataset: row-major numbers. */
export interface Stored {
  readonly shape: readonly number[];
  readonly data: readonly number[] | Float32Array;
  /** Default "<f". */
  readonly dtype?: string;
  readonly chunks?: readonly number[];
  /** Level of gzip; needs chunks. */
  readonly compression?: number;
}

/** A text attribute of a group, or a list of them. */
export type Attributes = Readonly<Record<string, string | readonly string[]>>;

const ARRAYS: Readonly<Record<string, { from(data: Iterable<number>): h5wasm.GuessableDataTypes }>> = {
  f: Float32Array,
  d: Float64Array,
  b: Int8Array,
  B: Uint8Array,
  h: Int16Array,
  H: Uint16Array,
  i: Int32Array,
  I: Uint32Array,
};

let files = 0;

/**
 * The bytes of a file. Groups on the way to a dataset are made as needed.
 * @param datasets by their full paths
 * @param attributes of the topmost group
 * @param groups attributes of other groups, by their paths
 */
export async function buildHdf5(
  datasets: Iterable<readonly [path: string, stored: Stored]>,
  attributes: Attributes = {},
  groups: Readonly<Record<string, Attributes>> = {},
): Promise<Uint8Array> {
  return buildFile((file) => {
    const made = new Map<string, h5wasm.Group>([["", file]]);
    const groupAt = (path: string): h5wasm.Group => {
      const known = made.get(path);
      if (known) return known;
      const cut = path.lastIndexOf("/");
      const group = groupAt(path.slice(0, Math.max(cut, 0))).create_group(path.slice(cut + 1));
      made.set(path, group);
      return group;
    };
    for (const [path, { shape, data, dtype, chunks, compression }] of datasets) {
      const cut = path.lastIndexOf("/");
      const type = dtype ?? "<f";
      groupAt(path.slice(0, Math.max(cut, 0))).create_dataset({
        name: path.slice(cut + 1),
        data: (ARRAYS[type.slice(-1)] ?? Float32Array).from(data),
        shape: [...shape],
        dtype: type,
        ...(chunks && { chunks: [...chunks] }),
        ...(compression !== undefined && { compression }),
      });
    }
    for (const [path, own] of Object.entries({ "": attributes, ...groups })) {
      for (const [key, value] of Object.entries(own)) {
        groupAt(path).create_attribute(key, typeof value === "string" ? value : [...value]);
      }
    }
  });
}

/** The bytes of a file that `write` fills. */
export async function buildFile(
  write: (file: h5wasm.File) => void,
  options: h5wasm.FileOptions = {},
): Promise<Uint8Array> {
  const { FS } = await h5wasm.ready;
  const name = `test${files++}.h5`;
  const file = new h5wasm.File(name, "w", options);
  write(file);
  file.close();
  const bytes = FS.readFile(name) as Uint8Array;
  FS.unlink(name);
  return bytes.slice();
}

/** A file of `levels` groups, each with two links to the next: few bytes, 2^levels paths. */
export async function buildDoublingHdf5(levels: number): Promise<Uint8Array> {
  return buildFile((file) => {
    for (let level = levels; level >= 0; level--) {
      const group = file.create_group(`level${level}`);
      if (level === levels) continue;
      for (const side of ["left", "right"]) group.create_hard_link(`/level${level + 1}`, side);
    }
  });
}
