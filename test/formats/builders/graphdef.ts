/**
 * Writes TF.js graph models: a TensorFlow GraphDef in JSON, with random weights.
 * @module
 */
import { random } from "../../cases/random.ts";
import { type Files, filesOf, type Json, type Spec } from "./tfjs.ts";

export const text = (value: string) => ({ s: Buffer.from(value).toString("base64") });
export const ints = (...values: number[]) => ({ list: { i: values.map(String) } });
export const texts = (...values: string[]) => ({ list: { s: values.map((value) => text(value).s) } });
export const FLOAT = { type: "DT_FLOAT" };

/** A GraphDef in the making, with its weights. */
export class GraphFile {
  readonly nodes: Json[] = [];
  readonly specs: Spec[] = [];
  readonly parts: Uint8Array[] = [];
  private readonly random = random("tfjs graph");

  placeholder(name: string, ...shape: number[]): this {
    return this.node(name, "Placeholder", [], {
      dtype: FLOAT,
      shape: { shape: { dim: shape.map((size) => ({ size: `${size}` })) } },
    });
  }

  /** Adds a node as it is. */
  push(node: Json): this {
    this.nodes.push(node);
    return this;
  }

  node(name: string, op: string, input: string[], attr: Json = {}): this {
    return this.push({ name, op, input, attr: { T: FLOAT, ...attr } });
  }

  /** Random floats, from `lo` to `hi`. */
  weight(name: string, shape: number[], lo = -1, hi = 1): this {
    const size = shape.reduce((product, n) => product * n, 1);
    return this.constant(
      name,
      shape,
      Float32Array.from({ length: size }, () => lo + (hi - lo) * this.random.next()),
    );
  }

  constant(name: string, shape: number[], data: Float32Array | Int32Array): this {
    const dtype = data instanceof Int32Array ? "int32" : "float32";
    this.specs.push({ name, shape, dtype });
    this.parts.push(new Uint8Array(data.buffer));
    return this.node(name, "Const", [], { dtype: { type: dtype === "int32" ? "DT_INT32" : "DT_FLOAT" } });
  }

  list(name: string, ...values: number[]): this {
    return this.constant(name, [values.length], Int32Array.from(values));
  }

  get data(): Uint8Array {
    return Uint8Array.from(this.parts.flatMap((part) => [...part]));
  }

  model(...outputs: string[]): Json {
    const signature = outputs.length && {
      outputs: Object.fromEntries(outputs.map((name) => [name, { name: `${name}:0` }])),
    };
    return {
      format: "graph-model",
      modelTopology: { node: this.nodes, versions: {} },
      ...(signature && { signature }),
    };
  }

  files(...outputs: string[]): Files {
    return filesOf(this.model(...outputs), this.specs, this.data, 1000);
  }
}

/** Attributes of a convolution or a pool. */
export const window = (strides: number, padding: string, more: Json = {}) => {
  return {
    strides: ints(1, strides, strides, 1),
    padding: text(padding),
    dilations: ints(1, 1, 1, 1),
    data_format: text("NHWC"),
    ...more,
  };
};
