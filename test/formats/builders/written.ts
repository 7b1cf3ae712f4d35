/**
 * Files that `toTflite` wrote, kept for a reader that is not ours: with the variable SEPCONV_WRITTEN, a folder, each is
 * put there with an input and what the session answers.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { toTflite } from "../../../src/formats/tflite/write.ts";
import type { Graph, Node, Quantization } from "../../../src/graph/graph.ts";
import type { Numbers } from "../../../src/index.ts";
import { toReal } from "../../../src/vision/real.ts";

const folder = process.env.SEPCONV_WRITTEN;
let count = 0;

const kept = (numbers: Numbers) => ({
  dtype: numbers.constructor.name,
  base64: Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString("base64"),
});

/** How many bits a value has, and what they mean. */
function typeOf(graph: Graph, name: string): { readonly dtype: string; readonly quantization?: Quantization } {
  const { dtype = "float32", quantization } = (graph.nodes.find((node) => node.name === name) ??
    graph.inputs.find((input) => input.name === name)) as { dtype?: string; quantization?: Quantization };
  return { dtype, ...(quantization && { quantization }) };
}

/** The step that an 8-bit value's numbers are apart; of a float that was made of one, that one's. */
function stepOf(graph: Graph, name: string): number | undefined {
  const node = graph.nodes.find((one) => one.name === name);
  if (node?.op === "dequantize") return typeOf(graph, node.inputs[0]!).quantization!.scales[0];
  return undefined;
}

/** The same graph with floats in place of int8 at both ends: LiteRT.js has no tensors of int8. */
function withFloats(graph: Graph): Graph {
  const nodes: Node[] = [];
  const inputs = graph.inputs.map((input) => {
    if (input.dtype !== "int8") return input;
    const { name, dtype, quantization } = input;
    nodes.push({ op: "quantize", name, inputs: [`${name} as floats`], dtype, quantization: quantization! });
    return { name: `${name} as floats`, shape: input.shape, dtype: "float32" as const };
  });
  nodes.push(...graph.nodes);
  const outputs = graph.outputs.map((name) => {
    if (typeOf(graph, name).dtype !== "int8") return name;
    nodes.push({ op: "dequantize", name: `${name} as floats`, inputs: [name] });
    return `${name} as floats`;
  });
  return { ...graph, inputs, nodes, outputs };
}

/** Numbers as the other reader gets them. */
function asFloats(graph: Graph, name: string, numbers: Numbers): Numbers {
  const { dtype, quantization } = typeOf(graph, name);
  if (dtype !== "int8") return numbers;
  const [scale, zeroPoint] = [quantization!.scales[0]!, quantization!.zeroPoints[0]!];
  return toReal(numbers, { name, shape: [], dtype, scale, zeroPoint });
}

/** Keeps a file, where that was asked for. */
export async function keepWritten(graph: Graph, input: Numbers, outputs: readonly Numbers[]): Promise<void> {
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const { currentTestName: test = "", testPath = "" } = expect.getState();
  const name = `${testPath.replace(/^.*\/|\.test\.ts$/g, "")}-${String(count++).padStart(3, "0")}`;
  const [{ shape, name: first }] = graph.inputs as [Graph["inputs"][0]];
  const floats = withFloats(graph);
  const told = {
    ...{ test, shape, layers: graph.nodes.length },
    input: kept(asFloats(graph, first, input)),
    outputs: graph.outputs.map((output, i) => {
      const step = stepOf(floats, floats.outputs[i]!);
      return { ...kept(asFloats(graph, output, outputs[i]!)), ...(step !== undefined && { step }) };
    }),
  };
  writeFileSync(join(folder, `${name}.tflite`), await toTflite(floats));
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(told));
}
