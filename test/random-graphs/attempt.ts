/**
 * Random graphs in a process of their own, as many as are asked for; `scripts/graphs.mjs` watches.
 * @module
 */
import fc from "fast-check";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { compare } from "./compare.ts";
import { type Recipe, recipes } from "./recipe.ts";

/** What came of many graphs. */
export interface Tally {
  compared: number;
  refused: number;
  /** How many nodes of each op were compared. */
  ops: Record<string, number>;
  refusals: Record<string, number>;
}

/**
 * Compares `count` graphs drawn with `seed`. @throws Error with the shortest recipe that fast-check finds, and with
 * what it printed
 */
export async function graphs(seed: number, count: number): Promise<Tally> {
  const variants = VARIANTS.filter(accepts);
  const tally: Tally = { compared: 0, refused: 0, ops: {}, refusals: {} };
  const more = (of: Record<string, number>, key: string) => {
    of[key] = (of[key] ?? 0) + 1;
  };
  const property = fc.asyncProperty(recipes(), async (recipe: Recipe) => {
    const outcome = await compare(recipe, variants);
    if ("refused" in outcome) {
      tally.refused++;
      more(tally.refusals, outcome.refused.replace(/\d[\d.e+-]*/g, "…").slice(0, 100));
    } else {
      tally.compared++;
      for (const op of outcome.ops) more(tally.ops, op);
    }
  });
  await fc.assert(property, { seed, numRuns: count });
  return tally;
}

interface Job {
  readonly seed: number;
  readonly count: number;
}

if (process.send) {
  process.on("message", ({ seed, count }: Job) => {
    graphs(seed, count).then(
      (tally) => process.send!({ tally, rss: process.memoryUsage.rss() }),
      (error: unknown) => {
        const { message, cause } = error as Error;
        process.send!({ failure: `${message}\n${cause === undefined ? "" : cause}` });
      },
    );
  });
}
