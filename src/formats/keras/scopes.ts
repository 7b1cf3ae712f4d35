/**
 * Names of stored variables: their parts, and how well these fit a layer.
 * @module
 */
import type { KerasVariable } from "./needs.ts";

/** A stored variable by the parts of its name. */
export interface Candidate {
  readonly name: string;
  /** What stands before the variable: groups, models, the layer. */
  readonly scope: readonly string[];
  /** The variable: `kernel`. */
  readonly short: string;
  readonly variable: KerasVariable;
}

/** `conv1/conv1/kernel:0` → scope conv1, conv1; short name kernel. Backslashes are what Keras on Windows wrote. */
export function candidateOf(name: string, variable: KerasVariable): Candidate {
  const scope = components(name);
  const short = (scope.pop() ?? "").replace(/:\d+$/, "");
  return { name, scope, short, variable };
}

/** Parts of a name. */
export function components(name: string): string[] {
  return name.split(/[/\\]/).filter((part) => part !== "");
}

/** How well a scope fits a layer's path, best first; undefined where the layer's name is not in it. */
function rankOf(scope: readonly string[], path: readonly string[]): readonly number[] | undefined {
  const parts = path.flatMap(components);
  const layer = scope.lastIndexOf(parts.at(-1) ?? "");
  if (layer < 0) return undefined;
  let matched = 1;
  let at = layer;
  for (const part of parts.slice(0, -1).reverse()) {
    const before = at === 0 ? -1 : scope.lastIndexOf(part, at - 1);
    if (before < 0) continue;
    at = before;
    matched++;
  }
  // The layer stands right before its variable; more of the models around it agree; less stands in between.
  return [layer === scope.length - 1 ? 1 : 0, matched, -scope.length];
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) if (value !== b[i]) return value - b[i]!;
  return 0;
}

/** Those whose scopes fit the path best. */
export function bestNamed<T extends { readonly scope: readonly string[] }>(
  candidates: readonly T[],
  path: readonly string[],
): T[] {
  let best: T[] = [];
  let top: readonly number[] | undefined;
  for (const candidate of candidates) {
    const rank = rankOf(candidate.scope, path);
    if (!rank) continue;
    const order = top ? compare(rank, top) : 1;
    if (order > 0) {
      best = [candidate];
      top = rank;
    } else if (order === 0) best.push(candidate);
  }
  return best;
}
