import { describe, expect, it } from "vitest";
import { clipped, within } from "../../src/engine/lower/windows.ts";
import { checkPlan } from "../../src/engine/plan/check.ts";
import { type Plan, type PlannedStep, plan } from "../../src/engine/plan/plan.ts";
import { KERNELS, type Kernel } from "../../src/engine/step.ts";
import { UnsupportedError } from "../../src/errors.ts";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { optimize } from "../../src/graph/passes/index.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { quantizedGraph } from "../cases/quantized-graphs.ts";
import { random } from "../cases/random.ts";
import { graphOf, PLAIN } from "../graph/build.ts";

const NETWORK = optimize(initialize(mobilenetV1({ alpha: 0.25, resolution: 64, classes: 10 }), 1));

/** x → conv c → depthwise d (3×3, padL 1) → max pool p; and z = concat(x, x). */
const SMALL = optimize(
  graphOf({
    x: [1, 6, 6, 4],
    constants: { wc: [3, 3, 4, 8], wd: [3, 3, 8, 1] },
    nodes: [
      { op: "conv2d", name: "c", inputs: ["x"], weights: "wc", ...PLAIN },
      { op: "depthwiseConv2d", name: "d", inputs: ["c"], weights: "wd", ...PLAIN },
      { op: "maxPool", name: "p", inputs: ["d"], size: [2, 2], strides: [2, 2], padding: "valid" },
      { op: "concat", name: "z", inputs: ["x", "x"], axis: 3 },
    ],
    outputs: ["p", "z"],
  }),
);

const BYTES = (() => {
  for (let seed = 0; ; seed++) {
    const graph = optimize(quantizedGraph(seed).graph);
    const { steps } = plan(graph);
    if (["separable_s8", "pwconv_s8"].every((kernel) => steps.some((step) => step.kernel === kernel))) return graph;
  }
})();

/** The plan with one step changed. */
function planted(
  source: Graph,
  kernel: Kernel,
  change: (step: PlannedStep, whole: Plan) => Partial<PlannedStep>,
): Plan {
  const whole = plan(source);
  const at = whole.steps.findIndex((step) => step.kernel === kernel);
  expect(at, `a step of ${kernel}`).toBeGreaterThanOrEqual(0);
  const steps = whole.steps.map((step, i) => (i === at ? { ...step, ...change(step, whole) } : step));
  return { ...whole, steps };
}

const field =
  (change: (f: PlannedStep["fields"], whole: Plan) => PlannedStep["fields"]) =>
  ({ fields }: PlannedStep, whole: Plan) => ({ fields: { ...fields, ...change(fields, whole) } });

describe("the checker passes sound plans", () => {
  it("of parts whose share of a row is no exact number", () => {
    const graph = graphOf({
      x: [1, 8, 9, 20],
      constants: { w: [1, 1, 20, 4] },
      nodes: [
        { op: "conv2d", name: "c", inputs: ["x"], weights: "w", ...PLAIN },
        { op: "concat", name: "y", inputs: ["x", "c", "x"], axis: 3 },
      ],
    });
    expect(() => checkPlan(plan(graph), graph)).not.toThrow();
  });

  it("of MobileNets, fused or with every value kept", () => {
    for (const [alpha, resolution] of [
      [0.25, 96],
      [1, 224],
    ] as const) {
      const graph = mobilenetV1({ alpha, resolution });
      for (const keep of [new Set<string>(), new Set(graph.nodes.map(({ name }) => name))]) {
        const optimized = optimize(graph, keep);
        checkPlan(plan(optimized, keep), optimized, keep);
      }
    }
  });

  it("of 200 random 8-bit graphs, in place and not", () => {
    for (let seed = 0; seed < 200; seed++) {
      const { graph } = quantizedGraph(seed);
      for (const keep of [new Set<string>(), new Set(graph.nodes.map(({ name }) => name))]) {
        const optimized = optimize(graph, keep);
        checkPlan(plan(optimized, keep), optimized, keep);
      }
    }
  });
});

describe("the checker finds planted faults", () => {
  const faults: Record<string, () => Plan> = {
    "a convolution reads another value's bytes": () =>
      planted(
        SMALL,
        "maxpool_f32",
        field((f) => ({ x: f.x! + 16 })),
      ),
    "an output past the arena": () =>
      planted(
        SMALL,
        "maxpool_f32",
        field((_, { arena, memory }) => ({ y: arena + memory.arena })),
      ),
    "an output over a living value": () =>
      planted(
        SMALL,
        "dwconv3x3_f32",
        field((_, { values }) => ({ y: values.get("x")!.address })),
      ),
    "an output in the weights": () =>
      planted(
        SMALL,
        "conv_f32",
        field((f) => ({ y: f.w! })),
      ),
    "an output over the step records": () =>
      planted(
        SMALL,
        "conv_f32",
        field((_, { stepsAt }) => ({ y: stepsAt })),
      ),
    "an output at its input, where that is no in-place kernel": () =>
      planted(
        SMALL,
        "dwconv3x3_f32",
        field((f) => ({ y: f.x! })),
      ),
    "scratch over the input": () =>
      planted(
        SMALL,
        "conv_f32",
        field((f) => ({ s: f.x! })),
      ),
    "scratch over the output": () =>
      planted(
        SMALL,
        "conv_f32",
        field((f) => ({ s: f.y! })),
      ),
    "a panel larger than its scratch": () =>
      planted(
        NETWORK,
        "separable_f32",
        field((f) => ({ tile: f.tile! * 64 })),
      ),
    "a tile that is no multiple of a row": () =>
      planted(
        NETWORK,
        "separable_f32",
        field((f) => ({ tile: f.tile! + 1 })),
      ),
    "more rows than the output has": () =>
      planted(
        SMALL,
        "conv_f32",
        field((f) => ({ rows: f.rows! + 1 })),
      ),
    "fewer rows than the output has": () =>
      planted(
        NETWORK,
        "gap_f32",
        field(() => ({ rows: 0 })),
      ),
    "an image higher than its tensor": () =>
      planted(
        SMALL,
        "conv_f32",
        field((f) => ({ inH: f.inH! + 1 })),
      ),
    "more channels than the weights": () =>
      planted(
        SMALL,
        "conv_f32",
        field((f) => ({ outC: f.outC! + 4 })),
      ),
    "weights of another step": () =>
      planted(
        SMALL,
        "conv_f32",
        field((_, { steps }) => ({ w: steps.find((s) => s.kernel === "dwconv3x3_f32")!.fields.w! })),
      ),
    "the sliding kernel with padL 2": () =>
      planted(
        SMALL,
        "dwconv3x3_f32",
        field(() => ({ padL: 2 })),
      ),
    "the sliding kernel with a dilation": () =>
      planted(
        SMALL,
        "dwconv3x3_f32",
        field(() => ({ dilationW: 2 })),
      ),
    "a dilation of 2³⁰ − 1": () =>
      planted(
        SMALL,
        "conv_f32",
        field(() => ({ dilationW: 2 ** 30 - 1, padL: 2 ** 31 - 3 })),
      ),
    "a dilation of 2³²": () =>
      planted(
        SMALL,
        "conv_f32",
        field(() => ({ dilationH: 2 ** 32 })),
      ),
    "a window of 2³²": () =>
      planted(
        SMALL,
        "maxpool_f32",
        field(() => ({ kH: 2 ** 32 })),
      ),
    "a stride of 0": () =>
      planted(
        SMALL,
        "maxpool_f32",
        field(() => ({ strideW: 0 })),
      ),
    "a number that is no whole one": () =>
      planted(
        SMALL,
        "conv_f32",
        field(() => ({ padT: 0.5 })),
      ),
    "another kernel's number": () =>
      planted(
        SMALL,
        "conv_f32",
        field(() => ({ kernel: KERNELS.dwconv_f32 })),
      ),
    "joined columns that leave a gap": () =>
      planted(
        SMALL,
        "copy",
        field((f) => ({ y: f.y! + 16 })),
      ),
    "joined columns wider than the row": () =>
      planted(
        SMALL,
        "copy",
        field((f) => ({ yPitch: f.yPitch! / 2 })),
      ),
    "8-bit columns past the packed ones": () =>
      planted(
        BYTES,
        "pwconv_s8",
        field((f) => ({ outC: f.outC! + 8 })),
      ),
    "an 8-bit panel larger than its scratch": () =>
      planted(
        BYTES,
        "separable_s8",
        field((f) => ({ tile: f.tile! * 256 })),
      ),
    "a zero point of 300": () =>
      planted(
        BYTES,
        "pwconv_s8",
        field(() => ({ zw: 300 })),
      ),
    "bounds beyond 8 bits": () =>
      planted(
        BYTES,
        "pwconv_s8",
        field(() => ({ qhi: 128 })),
      ),
    "memory that ends before the arena": () => ({ ...plan(SMALL), memory: { ...plan(SMALL).memory, total: 4096 } }),
    "weights that overlap": () => {
      const whole = plan(SMALL);
      return { ...whole, weights: whole.weights.map((w) => ({ ...w, address: whole.weights[0]!.address })) };
    },
    "a step left out": () => ({ ...plan(SMALL), steps: plan(SMALL).steps.slice(1) }),
    "two steps in the wrong order": () => ({ ...plan(SMALL), steps: [...plan(SMALL).steps].reverse() }),
    "an output whose bytes were reused": () => {
      const whole = plan(SMALL);
      const values = new Map(whole.values);
      values.set("p", { ...values.get("p")!, address: values.get("z")!.address });
      return { ...whole, values };
    },
  };
  for (const [name, fault] of Object.entries(faults)) {
    it(name, () => {
      const source = /8-bit|zero point|beyond 8/.test(name)
        ? BYTES
        : /panel|tile|fewer rows/.test(name)
          ? NETWORK
          : SMALL;
      checkPlan(plan(source), source);
      expect(() => checkPlan(fault(), source)).toThrow(UnsupportedError);
    });
  }

  it("graphs whose dtypes disagree, had validation let them through", () => {
    const q = { scales: [0.1], zeroPoints: [0], axis: 0 };
    const bad = (nodes: Node[]): Graph => ({
      ...{ name: "g", inputs: [{ name: "x", shape: [1, 64], dtype: "int8", quantization: q }], constants: new Map() },
      ...{ nodes, outputs: [nodes.at(-1)!.name], endPoints: new Map(), source: { format: "test" } },
    });
    for (const graph of [
      bad([{ op: "dequantize", name: "y", inputs: ["x"], dtype: "int8", quantization: q }]),
      bad([{ op: "clamp", name: "y", inputs: ["x"], lo: -1, hi: 1 }]),
      bad([
        { op: "reshape", name: "y", inputs: ["x"], shape: [64] },
        { op: "clamp", name: "z", inputs: ["y"], lo: -1, hi: 1 },
      ]),
    ]) {
      expect(() => checkPlan(plan(graph), graph)).toThrow(UnsupportedError);
    }
  });
});

/** Which taps of which output lie at which pixel: all that a window means. */
function seen({ size, out, taps, stride, dilation, pad }: Parameters<typeof within>[0]): string[] {
  return Array.from({ length: out * taps }, (_, i) => [Math.floor(i / taps), i % taps] as const)
    .map(([o, t]) => [o, t, o * stride - pad + t * dilation] as const)
    .filter(([, , position]) => position >= 0 && position < size)
    .map(String);
}

describe("windows in small numbers", () => {
  const numbers = random("windows");
  const axes = Array.from({ length: 20_000 }, () => ({
    ...{ size: numbers.int(1, 6), out: numbers.int(1, 4), taps: numbers.int(1, 5), stride: numbers.int(1, 4) },
    ...{ dilation: numbers.int(1, 40), pad: numbers.int(0, 60) },
  }));

  it("see the same pixels with the same taps", () => {
    for (const axis of axes) {
      const small = within(axis);
      expect(seen(small), JSON.stringify(axis)).toEqual(seen(axis));
      expect(small.dilation).toBeLessThanOrEqual(axis.size + axis.out * axis.stride);
    }
    const huge = within({ size: 4, out: 4, taps: 5, stride: 1, dilation: 2 ** 31 - 1, pad: 2 * (2 ** 31 - 1) });
    expect(huge).toMatchObject({ dilation: 7, pad: 14 });
  });

  it("of pools see the same pixels", () => {
    const pixelsOf = (axis: (typeof axes)[number]) => seen(axis).map((entry) => entry.replace(/,\d+,/, ":"));
    for (const axis of axes) {
      const pool = { ...axis, dilation: 1, pad: Math.min(axis.pad, axis.taps - 1) };
      if ((pool.out - 1) * pool.stride - pool.pad >= pool.size) continue;
      const small = clipped(pool);
      expect(pixelsOf(small), JSON.stringify(pool)).toEqual(pixelsOf(pool));
      expect(small.taps).toBeLessThanOrEqual(2 * (axis.size + axis.out * axis.stride));
    }
  });
});
