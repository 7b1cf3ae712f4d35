import { describe, expect, it } from "vitest";
import type { Constant, Conv2d, Graph, Node } from "../../src/graph/graph.ts";
import { optimize } from "../../src/graph/passes/index.ts";
import { validate } from "../../src/graph/validate.ts";
import { nameEndPoints } from "../../src/models/end-points.ts";
import { type MobilenetV1Options, mobilenetV1 } from "../../src/models/mobilenet-v1.ts";

/** A network of 32×32 pixels with the names that a stranger would give: v0, v1, … and no end points. */
function anonymous(options: MobilenetV1Options = {}): { graph: Graph; expected: Map<string, string> } {
  const graph = mobilenetV1({ alpha: 0.25, resolution: 32, ...options });
  const renamed = new Map(graph.nodes.map(({ name }, i) => [name, `v${i}`]));
  const to = (name: string) => renamed.get(name) ?? name;
  const nodes = graph.nodes.map((node) => ({ ...node, name: to(node.name), inputs: node.inputs.map(to) }));
  const expected = new Map([...graph.endPoints].map(([label, name]) => [label, to(name)]));
  return { graph: { ...graph, nodes, outputs: graph.outputs.map(to), endPoints: new Map() }, expected };
}

/** `graph` with each node replaced by several. */
const rewritten = (graph: Graph, rewrite: (node: Node) => Node[]): Graph => ({
  ...graph,
  nodes: graph.nodes.flatMap(rewrite),
});

/** With another constant and further nodes at the end. */
const extended = (graph: Graph, constant: Pick<Constant, "name" | "shape">, ...nodes: Node[]): Graph => ({
  ...graph,
  constants: new Map(graph.constants).set(constant.name, { dtype: "float32", ...constant }),
  nodes: [...graph.nodes, ...nodes],
});

const conv = (name: string, input: string, weights: string): Conv2d => ({
  ...{ op: "conv2d", name, inputs: [input], weights },
  ...{ strides: [1, 1], dilations: [1, 1], padding: "same" },
});

function found(graph: Graph): Map<string, string> {
  const named = nameEndPoints(graph);
  validate(named);
  return new Map(named.endPoints);
}

describe("nameEndPoints", () => {
  for (const reading of ["paper", "article"] as const) {
    it(`recognizes the ${reading}'s reading`, () => {
      const { graph, expected } = anonymous({ reading });
      expect(found(graph)).toEqual(expected);
    });
  }

  it("recognizes a network of gray pictures, whose first convolution is written as a depthwise one with a multiplier", () => {
    const { graph, expected } = anonymous({ alpha: 0.25 });
    const gray: Graph = {
      ...graph,
      inputs: graph.inputs.map((input) => ({ ...input, shape: [1, 32, 32, 1] })),
      constants: new Map(
        [...graph.constants].map(([name, constant]) => {
          const [kH, kW, inC, outC] = constant.shape;
          return [name, inC === 3 ? { ...constant, shape: [kH!, kW!, 1, outC!] } : constant];
        }),
      ),
      nodes: graph.nodes.map((node, i) => (i === 0 ? ({ ...node, op: "depthwiseConv2d" } as Node) : node)),
    };
    expect(found(gray)).toEqual(expected);
  });

  it("looks through ten thousand identities", () => {
    const { graph, expected } = anonymous();
    const { name } = graph.nodes.find(({ op }) => op === "clamp") as Node;
    const many = Array.from({ length: 10_000 }, (_, i): Node => {
      return { op: "identity", name: `i${i}`, inputs: [i === 0 ? name : `i${i - 1}`] };
    });
    const nodes = graph.nodes.flatMap((node) => {
      if (node.name === name) return [node, ...many];
      return node.inputs[0] === name ? [{ ...node, inputs: ["i9999"] }] : [node];
    });
    expect(found({ ...graph, nodes })).toEqual(expected);
  });

  it("looks through Keras's pads and identities", () => {
    const { graph, expected } = anonymous();
    const keras = rewritten(graph, (node) => {
      if ((node.op !== "conv2d" && node.op !== "depthwiseConv2d") || node.strides[0] !== 2) return [node];
      const [pad, same] = [`${node.name}_pad`, `${node.name}_same`];
      return [
        { op: "identity", name: same, inputs: node.inputs },
        { op: "pad", name: pad, inputs: [same], padding: { top: 0, bottom: 1, left: 0, right: 1 }, value: 0 },
        { ...node, inputs: [pad], padding: "valid" },
      ];
    });
    expect(keras.nodes.length).toBe(graph.nodes.length + 2 * 5);
    expect(found(keras)).toEqual(expected);
  });

  it("recognizes a converted network: folded norms, fused activations, a pool as large as the map", () => {
    const { graph, expected } = anonymous();
    const keep = new Set(graph.nodes.flatMap((node) => (node.op === "clamp" ? node.name : [])));
    const folded = optimize(graph, keep);
    expect(folded.nodes.filter(({ op }) => op === "depthwiseConv2d")).toHaveLength(13);
    const pooled = rewritten(folded, (node) => {
      if (node.op !== "globalAveragePool") return [node];
      const { name, inputs } = node;
      return [{ op: "averagePool", name, inputs, size: [1, 1], strides: [2, 2], padding: "valid" }];
    });
    expect(found(pooled)).toEqual(expected);
  });

  it("recognizes a detector's backbone, heads at two blocks and convolutions behind, without a pool", () => {
    const { graph, expected } = anonymous({ top: "pool" });
    const [block11, block13] = [expected.get("block11") as string, expected.get("block13") as string];
    const trunk = {
      ...graph,
      nodes: graph.nodes.filter(({ op }) => op !== "globalAveragePool"),
      outputs: ["head11", "head13"],
    };
    const heads = extended(
      extended(trunk, { name: "w11", shape: [1, 1, 128, 6] }, conv("head11", block11, "w11")),
      { name: "w13", shape: [1, 1, 256, 6] },
      ...[conv("head13", block13, "w13"), { ...conv("extra", block13, "w13"), strides: [2, 2] } as Node],
    );
    expected.delete("output");
    expect(found(heads)).toEqual(expected);
  });

  it("recognizes a network whose last blocks keep their resolution by dilation", () => {
    const { graph, expected } = anonymous();
    let strided = 0;
    const dilated = rewritten(graph, (node) => {
      if (node.op !== "depthwiseConv2d" || (node.strides[0] === 2 ? ++strided : strided) < 4) return [node];
      return [{ ...node, strides: [1, 1], dilations: [2, 2] }];
    });
    expect(found(dilated)).toEqual(expected);
  });

  it("keeps the end points that the graph has", () => {
    const { graph, expected } = anonymous();
    expect(found({ ...graph, endPoints: new Map([["mine", "v3"]]) })).toEqual(new Map([["mine", "v3"], ...expected]));
  });

  const others: [string, Graph][] = [
    ["fewer blocks", anonymous({ shallow: true }).graph],
    ["full convolutions", anonymous({ convolution: "full" }).graph],
    [
      "another activation",
      rewritten(anonymous().graph, (node) =>
        node.op === "clamp" ? [{ op: "hardSwish", name: node.name, inputs: node.inputs }] : [node],
      ),
    ],
    [
      "linear bottlenecks",
      rewritten(anonymous().graph, (node) =>
        node.op === "clamp" && node.name === "v8" ? [{ op: "identity", name: node.name, inputs: node.inputs }] : [node],
      ),
    ],
    [
      "no stride in its first layer",
      rewritten(anonymous().graph, (node) =>
        node.name === "v0" ? [{ ...(node as Conv2d), strides: [1, 1] }] : [node],
      ),
    ],
  ];
  for (const [name, graph] of others) {
    it(`leaves a network with ${name} as it is`, () => expect(nameEndPoints(graph)).toBe(graph));
  }

  it("leaves a graph with two of them as it is", () => {
    const { graph } = anonymous();
    const twin = graph.nodes.map((node) => ({
      ...node,
      name: `${node.name}_2`,
      inputs: node.inputs.map((input) => (input === "input" ? input : `${input}_2`)),
    }));
    const both = { ...graph, nodes: [...graph.nodes, ...twin] };
    expect(nameEndPoints(both)).toBe(both);
  });

  it("leaves more than 13 blocks as they are", () => {
    const { graph, expected } = anonymous({ top: "pool" });
    const block13 = expected.get("block13") as string;
    const more = extended(
      graph,
      { name: "dw", shape: [3, 3, 256, 1] },
      { ...conv("fourteenth", block13, "dw"), op: "depthwiseConv2d" },
    );
    expect(nameEndPoints(more)).toBe(more);
  });
});
