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
