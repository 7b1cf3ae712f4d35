/**
 * Writes step records. What a record holds stands in `abi.ts`, which is generated, and is told from here too.
 * @module
 */
import { FIELDS, type Field, type Fields, STEP_BYTES, type StepFields } from "./abi.ts";

export { FLAGS, KERNELS, type Kernel, OPERATORS, STEP_BYTES, type StepFields } from "./abi.ts";

/** Names of all fields, in their order. */
export const STEP_FIELDS = Object.keys(FIELDS) as readonly Field[];

const FIRST_FLOAT = STEP_FIELDS.findIndex(isFloat);
const LAST_FLOAT = STEP_FIELDS.findLastIndex(isFloat);

/** Fields that hold integers and byte addresses, as far as they precede the floats. */
export const STEP_INTS: readonly Field[] = STEP_FIELDS.slice(0, FIRST_FLOAT);

/** Fields that hold floats. */
export const STEP_FLOATS: readonly Field[] = STEP_FIELDS.slice(FIRST_FLOAT, LAST_FLOAT + 1);

/** Integer fields of the 8-bit kernels, which follow the floats. */
export const STEP_QUANT: readonly Field[] = STEP_FIELDS.slice(LAST_FLOAT + 1);

/** A record whose fields are all 0: what fields mean that are left out. */
export const NO_FIELDS = Object.fromEntries(STEP_FIELDS.map((name) => [name, 0])) as Fields;

const OFFSETS = new Map<string, number>(STEP_FIELDS.map((name, i) => [name, 4 * i]));

/** Byte offset of a field from the start of its record. */
export function fieldOffset(name: Field): number {
  return OFFSETS.get(name)!;
}

/** Writes a record at byte `address`; every byte of it is set. */
export function writeStep(view: DataView, address: number, fields: StepFields): void {
  for (let i = 0; i < STEP_BYTES; i += 4) view.setInt32(address + i, 0, true);
  for (const [name, value] of Object.entries(fields) as [Field, number][]) {
    if (isFloat(name)) view.setFloat32(address + fieldOffset(name), value, true);
    else view.setInt32(address + fieldOffset(name), value, true);
  }
}

/** Reads a record at byte `address`: all fields. */
export function readStep(view: DataView, address: number): Fields {
  const read = (name: Field) => {
    const at = address + fieldOffset(name);
    if (isFloat(name)) return view.getFloat32(at, true);
    return FIELDS[name] === "usize" ? view.getUint32(at, true) : view.getInt32(at, true);
  };
  return Object.fromEntries(STEP_FIELDS.map((name) => [name, read(name)])) as Fields;
}

function isFloat(name: Field): boolean {
  return FIELDS[name] === "f32";
}
