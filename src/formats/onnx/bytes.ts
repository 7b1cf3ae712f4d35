/**
 * Networks of QuantizeLinear and DequantizeLinear pairs in 8 bits: what computes between such a pair becomes the node
 * that reads and writes bytes itself. All bytes are signed then, unsigned ones 128 lower; only what goes in and comes
 * out of the network keeps its type. What there is no such node for stays between the pair, in float32.
 * @module
 */

import type { Clamp, Graph, Node, Quantization, Shape } from "../../graph/graph.ts";
import { definitionOf } from "../../graph/ops/index.ts";
import { prune } from "../../graph/passes/prune.ts";
import { sameMeaning } from "../../graph/quant.ts";
import { readersOf, sizeOf } from "../../graph/references.ts";
import type { OnnxDraft } from "./draft.ts";
import type { StoredTensor } from "./operand.ts";

/** What unsigned numbers and their zero points lose to become signed. */
const OFFSET = 128;
/** Parts by which a bias's scale may be another one than the product of the other two: that of rounding. */
const NEAR = 1e-5;

/** A value in 8 bits, signed. */
interface Bytes {
  readonly name: string;
  readonly quantization: Quantization;
}

/** The graph in as many bytes as its pairs allow; the same graph where it has none. */
export function inBytes(graph: Graph, draft: OnnxDraft): Graph {
  const hasBytes = [...graph.inputs, ...graph.nodes].some(({ dtype }) => dtype === "int8" || dtype === "uint8");
  return hasBytes ? new ByteGraph(graph, draft).result() : graph;
}

class ByteGraph {
  private readonly graph: Graph;
  private readonly draft: OnnxDraft;
  private readonly nodes = new Map<string, Node>();
  private readonly old: ReadonlyMap<string, Node>;
  private readonly readers: ReadonlyMap<string, readonly Node[]>;
  private readonly outputs: ReadonlySet<string>;
  /** Signed bytes by the name of the value of 8 bits in the graph. */
  private readonly signed = new Map<string, Bytes>();
  /** Signed bytes by the name of the floats that were made of them. */
  private readonly behind = new Map<string, Bytes>();

  constructor(graph: Graph, draft: OnnxDraft) {
    this.graph = graph;
    this.draft = draft;
    this.old = new Map(graph.nodes.map((node) => [node.name, node]));
    this.readers = readersOf(graph);
    this.outputs = new Set(graph.outputs);
  }

  result(): Graph {
    for (const { name, dtype, quantization } of this.graph.inputs) {
      if ((dtype === "int8" || dtype === "uint8") && quantization) this.addInput(name, dtype, quantization);
    }
    for (const node of this.graph.nodes) {
      if (node.op === "quantize") this.addQuantize(node);
      else if (node.op === "dequantize") this.addDequantize(node);
      else if (node.dtype === "int8" || node.dtype === "uint8") this.addBytes(node);
      else this.push(node);
    }
    const constants = this.draft.builder.graph(this.graph).constants;
    return prune({ ...this.graph, constants, nodes: [...this.nodes.values()] }, new Set());
  }

  private push<N extends Node>(node: N): string {
    this.nodes.set(node.name, node);
    return node.name;
  }

  private addInput(name: string, dtype: "int8" | "uint8", quantization: Quantization): void {
    if (dtype === "int8") {
      this.signed.set(name, { name, quantization });
      return;
    }
    const lower = lowered(quantization);
    const inner = this.draft.builder.claim(`${name}/int8`);
    this.push({ op: "quantize", name: inner, inputs: [name], dtype: "int8", quantization: lower });
    this.signed.set(name, { name: inner, quantization: lower });
  }

  /** Adds the node that computes a value of 8 bits, and what makes it unsigned where it comes out of the network so. */
  private put(old: Node, make: (name: string, quantization: Quantization) => Node): void {
    const meaning = old.quantization!;
    if (old.dtype !== "uint8") {
      this.signed.set(old.name, { name: this.push(make(old.name, meaning)), quantization: meaning });
      return;
    }
    const quantization = lowered(meaning);
    const visible = this.outputs.has(old.name);
    const inner = visible ? this.draft.builder.claim(`${old.name}/int8`) : old.name;
    this.signed.set(old.name, { name: this.push(make(inner, quantization)), quantization });
    if (!visible) return;
    this.push({ op: "quantize", name: old.name, inputs: [inner], dtype: "uint8", quantization: meaning });
  }

  /** A node of 8 bits as it is. */
  private addBytes(node: Node): void {
    const inputs = node.inputs.map((name) => this.signed.get(name)!.name);
    this.put(node, (name, quantization) => ({ ...node, name, inputs, dtype: "int8", quantization }) as Node);
  }

  private addDequantize(node: Node): void {
    const bytes = this.signed.get(node.inputs[0]!)!;
    this.behind.set(node.name, bytes);
    this.push({ ...node, inputs: [bytes.name] });
  }

  private addQuantize(node: Node): void {
    const [input] = node.inputs as [string];
    const bytes = this.bytesOf(input);
    this.put(node, (name, quantization) => {
      if (bytes) return this.requantize(bytes, quantization, name);
      return this.computed(input, name, quantization) ?? quantize(input, name, quantization);
    });
  }

  /** The bytes that a float value was made of, under another shape too. */
  private bytesOf(name: string): Bytes | undefined {
    const known = this.behind.get(name);
    const node = this.old.get(name);
    if (known || (node?.op !== "reshape" && node?.op !== "identity")) return known;
    const from = this.bytesOf(node.inputs[0]!);
    if (from === undefined) return undefined;
    const { quantization } = from;
    const inner = this.draft.builder.claim(`${name}/int8`);
    this.push({ ...node, name: inner, inputs: [from.name], dtype: "int8", quantization });
    const bytes = { name: inner, quantization };
    this.behind.set(name, bytes);
    return bytes;
  }

  private requantize({ name: from, quantization: before }: Bytes, quantization: Quantization, name: string): Node {
    const op = sameMeaning(before, quantization) ? "identity" : "quantize";
    return { op, name, inputs: [from], dtype: "int8", quantization };
  }

  /** The name of bytes with a certain meaning. */
  private meaning(bytes: Bytes, quantization: Quantization): string {
    if (sameMeaning(bytes.quantization, quantization)) return bytes.name;
    return this.push(this.requantize(bytes, quantization, this.draft.builder.claim(`${bytes.name}/requantized`)));
  }

  /** The node that computes a float value, in 8 bits; undefined where there is none such. */
  private computed(value: string, name: string, quantization: Quantization): Node | undefined {
    const last = this.alone(value);
    if (last === undefined) return undefined;
    const layer = last.op === "clamp" ? this.alone(last.inputs[0]!) : undefined;
    if (last.op === "clamp" && layer && !hasBounds(layer) && definitionOf(layer).clamped) {
      const found = this.inEight(layer, name, quantization, last);
      if (found) return found;
    }
    return this.inEight(last, name, quantization);
  }

  /** The node that computes a value, where only one reads it. */
  private alone(value: string): Node | undefined {
    const several = (this.readers.get(value) ?? []).length !== 1 || this.outputs.has(value);
    return several ? undefined : this.old.get(value);
  }

  private inEight(node: Node, name: string, quantization: Quantization, bounds?: Clamp): Node | undefined {
    const found = node.inputs.map((input) => this.bytesOf(input));
    if (found.includes(undefined)) return undefined;
    const bytes = found as Bytes[];
    const clamp = bounds && { clamp: { lo: bounds.lo, hi: bounds.hi } };
    const inputs = bytes.map(({ name }) => name);
    const type = { name, dtype: "int8", quantization } as const;
    switch (node.op) {
      case "conv2d":
      case "depthwiseConv2d":
      case "dense": {
        const constants = this.layerConstants(node.weights, node.bias, bytes[0]!.quantization);
        return constants && { ...node, ...clamp, ...constants, ...type, inputs };
      }
      case "add":
        return { ...node, ...clamp, ...type, inputs };
      case "clamp":
      case "sigmoid":
      case "hardSwish":
      case "globalAveragePool":
        return { ...node, ...type, inputs };
      case "softmax":
        if (quantization.scales[0] !== 1 / 256 || quantization.zeroPoints[0] !== -OFFSET) return undefined;
        return { ...node, ...type, inputs };
      case "concat":
      case "pad":
      case "resizeBilinear":
      case "maxPool":
      case "averagePool": {
        const same = bytes.map((one) => this.meaning(one, quantization));
        return { ...node, ...clamp, ...type, inputs: same } as Node;
      }
      default:
        return undefined;
    }
  }

  /** Weights and bias of a layer as the whole numbers that the file has; undefined where it has others. */
  private layerConstants(weights: string, bias: string | undefined, input: Quantization) {
    const { made, budget, builder } = this.draft;
    const { tensor: { stored } = {}, recipe } = made.get(weights)!;
    const meaning = stored && recipe.channels && weightsMeaning(stored, recipe.channels);
    if (!stored || !meaning) return undefined;
    const { tensor } = stored;
    const unsigned = tensor.type === "uint8";
    const key = JSON.stringify(["bytes", weights]);
    const { shape, arrange } = recipe;
    const w =
      builder.constantOf(key) ??
      builder.addConstant(
        tensor.name,
        { shape, dtype: "int8", quantization: meaning },
        async () => {
          budget.unpack(sizeOf(shape), `onnx: constant "${tensor.name}"`);
          const data = (await tensor.numbers(budget)) as Int8Array | Uint8Array;
          const all = arrange ? await arrange(data, budget) : data;
          return unsigned ? Int8Array.from(all, (q) => q - OFFSET) : (all as Int8Array);
        },
        key,
      );
    if (bias === undefined) return { weights: w };
    const scales = meaning.scales.map((scale) => scale * input.scales[0]!);
    return { weights: w, bias: this.wholeBias(bias, scales) };
  }

  /** A bias in the unit of the sums. */
  private wholeBias(bias: string, scales: readonly number[]): string {
    const { made, budget, builder } = this.draft;
    const { tensor, recipe, floats } = made.get(bias)!;
    const key = JSON.stringify(["bias", bias, scales]);
    const known = builder.constantOf(key);
    if (known !== undefined) return known;
    const { stored } = tensor;
    const { shape, arrange }: { shape: Shape; arrange?: typeof recipe.arrange } = recipe;
    const own = stored?.quantization.scales ?? [];
    const fits = (scale: number, i: number) => {
      const written = own[own.length === 1 ? 0 : i]!;
      return Math.abs(written - scale) <= NEAR * scale;
    };
    const asWritten = stored?.tensor.type === "int32" && (own.length === 1 || own.length === scales.length);
    const whole = asWritten && stored.quantization.zeroPoints.every((zero) => zero === 0) && scales.every(fits);
    return builder.addConstant(
      whole ? stored.tensor.name : tensor.name,
      { shape, dtype: "int32" },
      async () => {
        budget.unpack(4 * sizeOf(shape), `onnx: constant "${tensor.name}"`);
        if (whole && arrange === undefined) return (await stored.tensor.numbers(budget)) as Int32Array;
        const inUnits = (b: number, i: number) => Math.round(b / scales[scales.length === 1 ? 0 : i]!);
        const within = (q: number) => Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), q));
        return Int32Array.from(await floats(), (b, i) => within(inUnits(b, i)));
      },
      key,
    );
  }
}

function quantize(input: string, name: string, quantization: Quantization): Node {
  return { op: "quantize", name, inputs: [input], dtype: "int8", quantization };
}

function hasBounds(node: Node): boolean {
  return "clamp" in node && node.clamp !== undefined;
}

function lowered(quantization: Quantization): Quantization {
  return { ...quantization, zeroPoints: quantization.zeroPoints.map((zero) => zero - OFFSET) };
}

/** What signed weights mean; undefined where scales go along another axis, or zero points differ. */
function weightsMeaning(
  { tensor, quantization }: StoredTensor,
  { from, to }: { readonly from: number; readonly to: number },
): Quantization | undefined {
  const { scales, zeroPoints, axis } = quantization;
  if (tensor.type !== "int8" && tensor.type !== "uint8") return undefined;
  if (zeroPoints.some((zero) => zero !== zeroPoints[0]) || (scales.length > 1 && axis !== from)) return undefined;
  const meaning = { scales, zeroPoints, axis: to };
  return tensor.type === "uint8" ? lowered(meaning) : meaning;
}
