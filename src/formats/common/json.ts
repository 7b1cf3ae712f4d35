/**
 * JSON of strangers: as deep as the limits allow, and shown in messages only as far as a person reads.
 * @module
 */
import { FormatError } from "../../errors.ts";
import { Budget } from "../../limits.ts";

/**
 * Parses JSON.
 * @param where begins every message: the file, or the part of it that the text stands in
 * @throws {@link FormatError} when the bytes are not UTF-8 or not JSON, or lists and objects lie in each other deeper
 *   than the budget's `maxDepth`
 */
export function parseJson(where: string, json: Uint8Array | string, budget: Budget = new Budget()): unknown {
  const text = typeof json === "string" ? json : decoded(where, json);
  budget.depth(depthOf(text), where);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${where}: expected JSON, got ${shown(text)} (${(cause as Error).message})`, { cause });
  }
}

function decoded(where: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`${where}: expected JSON in UTF-8, got bytes that are not UTF-8`, { cause });
  }
}

/** The most brackets that are open at a time, those within strings aside. */
function depthOf(text: string): number {
  let [depth, most, quoted] = [0, 0, false];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (quoted) {
      if (code === 0x5c) i++;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x5b || code === 0x7b) most = Math.max(most, ++depth);
    else if (code === 0x5d || code === 0x7d) depth--;
  }
  return most;
}

/** A value of parsed JSON as messages show it: short, whatever it holds. */
export function shown(value: unknown): string {
  // Of a long string, only as much as is shown: all of it in quotes can be longer than strings may be.
  const short = typeof value === "string" ? value.slice(0, 120) : value;
  const text = value === undefined ? "nothing" : (JSON.stringify(short) ?? String(value));
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
