/**
 * Names of files that a model's own file gives: a stranger's words. What they may say, and what of them is a path and
 * what a query.
 * @module
 */
import { FormatError } from "../../errors.ts";

/**
 * The segments of a sibling's path. A manifest is a stranger's file: it may name files in the model's folder and below,
 * nothing else.
 * @param written the name as the manifest has it
 * @throws FormatError for absolute paths, URLs, backslashes and `..`.
 */
export function inside(file: string, name: string, written = name): string[] {
  const segments = name.split("/").filter((segment) => segment !== ".");
  const bad = segments.some((segment) => segment === "" || segment === ".." || /[\\:\0]/.test(segment));
  if (bad || segments.length === 0) {
    throw new FormatError(`${file}: expected the name of a file in the model's folder, got ${JSON.stringify(written)}`);
  }
  return segments;
}

/**
 * A name with a query (`?key=value`) is an address, whose path may be percent-encoded as such; one without is a plain
 * name, in which a question mark is a character like others.
 */
export function splitQuery(name: string): readonly [path: string, query: string | undefined] {
  const at = name.search(/\?[^?=/]+=/);
  return at < 0 ? [name, undefined] : [name.slice(0, at), name.slice(at)];
}

/** Encoded once, whether it was encoded already or not; what it says when it is decoded must lie in the folder too. */
export function asAddress(url: string, path: string): string {
  const segments = path.split("/").map((segment) => {
    try {
      return decodeURIComponent(segment);
    } catch {
      return segment;
    }
  });
  inside(url, segments.join("/"));
  return segments.map(encodeURIComponent).join("/");
}
