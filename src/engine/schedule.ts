/**
 * In which order which units of which steps are computed: what the kernels execute in one call.
 * @module
 */

/** Units [u0, u1) of a step. */
export interface ScheduleEntry {
  /** Index of the step. */
  readonly step: number;
  readonly u0: number;
  readonly u1: number;
}

/** Bytes from one entry to the next: the step's address, u0, u1, and room for what is added to x and y, a kind, and more. */
export const ENTRY_BYTES = 32;

/** Each step once, whole, in the order of the steps. */
export function wholeSteps(steps: readonly { readonly fields: { readonly rows?: number } }[]): ScheduleEntry[] {
  return steps.map(({ fields }, step) => ({ step, u0: 0, u1: fields.rows ?? 0 }));
}

/** Writes an entry at byte `address`; `step` is the address of its record. */
export function writeEntry(view: DataView, address: number, step: number, { u0, u1 }: ScheduleEntry): void {
  for (let i = 0; i < ENTRY_BYTES; i += 4) view.setInt32(address + i, 0, true);
  view.setUint32(address, step, true);
  view.setInt32(address + 4, u0, true);
  view.setInt32(address + 8, u1, true);
}

/** Reads an entry: the address of its step's record, and the units. */
export function readEntry(view: DataView, address: number): { step: number; u0: number; u1: number } {
  const int = (offset: number) => view.getInt32(address + offset, true);
  return { step: view.getUint32(address, true), u0: int(4), u1: int(8) };
}
