/**
 * The schedules of an image, a lane each, as they lie in memory; and how one thread follows all of them.
 * @module
 */
import type { Manifest } from "../manifest.ts";
import { ENTRY_BYTES, readEntry, type ScheduleEntry } from "../plan/schedule.ts";
import { STEP_BYTES } from "../step.ts";
import type { LinearMemory } from "./memory.ts";

/** What `run_schedule` needs to follow a lane's schedule, and where that lane meets the others. */
export interface Schedule {
  /** Byte address of its first entry. */
  readonly at: number;
  /** Byte address of room for a copy of a step's record. */
  readonly record: number;
  /** Indices of entries: stretch i is [bounds[i], bounds[i + 1]), and the lanes meet after each. */
  readonly bounds: readonly number[];
}

/** An entry, and which one it is of its lane's. */
export interface Placed {
  readonly entry: ScheduleEntry;
  readonly lane: number;
  readonly index: number;
}

/** The schedules of an image that lies in memory. */
export class Schedules {
  readonly lanes: readonly Schedule[];
  /** What one lane does without the others, where there are several: the same, and nowhere to meet. */
  readonly undivided: Schedule | undefined;
  /** All entries, in an order in which one thread may follow them. */
  readonly order: readonly Placed[];

  constructor(memory: LinearMemory, { stepsAt, scheduleAt, recordAt, lanes, undivided }: Manifest) {
    const stepOf = (record: number) => (record - stepsAt) / STEP_BYTES;
    let at = scheduleAt;
    const read = lanes.map((count, lane) => {
      const entries = Array.from({ length: count }, (_, i) => readEntry(memory.view, at + i * ENTRY_BYTES, stepOf));
      const meets = entries.flatMap((entry, i) => ("meet" in entry ? [i + 1] : []));
      const schedule = { at, record: recordAt + lane * STEP_BYTES, bounds: [0, ...meets, count] };
      at += count * ENTRY_BYTES;
      return { entries, schedule };
    });
    this.lanes = read.map(({ schedule }) => schedule);
    this.undivided = undivided > 0 ? { at, record: recordAt, bounds: [0, undivided] } : undefined;
    this.order = this.#stretches().flatMap(([lane, first, last]) =>
      read[lane]!.entries.slice(first, last).map((entry, i) => ({ entry, lane, index: first + i })),
    );
  }

  /** Computes all of it on this thread. */
  compute({ exports }: LinearMemory): void {
    for (const [lane, first, last] of this.#stretches()) {
      const { at, record } = this.lanes[lane]!;
      exports.run_schedule(at, first, last, record);
    }
  }

  /** Computes entries [first, last) of a lane on this thread. */
  part({ exports }: LinearMemory, lane: number, first: number, last: number): void {
    const { at, record } = this.lanes[lane]!;
    exports.run_schedule(at, first, last, record);
  }

  /** Entries [first, last) of a lane: from one meeting to the next, lane by lane. */
  #stretches(): [lane: number, first: number, last: number][] {
    const { length } = this.lanes[0]!.bounds;
    return Array.from({ length: length - 1 }, (_, i) =>
      this.lanes.map(({ bounds }, lane): [number, number, number] => [lane, bounds[i]!, bounds[i + 1]!]),
    ).flat();
  }
}
