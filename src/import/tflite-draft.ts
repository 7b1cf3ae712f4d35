/**
 * A graph in the making out of a TFLite file: what its tensors have become so far.
 * @module
 */
import type { Constant, Node, Quantisation, Shape, TensorData } from "../graph/graph.ts";
import { nodeShape } from "../graph/shape.ts";
import type { Budget } from "../limits.ts";
import { Blockers } from "./blockers.ts";
import { Names } from "./names.ts";
import type { Known } from "./tflite-fold.ts";
import type { ModelFile, TensorInfo } from "./tflite-schema.ts";

/** A constant whose numbers are not made yet. */
interface Promised {
  readonly constant: Constant;
  readonly make: () => TensorData | Promise<TensorData>;
}

/** What is known of a constant beside its name and numbers. */
export interface Stored {
  readonly shape: Shape;
  readonly dtype: Constant["dtype"];
  readonly quantisation?: Quantisation;
  /** Bytes of its numbers once they are made. */
  readonly bytes: number;
}

/** What has been built so far. */
export class TfliteDraft {
  readonly file: ModelFile;
  readonly budget: Budget;
  /** Values by the tensors that hold them: inputs, and what operators have computed. */
  readonly values = new Map<number, string>();
  /** Tensors that hold constants: those of the tensor that they were dequantised from. */
  readonly aliases = new Map<number, TensorInfo>();
  /** Tensors of whole numbers that operators have made of what is known beforehand: shapes, sizes. */
  readonly integers = new Map<number, Known>();
  readonly nodes: Node[] = [];
  /** Shapes of values and constants by name. */
  readonly shapes = new Map<string, Shape>();
  readonly blockers = new Blockers();
  /** Tensors that what is not supported would have computed. */
  readonly blocked = new Set<number>();
  /** Whether an input has been given another size than the file declares, so that the sizes behind it are others too. */
  resized = false;
  readonly #names = new Names();
  /** Constants by the tensor and layout that they are made of. */
  readonly #stored = new Map<string, string>();
  readonly #promised: Promised[] = [];

  constructor(file: ModelFile, budget: Budget) {
    this.file = file;
    this.budget = budget;
  }

  /** Claims a name for a value: the tensor's, with `_1`, `_2` … where that is taken. */
  claim(name: string): string {
    return this.#names.claim(name);
  }

  /** Adds a node whose name has been claimed. */
  add(node: Node): void {
    this.shapes.set(node.name, nodeShape(node, this.shapes));
    this.nodes.push(node);
  }

  /**
   * Adds a constant made of a tensor; one that several operators read in the same layout is stored once. Its numbers are made at the end, once the file has
   * turned out to be sound, but they count at once.
   */
  store(tensor: TensorInfo, layout: string, { bytes, ...rest }: Stored, make: Promised["make"]): string {
    const key = `${tensor.index}:${layout}`;
    const known = this.#stored.get(key);
    if (known !== undefined) return known;
    const name = this.claim(nameOf(tensor));
    this.budget.unpack(bytes, `tflite, tensor ${tensor.index} '${shownName(tensor)}'`);
    this.#promised.push({ constant: { name, ...rest }, make });
    this.shapes.set(name, rest.shape);
    this.#stored.set(key, name);
    return name;
  }

  /** The constants, their numbers still to come: an architecture. */
  get architecture(): Map<string, Constant> {
    return new Map(this.#promised.map(({ constant }) => [constant.name, constant]));
  }

  /** The constants with their numbers. */
  async constants(): Promise<Map<string, Constant>> {
    const constants = new Map<string, Constant>();
    for (const { constant, make } of this.#promised) {
      await this.budget.turn();
      constants.set(constant.name, { ...constant, data: await make() });
    }
    return constants;
  }
}

/** A tensor's own name, or one for it. */
export function nameOf(tensor: TensorInfo): string {
  return tensor.name === "" ? `tensor${tensor.index}` : tensor.name;
}

/** Characters of a name that messages show: names can be as long as a file. */
const LONGEST = 240;

/** A tensor's name as messages show it. */
export function shownName(tensor: TensorInfo): string {
  const name = nameOf(tensor);
  return name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name;
}
