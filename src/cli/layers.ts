/**
 * Layers as people look for them: by their block, and by names without what all of them begin with.
 * @module
 */
import type { Graph } from "../graph/graph.ts";

/** Names without their common scope, and that scope. */
export interface Shortened {
  /** What the names began with, up to a "/"; empty when they have nothing in common. */
  readonly scope: string;
  readonly names: readonly string[];
}

/**
 * Leaves out the longest scope that more than half of the names share, as TensorFlow gives it to nearly all of a
 * network's: "model/", "MobilenetV1/MobilenetV1/". The others stay as they are. Of names joined by ";" every part loses
 * it.
 */
export function shortened(names: readonly string[]): Shortened {
  const counts = new Map<string, number>();
  for (const name of names) for (const scope of scopes(name)) counts.set(scope, (counts.get(scope) ?? 0) + 1);
  // Those of more than half lie within each other: the longest is the innermost.
  const common = [...counts].filter(([, count]) => count > 1 && count > names.length / 2).map(([scope]) => scope);
  const scope = common.reduce((longest, each) => (each.length > longest.length ? each : longest), "");
  if (scope === "") return { scope, names };
  const short = (part: string) =>
    part.startsWith(scope) && part.length > scope.length ? part.slice(scope.length) : part;
  return { scope, names: names.map((name) => name.split(";").map(short).join(";")) };
}

/** "a/b/c" → "a/", "a/b/"; of joined names, those of the first. */
function scopes(name: string): string[] {
  return [...name.replace(/;.*$/s, "").matchAll(/\//g)].map(({ index }) => name.slice(0, index + 1));
}

/**
 * The block that each value of a network belongs to, as far as its end points `block0`, `block1`, … tell: all that is
 * computed on the way from the block before to the end point.
 */
export function blocks(graph: Graph): ReadonlyMap<string, string> {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const found = new Map<string, string>();
  const ends = [...graph.endPoints].filter(([label]) => /^block\d+$/.test(label));
  // In order, so that a block begins where the one before it ends.
  ends.sort(([a], [b]) => Number(a.slice(5)) - Number(b.slice(5)));
  for (const [label, end] of ends) {
    const open = [end];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const node = nodes.get(name);
      if (node === undefined || found.has(name)) continue;
      found.set(name, label);
      open.push(...node.inputs);
    }
  }
  return found;
}
