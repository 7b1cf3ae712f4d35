/**
 * Who calls whom in a Functional model: `inbound_nodes` as Keras 2 and Keras 3 write them, and what the numbers in
 * references mean.
 * @module
 */
import { FormatError } from "../../errors.ts";
import { describe, type Json, list, record } from "./json.ts";

/**
 * One tensor: what `layer` answered at its call of number `node`, counted as the file counts; `tensor` counts its
 * outputs.
 */
export interface Ref {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
}

/** A constant: one number, or one for each channel. */
export type Literal = number | readonly number[];

/** One call of a layer. Arguments stand in their order. */
export interface KerasCall {
  readonly args: readonly (Ref | Literal)[];
}

/** Whether an argument is a tensor. */
export function isRef(arg: Ref | Literal): arg is Ref {
  return typeof arg === "object" && "layer" in arg;
}

/** `["a",0,0]`, `[["a",0,0],["b",0,0]]` or `{ "x": ["a",0,0] }`. */
export function refs(value: unknown, where: string): Ref[] {
  if (Array.isArray(value) && typeof value[0] === "string") return [refOf(value, where)];
  const entries = Array.isArray(value) ? value : Object.values(record(value, where));
  return entries.flatMap((entry) => refs(entry, where));
}

function refOf(value: unknown, where: string): Ref {
  const [layer, node = 0, tensor = 0] = list(value, where);
  if (typeof layer !== "string" || !isIndex(node) || !isIndex(tensor)) {
    throw new FormatError(`${where}: expected [layer, node, tensor], got ${describe(value)}`);
  }
  return { layer, node, tensor };
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The calls of one layer. */
export function callsOf(value: unknown, where: string): KerasCall[] {
  return list(value, where).map((call) => {
    if (Array.isArray(call)) return { args: legacyArgs(call, where) };
    const { args, kwargs } = record(call, where);
    const named = Object.entries(record(kwargs ?? {}, where));
    return {
      args: [
        ...list(args ?? [], where).flatMap((arg) => keras3Args(arg, where, true)),
        ...named.flatMap(([key, arg]) => keras3Args(arg, where, OPERANDS.has(key))),
      ],
    };
  });
}

/** Keyword arguments that are operands. Numbers under other names (an axis, a seed) are settings. */
const OPERANDS = new Set(["x", "y", "x1", "x2", "a", "b"]);

/**
 * Keras 2: `[["a",0,0,{…}],…]`; layers made of operators write `["a",0,0,{"y": 127.5}]`, or begin with
 * `["_CONSTANT_VALUE",-1,2,{…}]`.
 */
function legacyArgs(call: readonly unknown[], where: string): (Ref | Literal)[] {
  const inputs = typeof call[0] === "string" ? [call] : call;
  return inputs.flatMap((input) => {
    const keywords = Object.entries(record(list(input, where)[3] ?? {}, where));
    const first = (input as unknown[])[0] === CONSTANT ? literals((input as unknown[])[2]) : [refOf(input, where)];
    return [...first, ...keywords.flatMap(([key, arg]) => (OPERANDS.has(key) ? legacyOperand(arg, where) : []))];
  });
}

const CONSTANT = "_CONSTANT_VALUE";

function legacyOperand(value: unknown, where: string): (Ref | Literal)[] {
  if (!Array.isArray(value)) return literals(value);
  if (value[0] === CONSTANT) return literals(value[2]);
  return typeof value[0] === "string" ? [refOf(value, where)] : literals(value);
}

function literals(value: unknown): Literal[] {
  if (typeof value === "number") return [value];
  if (!Array.isArray(value)) return [];
  const flat: unknown[] = value.flat(Number.POSITIVE_INFINITY);
  return flat.length > 0 && flat.every((item) => typeof item === "number") ? [flat] : [];
}

/** Keras 3: tensors are `{ class_name: "__keras_tensor__", config: { keras_history } }`, possibly in lists. */
function keras3Args(value: unknown, where: string, operand: boolean): (Ref | Literal)[] {
  if (typeof value !== "object" || value === null) return operand ? literals(value) : [];
  if (Array.isArray(value)) {
    const numbers = literals(value);
    if (numbers.length > 0) return operand ? numbers : [];
    return value.flatMap((entry) => keras3Args(entry, where, operand));
  }
  const arg = value as Json;
  if (arg.class_name !== "__keras_tensor__") return [];
  return [refOf(record(arg.config, where).keras_history, where)];
}

/**
 * For each layer: number in a reference → which of its calls it means, from 0. Nested models count a call that is not
 * listed, their own making, in most versions of Keras, and others count calls of other models too. All listed calls are
 * referred to, so they are the numbers' ranks.
 */
export function nodeNumbers(
  layers: Iterable<{ readonly name: string; readonly calls: readonly KerasCall[] }>,
  outputs: readonly Ref[],
  where: string,
): Map<string, Map<number, number>> {
  const all = [...layers];
  const used = new Map<string, Set<number>>();
  const use = ({ layer, node }: Ref) => {
    const numbers = used.get(layer);
    if (numbers) numbers.add(node);
    else used.set(layer, new Set([node]));
  };
  for (const ref of outputs) use(ref);
  for (const { calls } of all) for (const { args } of calls) for (const arg of args) if (isRef(arg)) use(arg);
  const found = new Map<string, Map<number, number>>();
  for (const { name, calls } of all) {
    const numbers = [...(used.get(name) ?? [])].sort((a, b) => a - b);
    const count = Math.max(calls.length, 1);
    if (numbers.length === count) found.set(name, new Map(numbers.map((number, rank) => [number, rank])));
    else if ((numbers.at(-1) ?? 0) < count) found.set(name, new Map(numbers.map((number) => [number, number])));
    else {
      throw new FormatError(
        `${where}: expected layer '${name}' to be called ${numbers.at(-1)! + 1} times, got ${calls.length}`,
      );
    }
  }
  return found;
}
