import { describe, expect, it } from "vitest";
import { buildGraph } from "../../src/engine/build.ts";
import { checkPlan } from "../../src/engine/plan/check.ts";
import { type Plan, plan } from "../../src/engine/plan/plan.ts";
import type { ScheduleEntry, UnitsEntry } from "../../src/engine/plan/schedule.ts";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { UnsupportedError } from "../../src/errors.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { optimize } from "../../src/graph/passes/index.ts";
import { build, mobilenetV1, type Numbers } from "../../src/index.ts";
import { imageGraph } from "../cases/image-graphs.ts";
import { quantizedGraph } from "../cases/quantized-graphs.ts";
import { random } from "../cases/random.ts";

const NETWORK = initialize(mobilenetV1({ alpha: 0.25, resolution: 64, classes: 10 }), 3);
const PICTURE = random("picture").floats(64 * 64 * 3);

describe("lanes", () => {
  it("of random graphs give the bits of one, whole and by rows", async () => {
    const graphs = [
      ...Array.from({ length: 150 }, (_, seed) => imageGraph(seed)),
      ...Array.from({ length: 150 }, (_, seed) => quantizedGraph(seed)),
    ];
    let divided = 0;
    for (const [i, { graph, input }] of graphs.entries()) {
      const one = (await build(graph, { variant: "simd", memory: "fast" })).run<Numbers>(input).output;
      for (const lanes of [2, 3, 7]) {
        for (const memory of ["fast", "small"] as const) {
          const session = await buildGraph(graph, { variant: "simd", memory }, { lanes });
          if (session.manifest.lanes[1]! > 0) divided++;
          expect(session.run<Numbers>(input).output, `graph ${i}, ${lanes} lanes, ${memory}`).toEqual(one);
          expect(session.run<Numbers>(input).output, `graph ${i}, ${lanes} lanes, ${memory}, again`).toEqual(one);
        }
      }
    }
    expect(divided).toBeGreaterThan(500);
  });

  for (const variant of VARIANTS.filter(accepts)) {
    it(`of a MobileNet do too, ${variant}`, async () => {
      const one = (await build(NETWORK, { variant, memory: "fast" })).run(PICTURE).output;
      for (const memory of ["fast", "balanced", "small"] as const) {
        for (const lanes of [2, 3, 4]) {
          const session = await buildGraph(NETWORK, { variant, memory }, { lanes });
          expect(session.run(PICTURE).output, `${memory}, ${lanes}`).toEqual(one);
        }
      }
    });
  }
});

describe("the checker finds lanes that are wrong", () => {
  const graph = optimize(NETWORK);
  const sound = plan(graph, new Set(), { memory: "small", lanes: 2 });
  const [first, second] = sound.lanes as [ScheduleEntry[], ScheduleEntry[]];
  type Is = (entry: ScheduleEntry) => boolean;
  const meets: Is = (entry) => "meet" in entry;
  const moves: Is = (entry) => "move" in entry;
  const works: Is = (entry) => "step" in entry && entry.step === 2;
  /** The index of the nth such entry of a lane. */
  const at = (lane: ScheduleEntry[], is: Is, nth = 2) => lane.flatMap((entry, i) => (is(entry) ? [i] : []))[nth]!;
  const without = (lane: ScheduleEntry[], i: number) => lane.toSpliced(i, 1);
  const changed = (lane: ScheduleEntry[], i: number, change: (entry: UnitsEntry) => Partial<UnitsEntry>) =>
    lane.with(i, { ...lane[i]!, ...change(lane[i] as UnitsEntry) } as ScheduleEntry);
  const whole = sound.undivided as ScheduleEntry[];
  const outside = () => ({ scratch: sound.memory.arena });
  const meeting = at(second, meets, 5);
  const unit = at(second, works);
  const last = at(first, (entry) => "step" in entry && entry.step === sound.steps.length - 2, 0);

  it("and passes the sound ones", () => {
    checkPlan(sound, graph);
    for (const lanes of [2, 3, 5, 8]) {
      for (const memory of ["fast", "balanced", "small"] as const) {
        checkPlan(plan(graph, new Set(), { memory, lanes }), graph);
      }
    }
  });

  it("and each meeting is needed", () => {
    const meetings = first.filter(meets).length;
    expect(meetings).toBeGreaterThan(20);
    expect(second.filter(meets).length).toBe(meetings);
    for (let nth = 0; nth < meetings; nth++) {
      const lanes = [first, second].map((lane) => without(lane, at(lane, meets, nth)));
      expect(() => checkPlan({ ...sound, lanes }, graph), `meeting ${nth}`).toThrow(UnsupportedError);
    }
  });

  it.each<[string, Partial<Plan>]>([
    ["a meeting that one of them does not come to", { lanes: [first, without(second, meeting)] }],
    ["a meeting too many", { lanes: [first, second.toSpliced(meeting, 0, { meet: true })] }],
    ["a share left out", { lanes: [first, without(second, unit)] }],
    ["a share that two compute", { lanes: [first.toSpliced(at(first, works), 0, second[unit]!), second] }],
    ["a unit too many", { lanes: [first, changed(second, unit, ({ u0 }) => ({ u0: u0 - 1 }))] }],
    ["a unit too few", { lanes: [first, changed(second, unit, ({ u0 }) => ({ u0: u0 + 1 }))] }],
    ["scratch that two use", { lanes: [first, changed(second, unit, () => ({ scratch: 0 }))] }],
    [
      "scratch past the arena",
      { lanes: [first, changed(second, unit, ({ scratch = 0 }) => ({ scratch: scratch + sound.memory.arena }))] },
    ],
    [
      "scratch over what another needs",
      { lanes: [first, changed(second, unit, ({ scratch = 0 }) => ({ scratch: scratch - sound.memory.arena / 2 }))] },
    ],
    ["work before the meeting", { lanes: [first, swapped(second, unit, -1)] }],
    ["work after the next meeting", { lanes: [first, swapped(second, unit, 1)] }],
    ["rows that two move", { lanes: [first, second.toSpliced(meeting, 0, first[at(first, moves)]!)] }],
    ["rows that nobody moves", { lanes: [without(first, at(first, moves)), second] }],
    ["what one does alone, done by another", { lanes: [without(first, last), [...second, first[last]!]] }],
    ["no room for records", { recordAt: 0 }],
    ["room for one record", { recordAt: sound.recordAt + 256 }],
    ["room for records over the schedules", { recordAt: sound.recordAt - 32 }],
    ["a lane left out", { lanes: [first] }],
    ["nothing undivided", { undivided: [] }],
    ["something undivided beside one lane", { lanes: [sound.undivided] }],
    ["an entry left out of the undivided schedule", { undivided: without(whole, at(whole, works)) }],
    ["scratch of another lane past the arena", { undivided: changed(whole, at(whole, works), outside) }],
    ["a meeting of one", { undivided: whole.toSpliced(5, 0, { meet: true }) }],
  ])("%s", (_, change) => {
    expect(() => checkPlan({ ...sound, ...change }, graph)).toThrow(UnsupportedError);
  });

  /** The entry changes places with the meeting before or behind it. */
  function swapped(lane: ScheduleEntry[], i: number, by: -1 | 1): ScheduleEntry[] {
    let k = i + by;
    while (!meets(lane[k]!)) k += by;
    return lane.with(i, lane[k]!).with(k, lane[i]!);
  }
});
