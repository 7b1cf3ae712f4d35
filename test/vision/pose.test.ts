import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../src/errors.ts";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { build, open, pose, posesOf } from "../../src/index.ts";
import { paintPoses } from "../../src/vision/paint-poses.ts";
import { decodePoses } from "../../src/vision/pose-decode.ts";
import { BODY, BODY_33, BONES, EDGES } from "../../src/vision/skeleton.ts";
import { random } from "../cases/random.ts";
import { decode, drawn, grid, type Maps, TREE } from "../reference/poses.ts";

/** A standing person, in places of the maps: 17 points [y, x] around a middle. */
function standing(middle: number, top: number, size: number): [number, number][] {
  const places = [
    [0, 0],
    [-0.3, 0.3],
    [-0.3, -0.3],
    [-0.2, 0.7],
    [-0.2, -0.7],
    [2, 1.4],
    [2, -1.4],
    [4, 2],
    [4, -2],
    [6, 2.2],
    [6, -2.2],
    [6.2, 1],
    [6.2, -1],
    [9, 1.1],
    [9, -1.1],
    [12, 1.2],
    [12, -1.2],
  ] as const;
  return places.map(([y, x]) => [top + size * y, middle + size * x]);
}

const flat = (map: [number, number][][][]) =>
  Float32Array.from(map.flat().flatMap((list) => [...list.map(([y]) => y), ...list.map(([, x]) => x)]));

function asMaps({ height, width, heat, short, out, back }: Maps) {
  return {
    ...{ height, width, heatmaps: Float32Array.from(heat.flat(2)), shortOffsets: flat(short) },
    ...{ outward: flat(out), inward: flat(back) },
  };
}

const LIMITS = { minScore: 0.25, maxResults: 10, radius: 1.25 };
const found = (maps: Maps, limits = LIMITS) => decodePoses(asMaps(maps), limits);
const reference = (maps: Maps, { minScore, maxResults, radius } = LIMITS) => decode(maps, minScore, maxResults, radius);

/** What float32 maps leave of double precision. */
const CLOSE = 4;

function expectSame(ours: ReturnType<typeof found>, theirs: ReturnType<typeof reference>): void {
  expect(ours).toHaveLength(theirs.length);
  for (const [i, { score, points }] of theirs.entries()) {
    expect(ours[i]!.score).toBeCloseTo(score, CLOSE);
    for (const [k, [y, x, of]] of points.entries()) {
      expect(ours[i]!.points[k]!.y).toBeCloseTo(y, CLOSE);
      expect(ours[i]!.points[k]!.x).toBeCloseTo(x, CLOSE);
      expect(ours[i]!.points[k]!.score).toBeCloseTo(of, CLOSE);
    }
  }
}

describe("poses of maps", () => {
  it("are the people that the maps were drawn of, the nose in their order", () => {
    const people = [standing(5, 2, 1), standing(14, 4, 0.9)];
    const maps = drawn(20, 22, people);
    const poses = found(maps).sort((a, b) => a.points[0]!.x - b.points[0]!.x);
    expect(poses).toHaveLength(2);
    for (const [i, { points, score }] of poses.entries()) {
      expect(score).toBeGreaterThan(0.5);
      for (const [k, [y, x]] of people[i]!.entries()) {
        expect(points[k]!.y).toBeCloseTo(y, 3);
        expect(points[k]!.x).toBeCloseTo(x, 3);
      }
    }
    expectSame(found(maps), reference(maps));
  });

  it("of noise, are those of the plain decoder, whatever the limits", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const { next } = random(`poses ${seed}`);
      const [height, width] = [3 + (seed % 4), 2 + (seed % 5)];
      const pair = (reach: number): [number, number] => [reach * (next() - 0.5), reach * (next() - 0.5)];
      const maps: Maps = {
        ...{ height, width },
        heat: grid(height, width, 17, () => Math.fround(6 * next() - 3)),
        short: grid(height, width, 17, () => pair(1)),
        out: grid(height, width, 16, () => pair(6)),
        back: grid(height, width, 16, () => pair(6)),
      };
      const limits = {
        minScore: [0.25, 0.5, 0.05][seed % 3]!,
        maxResults: 1 + (seed % 5),
        radius: [0, 1, 2.5][seed % 3]!,
      };
      expectSame(found(maps, limits), reference(maps, limits));
    }
  });

  it("count only what no better pose has", () => {
    const [one, other] = [standing(6, 2, 1), standing(13, 2, 1)];
    // The same legs: hips, knees, ankles.
    const joined = other.map((place, i) => (i >= 11 ? one[i]! : place)) as typeof other;
    const maps = drawn(20, 20, [one, joined]);
    const [first, second] = found(maps);
    const legs = second!.points.slice(11).reduce((sum, { score }) => sum + score, 0) / 17;
    const mean = second!.points.reduce((sum, { score }) => sum + score, 0) / 17;
    expect(second!.score).toBeCloseTo(mean - legs, 5);
    expect(first!.score).toBeGreaterThan(second!.score);
    expectSame(found(maps), reference(maps));
  });

  it("of numbers that are none are nobody, and end", () => {
    const maps = asMaps(drawn(4, 4, [standing(2, 1, 0.2)]));
    const none = (map: Float32Array) => map.map(() => Number.NaN);
    expect(decodePoses({ ...maps, heatmaps: none(maps.heatmaps) }, LIMITS)).toEqual([]);
    expect(decodePoses({ ...maps, outward: none(maps.outward), inward: none(maps.inward) }, LIMITS)).toEqual([]);
    expect(decodePoses({ ...maps, shortOffsets: none(maps.shortOffsets) }, LIMITS)).toEqual([]);
  });

  it("has names for points, edges and bones that are each other's", () => {
    expect([BODY.length, BODY_33.length, new Set(BODY_33).size, EDGES.length]).toEqual([17, 33, 33, 16]);
    expect(EDGES).toEqual(TREE);
    for (const [a, b] of BONES) expect([a, b].every((name) => BODY_33.includes(name))).toBe(true);
  });
});

/** A network that has outputs of these shapes, whatever it is given, in values that inputs carry. */
function answering(shapes: Readonly<Record<string, readonly number[]>>, size: number, source: object = {}): Graph {
  const same = (name: string): Node => ({ op: "identity", name, inputs: [`${name}:in`] });
  const inputs = Object.entries(shapes).map(([name, shape]) => ({
    name: `${name}:in`,
    shape,
    dtype: "float32" as const,
  }));
  return {
    name: "answering",
    inputs: [{ name: "image", shape: [1, size, size, 3], dtype: "float32" }, ...inputs],
    constants: new Map(),
    nodes: Object.keys(shapes).map(same),
    outputs: Object.keys(shapes),
    endPoints: new Map(),
    source: { format: "test", ...source },
  };
}

async function run(graph: Graph, values: Readonly<Record<string, Float32Array>>) {
  const net = await build(graph);
  const image = new Float32Array(net.inputs[0]!.shape.reduce((a, b) => a * b));
  const given = Object.fromEntries(Object.entries(values).map(([name, list]) => [`${name}:in`, list]));
  return { net, outputs: net.run({ image, ...given }).outputs };
}

const scaled = (map: Float32Array, factor: number) => map.map((x) => x * factor);

describe("posesOf", () => {
  const people = [standing(5, 2, 1), standing(14, 4, 0.9)];
  const maps = asMaps(drawn(20, 20, people));
  const shapes = { heat: [1, 20, 20, 17], fwd: [1, 20, 20, 32], offset: [1, 20, 20, 34], bwd: [1, 20, 20, 32] };
  const values = {
    ...{ heat: maps.heatmaps, fwd: scaled(maps.outward, 8) },
    ...{ offset: scaled(maps.shortOffsets, 8), bwd: scaled(maps.inward, 8) },
  };

  it("knows PoseNet by its outputs, and answers in pixels of the input", async () => {
    const { net, outputs } = await run(answering(shapes, 153), values);
    const poses = await posesOf(net, outputs);
    expect(poses).toHaveLength(2);
    const [nose] = poses.map(({ keyPoints }) => keyPoints[0]!).sort((a, b) => a.x - b.x);
    expect(nose!.label).toBe("nose");
    expect(nose!.x).toBeCloseTo(40, 2);
    expect(nose!.y).toBeCloseTo(16, 2);
    expect(await posesOf(net, outputs, { maxResults: 1 })).toHaveLength(1);
    expect(await posesOf(net, outputs, { minScore: 0.99 })).toEqual([]);
  });

  it("does as the file says, saved and opened too", async () => {
    const { fwd, bwd, ...rest } = shapes;
    const heads = { heatmaps: "heat", shortOffsets: "offset", midOffsets: ["mid"], stride: 8, maxResults: 1 };
    const pose = { ...heads, minScore: 0.3, radius: 10 };
    const graph = answering({ ...rest, mid: [1, 20, 20, 64] }, 153, { pose });
    const both = Float32Array.from({ length: 64 * 400 }, (_, i) => {
      const [place, c] = [Math.floor(i / 64), i % 64];
      return (c < 32 ? values.fwd : values.bwd)[32 * place + (c % 32)]!;
    });
    const { net, outputs } = await run(graph, { heat: values.heat, offset: values.offset, mid: both });
    const poses = await posesOf(net, outputs);
    expect(poses).toHaveLength(1);
    const all = await posesOf(net, outputs, { maxResults: 5 });
    const split = await run(answering(shapes, 153), values);
    expect(all).toEqual(await posesOf(split.net, split.outputs, { minScore: 0.3, radius: 10 }));
    const saved = net.save();
    const opened = await open(saved);
    expect(await posesOf(opened, outputs)).toEqual(poses);
  });

  it("knows MoveNet's one person, and BlazePose's", async () => {
    const one = Float32Array.from({ length: 51 }, (_, i) => [0.25, 0.5, 0.9][i % 3]!);
    const move = await run(answering({ points: [1, 1, 17, 3] }, 192), { points: one });
    const [person, ...others] = await posesOf(move.net, move.outputs);
    expect(others).toEqual([]);
    expect(person!.score).toBeCloseTo(0.9, 6);
    expect(person!.keyPoints[16]).toMatchObject({ label: "right ankle", x: 95.5, y: 47.5 });
    expect(await posesOf(move.net, move.outputs, { minScore: 0.95 })).toEqual([]);
    const marks = Float32Array.from({ length: 195 }, (_, i) => [i / 5, 40, 0, 0, 0][i % 5]!);
    const blaze = await run(answering({ marks: [1, 195], there: [1, 1] }, 256), { marks, there: Float32Array.of(0.8) });
    const [body] = await posesOf(blaze.net, blaze.outputs);
    expect(body!.keyPoints).toHaveLength(33);
    expect(body!.keyPoints[32]).toEqual({ label: "right toes", score: 0.5, x: 31.5, y: 39.5 });
  });

  it("refuses other networks, and limits that are none", async () => {
    const { net, outputs } = await run(answering({ y: [1, 10] }, 32), { y: new Float32Array(10) });
    await expect(posesOf(net, outputs)).rejects.toThrow(UnsupportedError);
    await expect(posesOf(net, outputs)).rejects.toThrow(/expected outputs of PoseNet, .* got y \[1, 10\]/);
    const odd = await run(answering(shapes, 150), values);
    await expect(posesOf(odd.net, odd.outputs)).rejects.toThrow(UnsupportedError);
    const known = await run(answering(shapes, 153), values);
    for (const options of [{ minScore: 2 }, { maxResults: 0.5 }, { radius: Number.NaN }]) {
      await expect(posesOf(known.net, known.outputs, options)).rejects.toThrow(RangeError);
    }
  });
});

describe("pose", () => {
  it("brings points back into the picture", async () => {
    // The nose at the middle of the input, all else beside it, whatever the picture.
    const constant: Node = { op: "reshape", name: "y", inputs: ["small"], shape: [1, 1, 17, 3] };
    const slice: Node = { op: "slice", name: "small", inputs: ["x"], begin: [0, 0, 0, 0], size: [1, 1, 17, 3] };
    const graph: Graph = {
      ...{ name: "same", inputs: [{ name: "x", shape: [1, 32, 32, 3], dtype: "float32" }], constants: new Map() },
      ...{ nodes: [slice, constant], outputs: ["y"], endPoints: new Map(), source: { format: "test" } },
    };
    const net = await build(graph);
    const data = new Uint8Array(3 * 64 * 32).fill(1);
    const picture = { width: 64, height: 32, channels: 3, data } as const;
    const normalization = { mean: 0, std: 2 };
    const [found] = await pose(net, picture, { fit: "stretch", normalization });
    expect(found!.keyPoints[0]).toMatchObject({ label: "nose", score: 0.5, x: 32, y: 16 });
    expect(await pose(net, [picture, picture], { fit: "stretch", normalization })).toHaveLength(2);
  });

  it("is drawn, but for points that are not sure", () => {
    const image = { width: 40, height: 40, data: new Uint8ClampedArray(6400).fill(100) };
    const at = (label: string, x: number, score: number) => ({ label, x, y: 30, score });
    const body = (score: number) => ({ score, keyPoints: [at("left hip", 5, score), at("right hip", 35, score)] });
    const painted = paintPoses(image, [body(0.9)]);
    expect(image.data.every((value) => value === 100)).toBe(true);
    expect(painted.data[4 * (30 * 40 + 20)]).toBeGreaterThan(200);
    expect(paintPoses(image, [body(0.1)]).data).toEqual(image.data);
    expect(() => paintPoses({ ...image, width: 2 }, [])).toThrow(RangeError);
  });
});
