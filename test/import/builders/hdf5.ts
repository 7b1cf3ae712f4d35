/**
 * Writes small HDF5 files, with h5wasm: what reads them in the package is another library.
 */
import * as h5wasm from "h5wasm";

/** A dataset: row-major numbers. */
export interface Stored {
  readonly shape: readonly number[];
  readonly data: readonly number[] | Float32Array;
  /** Default "<f". */
  readonly dtype?: "<f" | "<d";
}

let files = 0;

/**
 * The bytes of a file. Groups on the way to a dataset are made as needed.
 * @param datasets by their full paths
 * @param attributes text attributes of the topmost group
 */
export async function buildHdf5(
  datasets: Iterable<readonly [path: string, stored: Stored]>,
  attributes: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  const { FS } = await h5wasm.ready;
  const name = `test${files++}.h5`;
  const file = new h5wasm.File(name, "w");
  const groups = new Map<string, h5wasm.Group>([["", file]]);
  const groupAt = (path: string): h5wasm.Group => {
    const known = groups.get(path);
    if (known) return known;
    const cut = path.lastIndexOf("/");
    const group = groupAt(path.slice(0, Math.max(cut, 0))).create_group(path.slice(cut + 1));
    groups.set(path, group);
    return group;
  };
  for (const [path, { shape, data, dtype }] of datasets) {
    const cut = path.lastIndexOf("/");
    const type = dtype ?? "<f";
    groupAt(path.slice(0, Math.max(cut, 0))).create_dataset({
      name: path.slice(cut + 1),
      data: type === "<f" ? Float32Array.from(data) : Float64Array.from(data),
      shape: [...shape],
      dtype: type,
    });
  }
  for (const [key, value] of Object.entries(attributes)) file.create_attribute(key, value);
  file.close();
  const bytes = FS.readFile(name) as Uint8Array;
  FS.unlink(name);
  return bytes.slice();
}

/** A file of `levels` groups, each with two links to the next: few bytes, 2^levels paths. */
export async function buildDoublingHdf5(levels: number): Promise<Uint8Array> {
  const { FS } = await h5wasm.ready;
  const name = `test${files++}.h5`;
  const file = new h5wasm.File(name, "w");
  for (let level = levels; level >= 0; level--) {
    const group = file.create_group(`level${level}`);
    if (level === levels) continue;
    for (const side of ["left", "right"]) group.create_hard_link(`/level${level + 1}`, side);
  }
  file.close();
  const bytes = FS.readFile(name) as Uint8Array;
  FS.unlink(name);
  return bytes.slice();
}
