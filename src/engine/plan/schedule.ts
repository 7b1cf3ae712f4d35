/**
 * In which order which units of which steps are computed: what the kernels execute in one call.
 * @module
 */
import { ENTRY, ENTRY_BYTES, KINDS } from "../abi.ts";

export { ENTRY_BYTES } from "../abi.ts";

/** Units [u0, u1) of a step are computed. */
export interface UnitsEntry {
  /** Index of the step. */
  readonly step: number;
  readonly u0: number;
  readonly u1: number;
  /** Bytes added to the step's x, x2 and y, whose rows slide. */
  readonly moved?: { readonly x: number; readonly x2: number; readonly y: number };
  /** Bytes added to the step's s, of which each lane has its own. */
  readonly scratch?: number;
}

/** Bytes [dropped, dropped + kept) of the buffer at an address move to its front. */
export interface MoveEntry {
  readonly move: number;
  readonly dropped: number;
  readonly kept: number;
}

/** The host puts rows [r0, r1) of an input at an address before the next entry. */
export interface FeedEntry {
  /** Index of the input. */
  readonly feed: number;
  readonly r0: number;
  readonly r1: number;
  readonly address: number;
}

/** No lane goes on before all have come here. */
export interface MeetEntry {
  readonly meet: true;
}

/** What is done by one alone. */
export type WorkEntry = UnitsEntry | MoveEntry | FeedEntry;

export type ScheduleEntry = WorkEntry | MeetEntry;

/** A step once, whole. */
export function whole(step: number, { rows = 0 }: { readonly rows?: number }): UnitsEntry {
  return { step, u0: 0, u1: rows };
}

/** An entry whose addresses, which count from the arena's start, count from that of the memory. */
export function relocated(entry: ScheduleEntry, arena: number): ScheduleEntry {
  if ("move" in entry) return { ...entry, move: arena + entry.move };
  if ("feed" in entry) return { ...entry, address: arena + entry.address };
  return entry;
}

/** Writes an entry at byte `address`; `recordAt` answers with the address of a step's record. */
export function writeEntry(
  view: DataView,
  address: number,
  recordAt: (step: number) => number,
  entry: ScheduleEntry,
): void {
  for (let i = 0; i < ENTRY_BYTES; i += 4) view.setInt32(address + i, 0, true);
  const put = (field: keyof typeof ENTRY, value: number) => view.setInt32(address + ENTRY[field], value, true);
  if ("meet" in entry) {
    put("kind", KINDS.MEET);
    return;
  }
  if ("move" in entry) {
    put("kind", KINDS.MOVE);
    put("step", entry.move);
    put("u0", entry.dropped);
    put("u1", entry.kept);
    return;
  }
  if ("feed" in entry) {
    put("kind", KINDS.FEED);
    put("step", entry.address);
    put("u0", entry.r0);
    put("u1", entry.r1);
    put("dx", entry.feed);
    return;
  }
  put("step", recordAt(entry.step));
  put("u0", entry.u0);
  put("u1", entry.u1);
  const { moved, scratch = 0 } = entry;
  if (moved === undefined && scratch === 0) return;
  put("kind", KINDS.ROWS);
  put("dx", moved?.x ?? 0);
  put("dx2", moved?.x2 ?? 0);
  put("dy", moved?.y ?? 0);
  put("ds", scratch);
}

/** Reads an entry as it is in memory; `stepOf` answers with the step whose record is at an address. */
export function readEntry(view: DataView, address: number, stepOf: (record: number) => number): ScheduleEntry {
  const get = (field: keyof typeof ENTRY) => view.getInt32(address + ENTRY[field], true);
  const at = view.getUint32(address + ENTRY.step, true);
  const [u0, u1] = [get("u0"), get("u1")];
  switch (get("kind")) {
    case KINDS.MOVE:
      return { move: at, dropped: u0, kept: u1 };
    case KINDS.FEED:
      return { feed: get("dx"), r0: u0, r1: u1, address: at };
    case KINDS.MEET:
      return { meet: true };
    case KINDS.ROWS: {
      const moved = { x: get("dx"), x2: get("dx2"), y: get("dy") };
      return { step: stepOf(at), u0, u1, moved, scratch: get("ds") };
    }
    default:
      return { step: stepOf(at), u0, u1 };
  }
}
