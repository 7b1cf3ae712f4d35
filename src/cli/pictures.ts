/**
 * The pictures that arguments mean: files, and all that lie in folders.
 * @module
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { LoadError } from "../errors.ts";

/** Names of pictures. */
export const PICTURE = /\.(jpe?g|png|bmp|gif)$/i;

/**
 * Files stay as they are; of a folder come all pictures in it and below, by their names, in alphabetical order. A
 * folder that has none, or can't be read, stays among other pictures as one that can't be used.
 * @throws LoadError for such a folder where there is nothing else
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
    try {
      for (const picture of await picturesIn(path)) all.push(picture);
    } catch (error) {
      if (paths.length === 1) throw error;
      all.push(path);
    }
  }
  return all;
}

async function picturesIn(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder, { recursive: true });
  } catch (cause) {
    throw new LoadError(`${folder}: expected a folder that can be read, got: ${(cause as Error).message}`, { cause });
  }
  const found = names.filter((name) => PICTURE.test(name)).sort();
  if (found.length === 0) throw new LoadError(`${folder}: expected pictures (.jpg, .png, .bmp, .gif), got none`);
  return found.map((name) => join(folder, name));
}
