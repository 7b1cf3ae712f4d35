/**
 * Values of Keras's JSON: what they are once Python's wrappings are off, and what kind they are.
 * @module
 */
import { FormatError } from "../../errors.ts";
import type { Budget } from "../../limits.ts";

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** @throws {FormatError} Not an object. */
export function record(value: unknown, where: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FormatError(`${where}: expected an object, got ${describe(value)}`);
  }
  return value as Json;
}

/** @throws {FormatError} Not a list. */
export function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new FormatError(`${where}: expected a list, got ${describe(value)}`);
  return value;
}

/** @throws {FormatError} Not a string. */
export function text(value: unknown, where: string): string {
  if (typeof value !== "string") throw new FormatError(`${where}: expected a string, got ${describe(value)}`);
  return value;
}

/** Characters of a value in a message. */
const LONGEST = 60;

/** A value as it may stand in an error message: short, whatever it holds, and without writing all of it first. */
export function describe(value: unknown): string {
  const json = value === undefined ? "nothing" : (JSON.stringify(shortened(value, 0)) ?? String(value));
  return json.length > LONGEST ? `${json.slice(0, LONGEST - 3)}…` : json;
}

function shortened(value: unknown, level: number): unknown {
  if (typeof value === "string") return value.slice(0, LONGEST);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value))
    return level > 4 ? ["…"] : value.slice(0, LONGEST).map((item) => shortened(item, level + 1));
  const entries: [string, unknown][] = [];
  for (const key in value) {
    if (level > 4 || entries.length === 12) break;
    entries.push([key.slice(0, LONGEST), shortened((value as Json)[key], level + 1)]);
  }
  return Object.fromEntries(entries);
}

/**
 * The value without what Python wrapped around numbers and lists: Keras 2.2 writes NumPy's numbers as `{"type":
 * "ndarray", "value": 6}`, later versions write `{"class_name": "__tuple__", "items": […]}` and `{"class_name":
 * "__numpy__", "config": {"value": …}}`.
 */
export function plain(value: unknown, where: string, budget: Budget, level = 1): unknown {
  if (typeof value !== "object" || value === null) return value;
  budget.depth(level, where);
  if (Array.isArray(value)) return value.map((item) => plain(item, where, budget, level + 1));
  const { type, value: wrapped, class_name: className, items, config } = value as Json;
  if ((type === "ndarray" || type === "float" || type === "int") && wrapped !== undefined) {
    return plain(wrapped, where, budget, level + 1);
  }
  if ((className === "__tuple__" || className === "TensorShape") && Array.isArray(items)) {
    return plain(items, where, budget, level + 1);
  }
  if ((className === "__numpy__" || className === "__tensor__") && typeof config === "object" && config !== null) {
    return plain((config as Json).value, where, budget, level + 1);
  }
  const copy: Record<string, unknown> = Object.create(null);
  for (const key in value) copy[key] = plain((value as Json)[key], where, budget, level + 1);
  return copy;
}
