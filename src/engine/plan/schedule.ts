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

export type ScheduleEntry = UnitsEntry | MoveEntry | FeedEntry;

/** A step once, whole. */
export function whole(step: number, { rows = 0 }: { readonly rows?: number }): UnitsEntry {
  return { step, u0: 0, u1: rows };
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
  if (entry.moved === undefined) return;
  put("kind", KINDS.ROWS);
  put("dx", entry.moved.x);
  put("dx2", entry.moved.x2);
  put("dy", entry.moved.y);
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
    case KINDS.ROWS:
      return { step: stepOf(at), u0, u1, moved: { x: get("dx"), x2: get("dx2"), y: get("dy") } };
    default:
      return { step: stepOf(at), u0, u1 };
  }
}
