/**
 * What must not change an answer, to the bit: other names and another order of nodes, several images at once, channels
 * that nothing comes of. SEPCONV_SEED repeats a run.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accepts, VARIANTS, type Variant } from "../../src/engine/variant.ts";
import { UnsupportedError } from "../../src/errors.ts";
import type { Constant, Graph, Node, Shape } from "../../src/graph/graph.ts";
import { build, type Numbers } from "../../src/index.ts";
import { imageGraph } from "../cases/image-graphs.ts";
import { quantizedGraph } from "../cases/quantized-graphs.ts";
import { random } from "../cases/random.ts";
import { cook, recipes } from "./recipe.ts";

const SEED = Number(process.env.SEPCONV_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.info(`metamorphic tests: SEPCONV_SEED=${SEED} repeats this run`);

const variants = VARIANTS.filter(accepts);

async function answer(graph: Graph, input: Numbers, options: { variant: Variant; batch?: number }) {
  return (await build(graph, options)).run<Numbers>(input as Float32Array).outputs;
}

/** The same graph, its nodes called otherwise and in another order that computes everything before it is read. */
function renumbered(graph: Graph, seed: number): { graph: Graph; names: ReadonlyMap<string, string> } {
  const { int } = random(`order ${seed}`);
  const names = new Map(graph.nodes.map(({ name }, i) => [name, `v${(i * 7919 + seed) % 104729}`]));
  const renamed = graph.nodes.map((node) => ({
    ...node,
    name: names.get(node.name)!,
    inputs: node.inputs.map((name) => names.get(name) ?? name),
  })) as Node[];
  const nodes: Node[] = [];
  const left = [...renamed];
  const known = new Set(graph.inputs.map(({ name }) => name));
  while (left.length > 0) {
    const ready = left.filter(({ inputs }) => inputs.every((name) => known.has(name)));
    const next = ready[int(0, ready.length - 1)]!;
    nodes.push(next);
    known.add(next.name);
    left.splice(left.indexOf(next), 1);
  }
  return { graph: { ...graph, nodes, outputs: graph.outputs.map((name) => names.get(name)!) }, names };
}

describe("to the bit, an answer stays what it is", () => {
  it("when nodes are called otherwise and stand in another order", async () => {
    const property = fc.asyncProperty(recipes(), async (recipe) => {
      const { graph, input } = cook(recipe);
      for (const variant of variants) {
        let expected: Awaited<ReturnType<typeof answer>>;
        try {
          expected = await answer(graph, input, { variant });
        } catch (error) {
          if (error instanceof UnsupportedError) return;
          throw error;
        }
        const other = renumbered(graph, recipe.seed);
        const got = await answer(other.graph, input, { variant });
        for (const name of graph.outputs) expect(got[other.names.get(name)!], name).toEqual(expected[name]);
      }
    });
    await fc.assert(property, { seed: SEED, numRuns: 80 });
  });

  it("when several images are computed at once", async () => {
    for (let i = 0; i < 24; i++) {
      const { graph, input } = i % 2 ? imageGraph(SEED + i) : quantizedGraph(SEED + i);
      const [{ name, shape, dtype }] = graph.inputs as [Graph["inputs"][number]];
      const single = { ...graph, inputs: [{ ...graph.inputs[0]!, shape: [1, ...shape.slice(1)] }] };
      const size = shape.slice(1).reduce((a, b) => a * b, 1);
      const numbers = random(`${SEED} ${i} ${name}`);
      const images = [0, 1, 2].map(() =>
        dtype === "float32" ? numbers.floats(size) : (input.slice(0, size).map(() => numbers.int(0, 127)) as Numbers),
      );
      const together = new (input.constructor as Float32ArrayConstructor)(3 * size);
      images.forEach((image, n) => {
        together.set(image, n * size);
      });
      for (const variant of variants) {
        const all = (await answer(single, together, { variant, batch: 3 }))[graph.outputs[0]!]!;
        const each = await Promise.all(
          images.map(async (image) => (await answer(single, image, { variant }))[graph.outputs[0]!]!),
        );
        expect([...all], `graph ${SEED + i}, ${variant}`).toEqual(each.flatMap((one) => [...one]));
      }
    }
  });
});

/** A layer, and the same with channels in x that meet weights of 0, and channels in y that nobody asked for. */
function layerPair(
  seed: number,
  bytes: boolean,
): { graphs: [Graph, Graph]; inputs: [Numbers, Numbers]; own: number; all: number } {
  const { int, floats, next } = random(`channels ${seed}`);
  const [h, w, c, o] = [int(1, 6), int(1, 7), int(1, 20), int(1, 20)];
  const [moreC, moreO] = [int(1, 9), int(0, 9)];
  const kernel = [int(1, 3), int(1, 3)] as const;
  const meaning = (scale: number, zero: number) => ({ scales: [scale], zeroPoints: [zero], axis: 0 });
  const numbers = (length: number) => (bytes ? Int8Array.from({ length }, () => int(-127, 127)) : floats(length));
  const weights = numbers(kernel[0] * kernel[1] * c * o);
  const image = numbers(h * w * c);
  const biases = bytes ? Int32Array.from({ length: o }, () => int(-999, 999)) : floats(o);
  const graph = (inC: number, outC: number): Graph => {
    const shape: Shape = [...kernel, inC, outC];
    const data = numbers(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < data.length; i++) {
      const [tap, channel, out] = [Math.floor(i / outC / inC), Math.floor(i / outC) % inC, i % outC];
      if (out < o) data[i] = channel < c ? weights[(tap * c + channel) * o + out]! : 0;
    }
    const bias = (bytes ? new Int32Array(outC) : new Float32Array(outC)).fill(3);
    bias.set(biases as never);
    const dtype = bytes ? "int8" : "float32";
    const constants: Constant[] = [
      { name: "w", shape, dtype, data, ...(bytes && { quantization: meaning(0.01, 0) }) },
      { name: "b", shape: [outC], dtype: bytes ? "int32" : "float32", data: bias },
    ];
    const node = {
      ...{ op: "conv2d", name: "y", inputs: ["x"], weights: "w", bias: "b" },
      ...{ strides: [1, 1], dilations: [1, 1], padding: "same" },
      ...(bytes && { dtype, quantization: meaning(0.2, 4) }),
    } as Node;
    return {
      name: "layer",
      inputs: [{ name: "x", shape: [1, h, w, inC], dtype, ...(bytes && { quantization: meaning(0.1, 0) }) }],
      constants: new Map(constants.map((constant) => [constant.name, constant])),
      nodes: [node],
      outputs: ["y"],
      endPoints: new Map(),
      source: { format: "test" },
    };
  };
  const padded = numbers(h * w * (c + moreC));
  for (let i = 0; i < padded.length; i++) {
    const channel = i % (c + moreC);
    if (channel < c) padded[i] = image[Math.floor(i / (c + moreC)) * c + channel]!;
    else if (next() < 0.2) padded[i] = 0;
  }
  return { graphs: [graph(c, o), graph(c + moreC, o + moreO)], inputs: [image, padded], own: o, all: o + moreO };
}

describe("channels that meet weights of 0, and channels beside those that are looked at", () => {
  for (const bytes of [false, true]) {
    it(`change nothing, ${bytes ? "in 8 bits" : "in floats"}`, async () => {
      for (let i = 0; i < 40; i++) {
        const { graphs, inputs, own, all } = layerPair(SEED + i, bytes);
        // Relaxed SIMD may round a float otherwise in another lane; that is all it may do.
        for (const variant of variants.filter((each) => bytes || each !== "relaxed")) {
          const [plain, padded] = await Promise.all(
            graphs.map(async (graph, n) => (await answer(graph, inputs[n]!, { variant })).y!),
          );
          const part = Array.from(padded!).filter((_, at) => at % all < own);
          expect(
            part.map((v) => v + 0),
            `layer ${SEED + i}, ${variant}`,
          ).toEqual(Array.from(plain!, (v) => v + 0));
        }
      }
    });
  }
});
