/**
 * In which order which units of which steps are computed: what the kernels execute in one call.
 * @module
 */
import { ENTRY, ENTRY_BYTES } from "../abi.ts";

export { ENTRY_BYTES } from "../abi.ts";

/** Units [u0, u1) of a step. */
export interface ScheduleEntry {
  /** Index of the step. */
  readonly step: number;
  readonly u0: number;
  readonly u1: number;
}

/** Each step once, whole, in the order of the steps. */
export function wholeSteps(steps: readonly { readonly fields: { readonly rows?: number } }[]): ScheduleEntry[] {
  return steps.map(({ fields }, step) => ({ step, u0: 0, u1: fields.rows ?? 0 }));
}

/** Writes an entry at byte `address`; `step` is the address of its record. */
export function writeEntry(view: DataView, address: number, step: number, { u0, u1 }: ScheduleEntry): void {
  for (let i = 0; i < ENTRY_BYTES; i += 4) view.setInt32(address + i, 0, true);
  view.setUint32(address + ENTRY.step, step, true);
  view.setInt32(address + ENTRY.u0, u0, true);
  view.setInt32(address + ENTRY.u1, u1, true);
}

/** Reads an entry: the address of its step's record, and the units. */
export function readEntry(view: DataView, address: number): { step: number; u0: number; u1: number } {
  const step = view.getUint32(address + ENTRY.step, true);
  return { step, u0: view.getInt32(address + ENTRY.u0, true), u1: view.getInt32(address + ENTRY.u1, true) };
}
