/**
 * Pictures with their classes, as folders hold them: one class a folder.
 * @module
 */
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { LoadError } from "../errors.ts";
import type { LabeledPicture } from "../train/index.ts";
import { PICTURE } from "./pictures.ts";

/** A file and its class: the name of the folder below `folder` that it lies in, at any depth. */
export type LabeledFile = LabeledPicture & { readonly picture: string };

/**
 * All pictures of all classes, both in alphabetical order; classes that are numbers come first, by size, as they do
 * among the keys of an object.
 * @throws LoadError for a folder that can't be read, or that has no two folders with pictures; which class has none
 */
export async function labeledPictures(folder: string): Promise<LabeledFile[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new LoadError(`${folder}: expected a folder that can be read, got: ${(cause as Error).message}`, { cause });
  });
  const classes = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map(({ name }) => name);
  if (classes.length < 2) {
    throw new LoadError(`${folder}: expected two folders or more, one a class, got ${classes.length}`);
  }
  const all: LabeledFile[] = [];
  for (const label of Object.keys(Object.fromEntries(classes.sort().map((name) => [name, true])))) {
    const names = await readdir(join(folder, label), { recursive: true });
    const found = names.filter((name) => PICTURE.test(name) && !basename(name).startsWith("."));
    if (found.length === 0) throw new LoadError(`${join(folder, label)}: expected pictures of this class, got none`);
    for (const name of found.sort()) all.push({ picture: join(folder, label, name), label });
  }
  return all;
}
