/**
 * A network that somebody has trained, made ready to learn other classes.
 * @module
 */
import type { Graph } from "../graph/graph.ts";
import { build } from "../index.ts";
import { type Batch, beforeLast, type Freeze } from "../train/index.ts";
import { automatic, endingIn } from "../vision/embed.ts";
import { trainHead } from "../vision/learn/index.ts";

/** What is trained beside the head: so many of the last blocks, all of them, or biases and batch norms alone. */
export type Blocks = number | "all" | "norms";

/**
 * The network with a head for other classes in place of its own. The head has been trained on the features of all
 * pictures, each computed once.
 * @param batches all pictures, a class for each
 * @param onProgress called with how many pictures are done
 */
export async function withHead(
  base: Graph,
  classes: readonly string[],
  batches: Iterable<Batch>,
  onProgress: (done: number) => void,
  signal: AbortSignal,
): Promise<Graph> {
  const session = await build(endingIn(base, automatic(base)));
  const byClass = Object.fromEntries(classes.map((name) => [name, [] as Float32Array[]]));
  let done = 0;
  for (const { inputs, labels } of batches) {
    const size = inputs.length / labels.length;
    for (let i = 0; i < labels.length; i++) {
      signal.throwIfAborted();
      const { output } = session.run(inputs.subarray(i * size, (i + 1) * size));
      byClass[classes[labels[i]!]!]!.push(output.slice());
      onProgress(++done);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  session.dispose();
  const { head } = await trainHead(byClass, { signal });
  return head.on(base);
}

/** Which blocks learn. @throws RangeError for other words */
export function blocks(text: string): Blocks {
  if (text === "all" || text === "norms") return text;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 0 && text.trim() !== "") return count;
  throw new RangeError(`--blocks: expected a number of blocks, "all" or "norms", got "${text}"`);
}

/** What a trainer is to leave alone; undefined: nothing. @throws RangeError for more blocks than there are */
export function frozenBefore(graph: Graph, blocks: Blocks): Freeze | undefined {
  if (blocks === "all") return undefined;
  if (blocks === "norms") {
    return ({ name, role }) =>
      !name.startsWith("head/") && !["bias", "gamma", "beta", "mean", "variance"].includes(role);
  }
  return beforeLast(graph, blocks);
}
