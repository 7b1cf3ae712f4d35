/**
 * A graph in the making out of a TFLite file: what its tensors have become so far.
 * @module
 */
import { GraphBuilder, type Make } from "../../graph/builder.ts";
import type { Constant, Detector, PoseHeads, Quantization, Shape, Suppression } from "../../graph/graph.ts";
import type { Budget } from "../../limits.ts";
import { Blockers } from "../common/blockers.ts";
import type { Known } from "../common/integers.ts";
import type { ModelFile, TensorInfo } from "./schema.ts";

/** What is known of a constant beside its name and numbers. */
export interface Stored {
  readonly shape: Shape;
  readonly dtype: Constant["dtype"];
  readonly quantization?: Quantization;
  /** Bytes of its numbers once they are made. */
  readonly bytes: number;
}

/** What there is of a detector in a file, its anchors still to be read. */
export interface Detection {
  /** The tensors that the operator would have computed: boxes, classes, scores, their number. */
  readonly outputs: readonly number[];
  readonly boxes: string;
  readonly scores: string;
  readonly anchors: TensorInfo;
  readonly scales: Detector["scales"];
  readonly suppression: Suppression;
  readonly classes: number;
  /** Columns of scores before the classes': the background's, as a rule. */
  readonly before: number;
}

/** What there is of a pose decoder in a file. */
export interface PoseDecoding {
  /** The tensors that the operator would have computed. */
  readonly outputs: readonly number[];
  readonly heads: PoseHeads;
  /** What it reads, in its order: the outputs instead. */
  readonly values: readonly string[];
}

/** What has been built so far. */
export class TfliteDraft {
  readonly file: ModelFile;
  readonly budget: Budget;
  /** Values by the tensors that hold them: inputs, and what operators have computed. */
  readonly values = new Map<number, string>();
  /** Constants that are read like values: the values that they have become, by their tensors. */
  readonly constants = new Map<number, string>();
  /** Tensors that hold constants: those of the tensor that they were dequantized from. */
  readonly aliases = new Map<number, TensorInfo>();
  /** Tensors of whole numbers that operators have made of what is known beforehand: shapes, sizes. */
  readonly integers = new Map<number, Known>();
  readonly builder = new GraphBuilder();
  /** What the file's last operator says of boxes, where it is one that nothing is run of. */
  detection: Detection | undefined;
  /** The same of poses. */
  pose: PoseDecoding | undefined;
  readonly blockers = new Blockers();
  /** Values of 8 bits without a scale, whose numbers mean what they are: pixels until they are cast to floats. */
  readonly raw = new Set<number>();
  /** Tensors that what is not supported would have computed. */
  readonly blocked = new Set<number>();
  /**
   * Whether an input has been given another size than the file declares, so that the sizes behind it are others too.
   */
  resized = false;

  constructor(file: ModelFile, budget: Budget) {
    this.file = file;
    this.budget = budget;
  }

  /** Claims a name for a value: the tensor's, with `_1`, `_2` … where that is taken. */
  claim(name: string): string {
    return this.builder.claim(name);
  }

  /** The shape of the value that a tensor holds; undefined where it holds none. */
  shapeOf(index: number): Shape | undefined {
    const value = this.values.get(index);
    return value === undefined ? undefined : this.builder.shapeOf(value);
  }

  /**
   * Adds a constant made of a tensor; one that several operators read in the same layout is stored once. Its numbers
   * are made at the end, once the file has turned out to be sound, but they count at once.
   */
  store(tensor: TensorInfo, layout: string, { bytes, ...fields }: Stored, make: Make): string {
    const key = `${tensor.index}:${layout}`;
    const known = this.builder.constantOf(key);
    if (known !== undefined) return known;
    this.budget.unpack(bytes, `tflite, tensor ${tensor.index} '${shownName(tensor)}'`);
    return this.builder.addConstant(nameOf(tensor), fields, make, key);
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
