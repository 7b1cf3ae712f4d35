/**
 * A graph as callers hand it over.
 * @module
 */
import { kindOf, tagOf } from "../arguments.ts";
import type { Graph } from "./graph.ts";

/** A graph, or whatever was made of one and still has it: a session. */
export type GraphLike = Graph | { readonly graph: Graph };

/**
 * The graph that a caller means.
 * @param where begins the message
 * @throws TypeError for anything else, saying what it is
 */
export function graphGiven(where: string, given: GraphLike): Graph {
  const value = (isRecord(given) && isRecord(given.graph) ? given.graph : given) as Partial<
    Record<keyof Graph, unknown>
  >;
  const expected = "expected a graph (such as mobilenetV1() makes) or a session";
  if (!isRecord(value)) throw new TypeError(`${where}: ${expected}, got ${kindOf(value)}`);
  const lists = (["inputs", "nodes", "outputs"] as const).filter((field) => !Array.isArray(value[field]));
  if (lists.length > 0)
    throw new TypeError(`${where}: ${expected}, got ${kindOf(value)} without a list of ${lists[0]}`);
  for (const field of ["constants", "endPoints"] as const) {
    if (tagOf(value[field]) === "Map") continue;
    const json = "; JSON does not keep Maps nor typed arrays: save a model by toTflite";
    throw new TypeError(`${where}: expected a graph whose ${field} are a Map, got ${kindOf(value[field])}${json}`);
  }
  return respelled(value as unknown as Graph);
}

/** Ops under the names that they had at first. */
const FORMER: ReadonlyMap<unknown, string> = new Map([
  ["quantise", "quantize"],
  ["dequantise", "dequantize"],
  ["normalise", "normalize"],
]);

/** The graph in today's words: those written by hand for earlier sources say `quantisation`, and `quantise`. */
function respelled(graph: Graph): Graph {
  type Entry = { readonly op?: string; readonly quantisation?: unknown };
  const isFormer = (entry: Entry) => isRecord(entry) && ("quantisation" in entry || FORMER.has(entry.op));
  const respell = <T extends object>(entry: T): T => {
    if (!isFormer(entry)) return entry;
    const { quantisation, ...rest } = entry as Entry;
    const meaning = quantisation === undefined ? {} : { quantization: quantisation };
    return { ...meaning, ...rest, ...(FORMER.has(rest.op) && { op: FORMER.get(rest.op) }) } as T;
  };
  const { inputs, nodes, constants } = graph;
  if (![...inputs, ...nodes, ...constants.values()].some((entry) => isFormer(entry as Entry))) return graph;
  return {
    ...graph,
    inputs: inputs.map(respell),
    nodes: nodes.map(respell),
    constants: new Map([...constants].map(([name, constant]) => [name, respell(constant)])),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
