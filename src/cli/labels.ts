/**
 * Class names from a file: one a line, or a JSON array of strings.
 * @module
 */
import { FormatError } from "../errors.ts";
import { readBytes } from "./files.ts";

/** @throws FormatError when the file holds neither. */
export async function readLabels(path: string): Promise<string[]> {
  return parseLabels(await readBytes(path), path);
}

/** The labels in `bytes`. A "[" that a quotation mark follows (or nothing) begins an array, any other a label. An empty line is a class without a name, except at the end of the file. `where` begins every message. */
export function parseLabels(bytes: Uint8Array, where: string): string[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`${where}: expected labels in UTF-8, got bytes that are not UTF-8`, { cause });
  }
  const labels = /^\s*\[\s*("|\]|$)/.test(text) ? parseArray(text, where) : text.trimEnd().split(/\r?\n/);
  if (labels.every((label) => label.trim() === "")) throw new FormatError(`${where}: expected labels, got none`);
  return labels.map((label) => label.trim());
}

function parseArray(text: string, where: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${where}: expected a JSON array of labels, got ${(cause as Error).message}`, { cause });
  }
  const list = value as readonly unknown[];
  const odd = list.findIndex((label) => typeof label !== "string");
  if (odd >= 0) {
    throw new FormatError(`${where}: expected a JSON array of strings, got ${typeof list[odd]} at index ${odd}`);
  }
  return list as string[];
}
