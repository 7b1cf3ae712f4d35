/**
 * The kernels' contracts (`abi.ts`) as planner and checker ask for them.
 * @module
 */
import { UnsupportedError } from "../errors.ts";
import { CONTRACTS, type Extents, type Fields, type Kernel, type Needs, type StepFields } from "./abi.ts";
import { NO_FIELDS } from "./step.ts";

export type { Fields } from "./abi.ts";

/** What a step with these fields reads and writes, and what must hold for it to stay in these bounds. */
export interface Footprint extends Extents {
  /** The output may be an input, byte for byte. */
  readonly inPlace: boolean;
  readonly needs: Needs;
}

/** Bytes that a step of this kernel touches. @throws {@link UnsupportedError} for a kernel that no plan may use */
export function footprint(kernel: Kernel, fields: StepFields): Footprint {
  const { planned = true, inPlace = false, needs, extents } = CONTRACTS[kernel];
  if (!planned) throw new UnsupportedError(`kernel ${kernel}: expected one of a plan's, got another`);
  const all = whole(fields);
  return { ...extents(all), inPlace, needs: needs(all) };
}

/** Bytes [from, to), counted from where a tensor begins. */
export type Bytes = readonly [from: number, to: number];

/** What units of a step read and write, where that is not all of each tensor. */
export interface Part {
  readonly x: Bytes;
  readonly x2?: Bytes;
  readonly y: Bytes;
}

/** Rows [from, to) of the input image that rows [u0, u1) of a step's output image need; they may be none. */
export function rowsNeeded(kernel: Kernel, fields: StepFields, u0: number, u1: number): Bytes {
  const { inH, strideH, dilationH, kH, padT } = whole(fields);
  const clipped = (row: number) => Math.min(Math.max(row, 0), inH);
  if (CONTRACTS[kernel].streams === "pads") return [clipped(u0 - padT), clipped(u1 - padT)];
  // Pools have no dilation.
  const last = (u1 - 1) * strideH - padT + (kH - 1) * Math.max(1, dilationH);
  const from = clipped(u0 * strideH - padT);
  return [from, Math.max(from, clipped(last + 1))];
}

/**
 * What units [u0, u1) of a step touch; undefined for kernels whose units need all of x, and where the rows are those of
 * several images.
 */
export function partOf(kernel: Kernel, fields: StepFields, u0: number, u1: number): Part | undefined {
  const { streams, extents } = CONTRACTS[kernel];
  const all = whole(fields);
  if (streams === undefined || (streams !== "units" && all.n !== 1)) return undefined;
  const { x, x2, y } = extents(all);
  const units = (bytes: number): Bytes => [(bytes / all.rows) * u0, (bytes / all.rows) * u1];
  if (streams === "units") return { x: units(x), ...(x2 !== undefined && { x2: units(x2) }), y: units(y) };
  const pitch = x / all.inH;
  const [from, to] = rowsNeeded(kernel, fields, u0, u1);
  return { x: [pitch * from, pitch * to], y: units(y) };
}

/**
 * What units [u0, u1) of a step touch, of every kernel: all of x where they need all of it, and their share of y. Of a
 * step that writes columns, the rows that these are in, from their first column to their last.
 */
export function shareOf(kernel: Kernel, fields: StepFields, u0: number, u1: number): Part {
  const part = partOf(kernel, fields, u0, u1);
  if (part !== undefined) return part;
  const { unitBytes, extents } = CONTRACTS[kernel];
  const all = whole(fields);
  const { x, x2, y, columns, pitch } = extents(all);
  const of = (units: number) => (unitBytes === undefined ? (y / all.rows) * units : Math.min(y, unitBytes * units));
  const written: Bytes = columns === undefined ? [of(u0), of(u1)] : [pitch! * u0, pitch! * (u1 - 1) + columns];
  return { x: [0, x], ...(x2 !== undefined && { x2: [0, x2] }), y: written };
}

/** Whether a kernel computes a step of these fields. */
export function covers(kernel: Kernel, fields: StepFields): boolean {
  return CONTRACTS[kernel].needs(whole(fields)).every(([, holds]) => holds);
}

/** Bytes of scratch that a step of these fields takes. */
export function scratchOf(kernel: Kernel, fields: StepFields): number {
  return CONTRACTS[kernel].extents(whole(fields)).s ?? 0;
}

function whole(fields: StepFields): Fields {
  return { ...NO_FIELDS, ...fields };
}
