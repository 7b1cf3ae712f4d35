import { describe, expect, it } from "vitest";
import { buildGraph } from "../../src/engine/build.ts";
import type { Session } from "../../src/engine/host/session.ts";
import { checkPlan } from "../../src/engine/plan/check.ts";
import { type Layout, type Plan, plan } from "../../src/engine/plan/plan.ts";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { StateError, UnsupportedError } from "../../src/errors.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { optimize } from "../../src/graph/passes/index.ts";
import { build, memoryRequired, mobilenetV1, type Numbers, open } from "../../src/index.ts";
import { imageGraph } from "../cases/image-graphs.ts";
import { quantizedGraph } from "../cases/quantized-graphs.ts";
import { random } from "../cases/random.ts";
import { graphOf, PLAIN } from "../graph/build.ts";

const NETWORK = initialize(mobilenetV1({ alpha: 0.25, resolution: 64, classes: 10 }), 3);
const PICTURE = random("picture").floats(64 * 64 * 3);

/** Every chain that a graph's steps can make, by so many rows at a time, on so many lanes. */
function chainsOf(graph: Graph, rows: number, lanes: number): NonNullable<Layout["chain"]>[] {
  const optimized = optimize(graph, new Set(), lanes);
  const { length } = plan(optimized, new Set(), { memory: "fast" }).steps;
  const chains: NonNullable<Layout["chain"]>[] = [];
  for (let first = 0; first < length; first++) {
    for (let last = first + 1; last < length; last++) {
      const chain = { first, last, rows };
      try {
        plan(optimized, new Set(), { chain, lanes });
        chains.push(chain);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
  }
  return chains;
}

describe("rows", () => {
  it("of random graphs give the bits of whole tensors, in chains of every length, on one to three lanes", async () => {
    let count = 0;
    const graphs = [
      ...Array.from({ length: 60 }, (_, seed) => imageGraph(seed)),
      ...Array.from({ length: 40 }, (_, seed) => quantizedGraph(seed)),
    ];
    for (const [i, { graph, input }] of graphs.entries()) {
      const whole = (await build(graph, { variant: "simd", memory: "fast" })).run<Numbers>(input).output;
      for (const [rows, lanes] of [
        [1, 1],
        [2, 1],
        [5, 1],
        [2, 2],
        [5, 3],
      ] as const) {
        for (const chain of chainsOf(graph, rows, lanes)) {
          count++;
          const session = await buildGraph(graph, { variant: "simd" }, { chain, lanes });
          const where = `graph ${i}, ${JSON.stringify(chain)}, ${lanes} lanes`;
          expect(session.run<Numbers>(input).output, where).toEqual(whole);
        }
      }
    }
    expect(count).toBeGreaterThan(1500);
  });

  for (const variant of VARIANTS.filter(accepts)) {
    it(`of a MobileNet do too, whatever counts more, fed or not, ${variant}`, async () => {
      const whole = (await build(NETWORK, { variant, memory: "fast" })).run(PICTURE).output;
      for (const memory of ["fast", "balanced", "small", undefined] as const) {
        for (const feed of [false, true]) {
          const session = await build(NETWORK, { variant, memory, feed });
          expect(session.run(PICTURE).output, `${memory}, ${feed}`).toEqual(whole);
          expect(session.run(PICTURE).output, `${memory}, ${feed}, again`).toEqual(whole);
        }
      }
    });
  }

  it("take a third of the memory, or less", () => {
    for (const options of [
      { alpha: 1, resolution: 224 },
      { alpha: 0.5, resolution: 160 },
    ]) {
      const graph = mobilenetV1(options);
      const arena = (layout: object) => memoryRequired(graph, layout).arena;
      const whole = arena({ memory: "fast" });
      expect(arena({ memory: "small", feed: true })).toBeLessThan(0.25 * whole);
      expect(arena({ memory: "small" })).toBeLessThan(arena({ memory: "balanced" }) + 1);
      expect(arena({ memory: "balanced" })).toBeLessThan(0.8 * whole);
    }
  });

  it("are not used for values that are asked for: an end point is whole", async () => {
    const options = { memory: "small", endPoints: ["block1", "block3"] } as const;
    const whole = await build(NETWORK, { ...options, memory: "fast" });
    expect((await build(NETWORK, options)).run(PICTURE).endPoints).toEqual(whole.run(PICTURE).endPoints);
  });

  it("are saved and opened again, fed or not", async () => {
    for (const feed of [false, true]) {
      const session = await build(NETWORK, { memory: "small", feed });
      const opened = await open(session.save());
      const { output } = session.run(PICTURE);
      expect(opened.run(PICTURE).output).toEqual(output);
      expect(Buffer.compare(opened.save(), session.save())).toBe(0);
    }
  });

  it("have their time counted to their steps", async () => {
    const session = await build(NETWORK, { memory: "small", feed: true });
    const rows = session.profile(PICTURE);
    expect(rows).toHaveLength(session.manifest.steps.length);
    for (const { ms } of rows) expect(ms).toBeGreaterThan(0);
    expect(session.run(PICTURE).output).toEqual((await build(NETWORK)).run(PICTURE).output);
  });

  it.each([
    ["memory", { memory: "tiny" }, /memory: expected fast, balanced, small, got tiny/],
    ["feed", { feed: "yes" }, /feed: expected true or false, got the string/],
  ])("refuse an option that makes no sense: %s", async (_, options, message) => {
    await expect(build(NETWORK, options as never)).rejects.toThrow(message);
  });
});

describe("a feed", () => {
  const fed = () => build(NETWORK, { feed: true, memory: "small" });

  it("takes rows in any portions, and answers with the bits of a run", async () => {
    const whole = (await build(NETWORK)).run(PICTURE).output;
    const session = await fed();
    const numbers = random("portions");
    for (let trial = 0; trial < 20; trial++) {
      const feed = session.feed();
      expect([feed.height, feed.rowLength, feed.received]).toEqual([64, 192, 0]);
      while (feed.received < feed.height) {
        const end = Math.min(feed.height, feed.received + numbers.int(0, 9));
        feed.rows(PICTURE.subarray(feed.received * feed.rowLength, end * feed.rowLength));
        expect(feed.received).toBe(end);
      }
      expect(feed.done().output).toEqual(whole);
    }
  });

  it("of 8 bits takes bytes", async () => {
    for (let seed = 0, found = 0; found < 5; seed++) {
      const { graph, input } = quantizedGraph(seed);
      let session: Session;
      try {
        session = await build(graph, { feed: true });
      } catch (error) {
        expect(error).toBeInstanceOf(UnsupportedError);
        continue;
      }
      found++;
      const whole = (await build(graph)).run<Numbers>(input).output;
      expect(session.run<Numbers>(input).output, `graph ${seed}`).toEqual(whole);
    }
  });

  it("leaves rows that no layer looks at", async () => {
    const graph = graphOf({
      x: [1, 8, 8, 4],
      constants: { w: [1, 1, 4, 4], v: [1, 1, 4, 4] },
      nodes: [
        { op: "conv2d", name: "a", inputs: ["x"], weights: "w", ...PLAIN, strides: [3, 3], padding: "valid" },
        { op: "conv2d", name: "b", inputs: ["a"], weights: "v", ...PLAIN },
      ],
    });
    const input = random("left").floats(256);
    const session = await build(graph, { feed: true });
    const feed = session.feed();
    feed.rows(input.subarray(0, 7 * 32));
    feed.rows(input.subarray(7 * 32));
    expect(feed.done().output).toEqual((await build(graph)).run(input).output);
  });

  it("refuses what is no rows, and goes on", async () => {
    const session = await fed();
    const feed = session.feed();
    feed.rows(PICTURE.subarray(0, 192));
    expect(() => feed.rows(PICTURE.subarray(0, 100))).toThrow(/expected rows of 192 numbers, got 100 numbers/);
    expect(() => feed.rows(new Int8Array(192) as never)).toThrow(TypeError);
    expect(() => feed.rows(new Float32Array(64 * 192))).toThrow(/expected 63 more rows at most, got 64/);
    expect(() => feed.done()).toThrow(StateError);
    feed.rows(PICTURE.subarray(192));
    expect(feed.done().output).toEqual(session.run(PICTURE).output);
  });

  it("keeps its session busy until it is done or given up", async () => {
    const session = await fed();
    const feed = session.feed();
    const second = session.feed();
    expect(() => feed.rows(PICTURE)).toThrow(StateError);
    second.rows(PICTURE.subarray(0, 192));
    for (const busy of [() => session.run(PICTURE), () => session.profile(PICTURE)]) {
      expect(busy).toThrow(StateError);
      expect(busy).toThrow(/feed that goes on .* got 1 of 64 rows/);
    }
    expect(Buffer.compare(session.save(), (await fed()).save())).toBe(0);
    second.rows(PICTURE.subarray(192));
    expect(second.done().output).toEqual(session.run(PICTURE).output);
    expect(() => second.done()).toThrow(StateError);
    session.feed().cancel();
    second.cancel();
    second.cancel();
    expect(() => second.done()).toThrow(StateError);
    session.profile(PICTURE);
    const third = session.feed();
    session.dispose();
    expect(() => third.rows(PICTURE)).toThrow(StateError);
    expect(() => session.feed()).toThrow(StateError);
  });

  it("is for sessions that were made for it, and these have no whole input", async () => {
    const plain = await build(NETWORK);
    expect(() => plain.feed()).toThrow(/made with the option feed/);
    const session = await fed();
    expect(() => session.input()).toThrow(/got one that is fed by rows/);
    expect(() => session.compute()).toThrow(StateError);
  });

  it("is refused for a network whose first layers need all of the input", async () => {
    const nodes = [{ op: "softmax", name: "s", inputs: ["x"], beta: 1 }] as const;
    await expect(build(graphOf({ x: [1, 4, 4, 4], nodes }), { feed: true })).rejects.toThrow(UnsupportedError);
    await expect(build(graphOf({ x: [1, 4], nodes }), { feed: true })).rejects.toThrow(/computed row by row/);
    await expect(build(NETWORK, { feed: true, batch: 2 })).rejects.toThrow(UnsupportedError);
  });
});

describe("the checker finds a schedule of rows that is wrong", () => {
  const graph = optimize(NETWORK);
  const sound = plan(graph, new Set(), { memory: "small", feed: true });
  const schedule = sound.lanes[0]!;
  type Entry = (typeof schedule)[number];
  const at = (is: (entry: Entry) => boolean, nth = 3) =>
    schedule.map((entry, i) => (is(entry) ? i : -1)).filter((i) => i >= 0)[nth]!;
  const unit = at((entry) => "step" in entry && entry.step === 2 && entry.moved !== undefined);
  const move = at((entry) => "move" in entry);
  const feed = at((entry) => "feed" in entry);
  const changed = (i: number, change: (entry: never) => object) =>
    schedule.map((entry, k) => (k === i ? ({ ...entry, ...change(entry as never) } as Entry) : entry));
  type Units = { u0: number; u1: number; moved: { x: number; x2: number; y: number } };

  it("and passes the sound one", () => checkPlan(sound, graph));

  it.each<[string, Partial<Plan> & { schedule?: readonly Entry[] }]>([
    ["two entries in the wrong order", { schedule: swapped(unit, unit + 1) }],
    ["an entry left out", { schedule: schedule.filter((_, i) => i !== unit) }],
    ["an entry twice", { schedule: schedule.flatMap((entry, i) => (i === unit ? [entry, entry] : [entry])) }],
    ["a move left out", { schedule: schedule.filter((_, i) => i !== move) }],
    ["a move of too little", { schedule: changed(move, ({ kept }: { kept: number }) => ({ kept: kept - 16 })) }],
    [
      "a move of too much",
      { schedule: changed(move, ({ dropped }: { dropped: number }) => ({ dropped: dropped + 16 })) },
    ],
    ["rows that are not fed", { schedule: schedule.filter((_, i) => i !== feed) }],
    [
      "rows fed elsewhere",
      { schedule: changed(feed, ({ address }: { address: number }) => ({ address: address + 768 })) },
    ],
    ["fewer rows fed", { schedule: changed(feed, ({ r1 }: { r1: number }) => ({ r1: r1 - 1 })) }],
    ["x a row further", { schedule: changed(unit, ({ moved }: Units) => ({ moved: { ...moved, x: moved.x + 512 } })) }],
    ["y a row before", { schedule: changed(unit, ({ moved }: Units) => ({ moved: { ...moved, y: moved.y - 512 } })) }],
    ["a row too many", { schedule: changed(unit, ({ u1 }: Units) => ({ u1: u1 + 1 })) }],
    ["no room for a record", { recordAt: 0 }],
    ["a record over the schedule", { recordAt: sound.scheduleAt }],
    [
      "a buffer inside another",
      { steps: sound.steps.map((step, i) => (i === 2 ? shifted(step, sound.steps[0]!.fields.y!) : step)) },
    ],
  ])("%s", (_, { schedule: own = schedule, ...change }) => {
    expect(() => checkPlan({ ...sound, ...change, lanes: [own] }, graph)).toThrow(UnsupportedError);
  });

  function swapped(i: number, k: number) {
    const list = [...schedule];
    [list[i], list[k]] = [list[k]!, list[i]!];
    return list;
  }

  function shifted(step: (typeof sound.steps)[number], y: number) {
    return { ...step, fields: { ...step.fields, y } };
  }
});
