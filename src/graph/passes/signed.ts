/**
 * Unsigned bytes become signed ones: one arithmetic serves both.
 * @module
 */
import { GraphBuilder } from "../builder.ts";
import type { Constant, Graph, Node, Quantization } from "../graph.ts";
import { protectedNames, rebuild } from "./rebuild.ts";

/** What unsigned numbers and their zero points lose to become signed. */
const OFFSET = 128;

/**
 * Every uint8 value and constant in int8: numbers and zero points 128 lower, meanings the same. Inputs, outputs and the
 * values in `keep` keep type and name: a `quantize` node behind or before them, which flips one bit, joins them to the
 * rest.
 */
export function signed(graph: Graph, keep: ReadonlySet<string>): Graph {
  if (![...graph.inputs, ...graph.nodes, ...graph.constants.values()].some(({ dtype }) => dtype === "uint8"))
    return graph;
  const builder = GraphBuilder.of(graph);
  const visible = protectedNames(graph, keep);
  /** From now on the name means the value's signed form. */
  const rename = (name: string) => {
    const inner = builder.claim(`${name}/int8`);
    builder.alias(name, inner);
    return inner;
  };
  for (const { name, dtype, quantization } of graph.inputs) {
    if (dtype !== "uint8") continue;
    builder.addNode({ op: "quantize", name: rename(name), inputs: [name], ...signedType({ quantization }) });
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => builder.current(name));
    if (node.dtype !== "uint8") {
      builder.addNode({ ...node, inputs });
      continue;
    }
    const name = visible.has(node.name) ? rename(node.name) : node.name;
    builder.addNode({ ...node, name, inputs, ...signedType(node) } as Node);
    if (name === node.name) continue;
    const { quantization } = node;
    const type = { dtype: "uint8" as const, ...(quantization && { quantization }) };
    builder.addNode({ op: "quantize", name: node.name, inputs: [name], ...type });
  }
  const constants = new Map([...graph.constants].map(([name, constant]) => [name, signedConstant(constant)]));
  return rebuild(graph, builder.nodes, constants);
}

function signedType({ quantization }: { readonly quantization?: Quantization | undefined }) {
  return { dtype: "int8" as const, ...(quantization && { quantization: lowered(quantization) }) };
}

function lowered(quantization: Quantization): Quantization {
  return { ...quantization, zeroPoints: quantization.zeroPoints.map((z) => z - OFFSET), unsigned: true };
}

/** Bytes 128 lower: their top bits flipped, four at a time. */
function signedBytes(data: ArrayLike<number>): Int8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data);
  const words = new Uint32Array(bytes.buffer, 0, bytes.length >> 2);
  for (let i = 0; i < words.length; i++) words[i]! ^= 0x80808080;
  for (let i = 4 * words.length; i < bytes.length; i++) bytes[i]! ^= 0x80;
  return new Int8Array(bytes.buffer);
}

function signedConstant(constant: Constant): Constant {
  if (constant.dtype !== "uint8") return constant;
  const { data, quantization } = constant;
  return {
    ...constant,
    dtype: "int8",
    ...(data && { data: signedBytes(data) }),
    ...(quantization && { quantization: lowered(quantization) }),
  };
}
