import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseNpy } from "../../src/cli/npy.ts";
import { ShapeError, StateError, UnsupportedError } from "../../src/errors.ts";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { build, load, mobilenetV1 } from "../../src/index.ts";
import { classify, namer, scoresOf } from "../../src/vision/classify.ts";
import { decodeImage } from "../../src/vision/decode.ts";
import { missingShared, shared } from "../formats/builders/shared.ts";

/** A network that answers with the values of its only pixel (3 classes), followed by `nodes`. */
function pixels(nodes: readonly Node[], classes = 3): Graph {
  const flat: Node = { op: "reshape", name: "flat", inputs: ["x"], shape: [-1, classes] };
  return {
    name: "pixels",
    inputs: [{ name: "x", shape: [1, 1, classes === 3 ? 3 : 1, classes === 3 ? 1 : classes], dtype: "float32" }],
    constants: new Map(),
    nodes: [flat, ...nodes],
    outputs: [nodes.at(-1)?.name ?? "flat"],
    endPoints: new Map(),
    source: { format: "test", normalization: { mean: 0, std: 1 } },
  };
}

const row = (...data: number[]) =>
  ({ data: Uint8Array.from(data), width: data.length, height: 1, channels: 1 }) as const;

describe("classify", () => {
  it("puts logits through a softmax, best first", async () => {
    using session = await build(pixels([]));
    const { classes } = await classify(session, row(1, 3, 2));
    expect(classes.map(({ index }) => index)).toEqual([1, 2, 0]);
    const total = Math.exp(1) + Math.exp(2) + Math.exp(3);
    for (const { index, score, label } of classes) {
      expect(score).toBeCloseTo(Math.exp([1, 3, 2][index]!) / total, 6);
      expect(label).toBeNull();
    }
  });

  it("leaves a softmax's and a sigmoid's answers as they are", async () => {
    const reshaped: Node = { op: "reshape", name: "z", inputs: ["y"], shape: [-1, 3, 1] };
    using soft = await build(pixels([{ op: "softmax", name: "y", inputs: ["flat"], beta: 1 }, reshaped]));
    expect((await classify(soft, row(0, 0, 0))).classes.map(({ score }) => score)).toEqual(
      [1, 1, 1].map((x) => Math.fround(x / 3)),
    );
    using independent = await build(pixels([{ op: "sigmoid", name: "y", inputs: ["flat"] }, reshaped]));
    const { classes } = await classify(independent, row(0, 255, 0));
    expect(classes.map(({ score }) => score)).toEqual([1, 0.5, 0.5]);
    expect(classes.map(({ index }) => index)).toEqual([1, 0, 2]);
  });

  it("names classes, answers with as many as asked for, by the option's labels before the file's", async () => {
    const graph = pixels([]);
    using session = await build({ ...graph, source: { ...graph.source, labels: ["a", "b", "c"] } });
    const { classes } = await classify(session, row(1, 3, 2), { top: 2 });
    expect(classes.map(({ label }) => label)).toEqual(["b", "c"]);
    const other = await classify(session, row(1, 3, 2), { top: 9, labels: ["x", "y", "z"] });
    expect(other.classes.map(({ label }) => label)).toEqual(["y", "z", "x"]);
  });

  it("normalizes as the option says, else as the model says", async () => {
    using session = await build(pixels([]));
    const [first] = (await classify(session, row(0, 200, 0), { normalization: { mean: 0, std: 100 } })).classes;
    expect(first!.score).toBeCloseTo(Math.exp(2) / (Math.exp(2) + 2), 6);
  });

  it("refuses bad options, pictures and sessions, and goes on working", async () => {
    using session = await build(pixels([]));
    const refusals: [Promise<unknown>, new (...args: never[]) => Error, RegExp][] = [
      [classify(session, row(1, 2, 3), { top: 0 }), RangeError, /top: .*got 0/],
      [
        classify(session, row(1, 2, 3), { labels: ["a", "b"] }),
        ShapeError,
        /labels: expected .* 3 classes of output flat, got 2/,
      ],
      [classify(session, { ...row(1, 2, 3), width: 2 }), ShapeError, /picture/],
    ];
    for (const [refused, kind, message] of refusals) {
      await expect(refused).rejects.toThrow(kind);
      await expect(refused).rejects.toThrow(message);
    }
    expect((await classify(session, row(1, 2, 3))).classes[0]!.index).toBe(2);
    session.dispose();
    await expect(classify(session, row(1, 2, 3))).rejects.toThrow(StateError);
    using pair = await build(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 3, batch: 2 }));
    await expect(classify(pair, row(1, 2, 3))).rejects.toThrow(UnsupportedError);
  });

  const folder = shared("reference/vww_96_float");
  const model = shared("models/vww_96_float.tflite");
  const missing = missingShared(model) || missingShared(folder);
  it.skipIf(missing)("tells photographs with a person from those without, as the reference does", async () => {
    using session = await load(model);
    for (const name of ["cat.bmp", "bird.bmp", "grace_hopper.bmp", "parrot.jpg"]) {
      const picture = await decodeImage(new Uint8Array(readFileSync(shared(`images/${name}`))), { name });
      const { classes } = await classify(session, picture, {
        labels: ["no person", "person"],
        normalization: { mean: 0, std: 255 },
      });
      const npy = `${folder}/${name.split(".")[0]}.output.npy`;
      const { data } = parseNpy(new Uint8Array(readFileSync(npy)), npy);
      expect(classes[0]!.label, name).toBe(Number(data[1]) > 0.5 ? "person" : "no person");
      // The reference's pixels were rounded to whole numbers (and parrot.jpg was decoded by another decoder).
      for (const { index, score } of classes) expect(Math.abs(score - Number(data[index])), name).toBeLessThan(0.02);
    }
  });
});

describe("scoresOf", () => {
  it.each<[string, number[], Node["op"] | undefined, number[]]>([
    ["probabilities", [0.25, 0.75], undefined, [0.25, 0.75]],
    ["logits within [0, 1]", [0, 0], undefined, [0.5, 0.5]],
    ["logits so large that exp overflows", [1000, 0], undefined, [1, 0]],
    ["logits that look like probabilities", [0, 1], "dense", [1 / (1 + Math.E), Math.E / (1 + Math.E)]],
    ["one probability", [0.75], undefined, [0.25, 0.75]],
    ["one logit", [-Math.log(3)], undefined, [0.75, 0.25]],
    ["one sigmoid", [1], "sigmoid", [0, 1]],
    ["sigmoids that sum to more than 1", [0.75, 0.75], "sigmoid", [0.75, 0.75]],
  ])("%s", (_, output, op, scores) => {
    const got = scoresOf(Float32Array.from(output), op);
    expect(got).toHaveLength(scores.length);
    got.forEach((score, i) => {
      expect(score).toBeCloseTo(scores[i]!, 6);
    });
  });
});

describe("namer", () => {
  const imagenet = Array.from({ length: 1000 }, (_, i) => `class ${i}`);

  it("tells 1000 and 1001 apart", () => {
    const background = ["background", ...imagenet];
    expect(namer(imagenet, 1000, "y")(7)).toBe("class 7");
    expect(namer(background, 1001, "y")(8)).toBe("class 7");
    expect(namer(background, 1000, "y")(7)).toBe("class 7");
    expect(namer(imagenet, 1001, "y")(8)).toBe("class 7");
    expect(namer(imagenet, 1001, "y")(0)).toBe("background");
    expect(namer(undefined, 1001, "y")(8)).toBeNull();
  });

  it("does not guess", () => {
    expect(() => namer(["first", ...imagenet], 1000, "y")).toThrow(ShapeError);
    expect(() => namer(imagenet, 999, "y")).toThrow(/999 classes of output y, got 1000/);
    expect(() => namer(["a", "b"], 3, "y")).toThrow(ShapeError);
  });
});
