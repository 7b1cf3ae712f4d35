/**
 * The last look at a graph that was made of a file: what does not fit together in it is the file's fault, not the
 * caller's.
 * @module
 */
import { FormatError, SepconvError, ShapeError, UnsupportedError } from "../../errors.ts";
import type { Graph } from "../../graph/graph.ts";
import { sizeOf } from "../../graph/references.ts";
import { inferShapes, show } from "../../graph/shape.ts";
import { validate } from "../../graph/validate.ts";
import type { Budget } from "../../limits.ts";

/**
 * The graph itself, which may lack the numbers of its constants.
 * @param format begins the messages
 * @throws FormatError naming the node or tensor whose settings make no sense, or whose shapes disagree
 * @throws UnsupportedError for a value of more numbers than can be counted along an axis or in all
 */
export async function checked(format: string, graph: Graph, budget: Budget): Promise<Graph> {
  if (graph.outputs.length === 0) throw new FormatError(`${format}: expected a model with an output, got none`);
  await budget.turn();
  try {
    validate(graph);
  } catch (error) {
    if (error instanceof SepconvError && !(error instanceof ShapeError)) throw error;
    throw new FormatError(`${format}: ${(error as Error).message}`, { cause: error });
  }
  await budget.turn();
  for (const [name, shape] of inferShapes(graph)) {
    if (shape.some((n) => n >= 2 ** 31) || !Number.isSafeInteger(sizeOf(shape))) {
      throw new UnsupportedError(`${format}: "${name}": expected sizes below 2³¹, got ${show(shape)}`);
    }
  }
  await budget.turn();
  return graph;
}
