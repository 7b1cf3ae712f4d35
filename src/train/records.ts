/**
 * The kernels' records, as the host writes and reads them.
 * @module
 */
import { STATE, STEP, VIEW } from "./abi.ts";

/** Fields of a record that are not 0. */
export type StepRecord = { readonly [K in keyof typeof STEP]?: number };
export type ViewRecord = { readonly address: number } & { readonly [K in keyof typeof VIEW]?: number };
export type StateField = keyof typeof STATE;

function write(view: DataView, at: number, table: Readonly<Record<string, string>>, record: object): void {
  const values = record as Readonly<Record<string, number>>;
  for (const [i, [name, type]] of Object.entries(table).entries()) {
    const value = values[name] ?? 0;
    if (type === "f32") view.setFloat32(at + 4 * i, value, true);
    else view.setInt32(at + 4 * i, value, true);
  }
}

export function writeStep(view: DataView, at: number, record: StepRecord): void {
  write(view, at, STEP, record);
}

export function writeView(view: DataView, record: ViewRecord): void {
  write(view, record.address, VIEW, record);
}

const FIELDS = Object.keys(STATE);

/** What goes into a step and comes out of it. */
export class State {
  readonly #view: DataView;
  readonly #at: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
  }

  set(fields: { readonly [K in StateField]?: number }): void {
    for (const [name, value] of Object.entries(fields)) {
      const at = this.#at + 4 * FIELDS.indexOf(name);
      if (STATE[name as StateField] === "f32") this.#view.setFloat32(at, value, true);
      else this.#view.setInt32(at, value, true);
    }
  }

  get(name: StateField): number {
    const at = this.#at + 4 * FIELDS.indexOf(name);
    return STATE[name] === "f32" ? this.#view.getFloat32(at, true) : this.#view.getInt32(at, true);
  }
}
