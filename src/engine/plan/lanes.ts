/**
 * A schedule divided among lanes: threads that work on one memory, each on its share of the units of each entry. They
 * meet where one would touch what another has written since they met last, or write what another has read; between two
 * meetings no lane has to know how far the others are.
 * @module
 */
import { shareOf } from "../footprint.ts";
import type { Kernel, StepFields } from "../step.ts";
import type { ScheduleEntry, UnitsEntry, WorkEntry } from "./schedule.ts";

/** What is known of a step when its entries are divided. */
export interface Divisible {
  readonly kernel: Kernel;
  readonly fields: StepFields;
  /** Nanoseconds that all of its units are expected to take on one lane. */
  readonly ns: number;
  /** Bytes of scratch that one lane has. */
  readonly scratch: number;
}

/** Work that is shorter is left to one lane: the others would begin it when it is nearly done. */
const LEAST_NS = 1000;

/** So many pixels go through the matrix kernels together; where units are many, these are pixels. */
const PIXELS = 4;
const MANY = 32;

/** Bytes [start, end). */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** What a lane has touched since the lanes met. */
interface Touched {
  readonly reads: Span[];
  readonly writes: Span[];
}

/**
 * Divides a schedule.
 * @param schedule entries in the order in which one lane would do them
 * @param lanes how many there shall be; of one, the schedule is what it was
 */
export function divided(
  schedule: readonly WorkEntry[],
  steps: readonly Divisible[],
  lanes: number,
): readonly (readonly ScheduleEntry[])[] {
  if (lanes === 1) return [schedule];
  const result: ScheduleEntry[][] = Array.from({ length: lanes }, () => []);
  let touched = result.map(nothing);
  for (const entry of schedule) {
    const shares = sharesOf(entry, steps, lanes);
    const next = shares.map((share) => (share ? touchedBy(share, steps) : nothing()));
    if (next.some((one, lane) => touched.some((other, i) => i !== lane && conflict(one, other)))) {
      for (const own of result) own.push({ meet: true });
      touched = result.map(nothing);
    }
    shares.forEach((share, lane) => {
      if (share) result[lane]!.push(share);
      touched[lane]!.reads.push(...next[lane]!.reads);
      touched[lane]!.writes.push(...next[lane]!.writes);
    });
  }
  return result;
}

/** What each lane does of an entry; the first one, which begins it first, does what cannot be divided. */
function sharesOf(entry: WorkEntry, steps: readonly Divisible[], lanes: number): (WorkEntry | undefined)[] {
  const alone = Array.from({ length: lanes }, (_, lane) => (lane === 0 ? entry : undefined));
  if (!("step" in entry)) return alone;
  const { fields, ns, scratch } = steps[entry.step]!;
  const count = entry.u1 - entry.u0;
  if (count < 2 || (ns / fields.rows!) * count < LEAST_NS) return alone;
  const grain = count >= MANY * lanes ? PIXELS : 1;
  const bound = (lane: number) =>
    lane === lanes ? entry.u1 : entry.u0 + Math.min(count, grain * Math.round((count * lane) / (grain * lanes)));
  return alone.map((_, lane): UnitsEntry | undefined => {
    const [u0, u1] = [bound(lane), bound(lane + 1)];
    if (u0 === u1) return undefined;
    return { ...entry, u0, u1, ...(scratch > 0 && lane > 0 && { scratch: lane * scratch }) };
  });
}

function nothing(): Touched {
  return { reads: [], writes: [] };
}

function touchedBy(entry: WorkEntry, steps: readonly Divisible[]): Touched {
  if ("move" in entry) {
    const { move, dropped, kept } = entry;
    return {
      reads: [{ start: move + dropped, end: move + dropped + kept }],
      writes: [{ start: move, end: move + kept }],
    };
  }
  // The host puts rows there, and knows of no lane: all have met before, and do not go on until the rows are there.
  if ("feed" in entry) return { reads: [], writes: [{ start: 0, end: Number.POSITIVE_INFINITY }] };
  const { kernel, fields, scratch } = steps[entry.step]!;
  const { x, x2, y } = shareOf(kernel, fields, entry.u0, entry.u1);
  const at = (pointer: number, [from, to]: readonly [number, number]) => ({ start: pointer + from, end: pointer + to });
  const { moved, scratch: further = 0 } = entry;
  const reads = [at(fields.x! + (moved?.x ?? 0), x)];
  if (x2) reads.push(at(fields.x2! + (moved?.x2 ?? 0), x2));
  const writes = [at(fields.y! + (moved?.y ?? 0), y)];
  if (scratch > 0) writes.push(at(fields.s! + further, [0, scratch]));
  return { reads, writes };
}

function conflict(one: Touched, other: Touched): boolean {
  return overlap(one.writes, other.writes) || overlap(one.writes, other.reads) || overlap(one.reads, other.writes);
}

function overlap(some: readonly Span[], others: readonly Span[]): boolean {
  return some.some((a) => others.some((b) => a.start < b.end && b.start < a.end));
}
