import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Graph, Node, Shape } from "../../src/graph/graph.ts";
import { optimize } from "../../src/graph/passes/index.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { validate } from "../../src/graph/validate.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { expectSame, graphOf, names, ops, PLAIN } from "./build.ts";

const INFINITY = Number.POSITIVE_INFINITY;

const BOUNDED = { clamp: { lo: -2, hi: 2 } };

/** One step of a random network: what it does, to which earlier value (0: the last), and two numbers that shape it. */
const step = fc.record({
  op: fc.constantFrom(
    "conv",
    "depthwise",
    "pointwise",
    "norm",
    "clamp",
    "pad",
    "deepen",
    "identity",
    "reshape",
    "pool",
    "mean",
    "add",
    "shift",
    "slope",
    "times",
    "gate",
  ),
  from: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(4) }),
  a: fc.nat(2),
  b: fc.nat(2),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function network(steps: readonly Step[], blank: boolean): Graph {
  const x: Shape = [2, 5, 4, 2];
  const nodes: Node[] = [];
  const constants: Record<string, Shape> = {};
  const values = ["x"];
  for (const [i, { op, from, a, b }] of steps.entries()) {
    const input = values[Math.max(values.length - 1 - from, 0)] as string;
    const [, h, w, c] = inferShapes(graphOf({ x, constants, nodes, outputs: ["x"], blank: true })).get(input) as [
      number,
      number,
      number,
      number,
    ];
    const name = `${op}${i}`;
    const on = { name, inputs: [input] };
    const constant = (role: string, shape: Shape) => {
      constants[`${name}/${role}`] = shape;
      return `${name}/${role}`;
    };
    const window = {
      strides: [1 + (a & 1), 1],
      dilations: [1, 1 + (b & 1)],
      padding: b === 0 || Math.min(h, w) < 5 ? "same" : b === 1 ? "valid" : { top: 1, bottom: a, left: 0, right: 2 },
    } as const;
    const pool = { ...on, size: [2, 1 + b], strides: [1 + a, 1], padding: "same" } as const;
    const made: Record<Step["op"], () => Node> = {
      conv: () => ({
        ...on,
        op: "conv2d",
        weights: constant("w", [1 + a, 3, c, 1 + b]),
        ...(a > 0 && { bias: constant("b", [1 + b]) }),
        ...window,
      }),
      depthwise: () => ({
        ...on,
        op: "depthwiseConv2d",
        weights: constant("w", [3, 1 + a, c, c < 4 ? 1 + (b & 1) : 1]),
        ...window,
      }),
      pointwise: () => ({ ...on, op: "conv2d", weights: constant("w", [1, 1, c, 2 + a]), ...PLAIN }),
      norm: () => ({
        ...{
          ...on,
          op: "batchNorm",
          epsilon: 0.01,
          mean: constant("mean", [c]),
          variance: constant("variance", [c]),
        },
        ...(a > 0 && { gamma: constant("gamma", [c]) }),
        ...(b > 0 && { beta: constant("beta", [c]) }),
      }),
      clamp: () => ({ ...on, op: "clamp", lo: a === 0 ? -INFINITY : a - 1.5, hi: b === 0 ? INFINITY : b }),
      pad: () => ({ ...on, op: "pad", padding: { top: a, bottom: b, left: b, right: a }, value: b === 2 ? 0.5 : 0 }),
      deepen: () => ({
        ...on,
        op: "pad",
        padding: { top: 0, bottom: a, left: 0, right: 0, front: b, back: a },
        value: 0,
      }),
      identity: () => ({ ...on, op: "identity" }),
      reshape: () => ({ ...on, op: "reshape", shape: [-1, h, w, c] }),
      pool: () => ({ ...pool, op: "maxPool" }),
      mean: () => ({ ...pool, op: "averagePool" }),
      add: () => ({ op: "add", name, inputs: [input, input] }),
      times: () => ({ op: (["mul", "sub", "maximum"] as const)[a]!, name, inputs: [input, input], ...(b && BOUNDED) }),
      gate: () => ({ ...on, op: b ? "mul" : "sub", operand: constant("gate", [[c], [h, 1, 1], [2, 1, 1, c]][a]!) }),
      slope: () => ({ ...on, op: "prelu", alpha: constant("alpha", [c]) }),
      shift: () => ({ ...on, op: "scaleShift", scale: constant("scale", [c]), shift: constant("shift", [c]) }),
    };
    nodes.push(made[op]());
    values.push(name);
  }
  return graphOf({ x, constants, nodes, blank });
}

describe("optimize", () => {
  it("makes 18 steps of MobileNet v1", () => {
    const graph = mobilenetV1({ resolution: 32, alpha: 0.25 });
    const after = optimize(graph);
    validate(after);
    const blocks = Array.from({ length: 14 }, (_, i) => `block${i}`);
    expect(names(after)).toEqual([...blocks, "output", "classifier/input", "classifier", "softmax"]);
    expect(ops(after).slice(0, 2)).toEqual(["conv2d", "separable"]);
    expect([...after.endPoints.keys()]).toEqual([...blocks, "output"]);
  });

  it("keeps what is asked for, and only that", () => {
    const graph = mobilenetV1({ resolution: 32, alpha: 0.25, top: "pool" });
    const after = optimize(graph, new Set(["block3/depthwise", "block5/pointwise/bn"]));
    expect(ops(after).filter((op) => op !== "separable")).toEqual([
      "conv2d",
      "depthwiseConv2d",
      "conv2d",
      "clamp",
      "globalAveragePool",
    ]);
    expect(names(after)).toEqual(
      expect.arrayContaining(["block3/depthwise", "block3", "block5/pointwise/bn", "block5"]),
    );
  });

  it("leaves the statistics of training alone", () => {
    const graph = mobilenetV1({ resolution: 32, alpha: 0.25, training: true });
    const after = optimize(graph);
    validate(after);
    expect(ops(after)).toEqual(ops(graph));
  });

  it("refuses to keep what is not there", () => {
    expect(() => optimize(mobilenetV1(), new Set(["block14"]))).toThrow(/expected names of values .*, got "block14"/);
  });

  it("changes no number of any network, whatever is kept", () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 9 }),
        fc.array(fc.nat(8), { maxLength: 3 }),
        (steps, kept) => {
          const graph = network(steps, false);
          const keep = new Set(kept.flatMap((i) => graph.nodes[i]?.name ?? []));
          const after = optimize(graph, keep);
          expectSame(graph, after, keep);
          // An architecture without numbers takes the same form.
          const blank = optimize(network(steps, true), keep);
          expect(blank.nodes).toEqual(after.nodes);
          const shapes = (g: Graph) => [...g.constants.values()].map(({ name, shape }) => [name, shape]);
          expect(shapes(blank)).toEqual(shapes(after));
          // There is nothing left to do.
          expect(optimize(after, keep).nodes).toEqual(after.nodes);
        },
      ),
      { numRuns: 300 },
    );
  });
});
