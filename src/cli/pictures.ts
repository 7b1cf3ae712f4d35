/**
 * The pictures that arguments mean: files, and all that lie in folders.
 * @module
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { LoadError } from "../errors.ts";

const PICTURE = /\.(jpe?g|png|bmp|gif)$/i;

/**
 * Files stay as they are; of a folder come all pictures in it and below, by their names, in alphabetical order.
 * @throws LoadError for a folder that can't be read, or has none
 */
export async function picturesOf(paths: readonly string[]): Promise<string[]> {
  const all: string[] = [];
  for (const path of paths) {
    const isFolder = await stat(path).then(
      (status) => status.isDirectory(),
      () => false,
    );
    if (!isFolder) {
      all.push(path);
      continue;
    }
    let names: string[];
    try {
      names = await readdir(path, { recursive: true });
    } catch (cause) {
      throw new LoadError(`${path}: expected a folder that can be read, got: ${(cause as Error).message}`, { cause });
    }
    const found = names.filter((name) => PICTURE.test(name)).sort();
    if (found.length === 0) throw new LoadError(`${path}: expected pictures (.jpg, .png, .bmp, .gif), got none`);
    all.push(...found.map((name) => join(path, name)));
  }
  return all;
}
