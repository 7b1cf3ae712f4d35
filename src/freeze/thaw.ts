/**
 * Frozen networks as they come back: what their sections hold is a saved session.
 * @module
 */
import { Cursor, SECTIONS, type Section, sectionsOf } from "../engine/host/binary.ts";
import { imageFile } from "../engine/image.ts";
import { FormatError } from "../errors.ts";
import type { Budget } from "../limits.ts";
import { FROZEN_SECTION, networkOf } from "./description.ts";
import type { StageDescription } from "./image-stage.ts";
import type { Piece } from "./pieces.ts";

/**
 * The saved session that a frozen module was made of; nothing of the module runs.
 * @throws {@link FormatError} for another module, or a damaged one; MemoryError for one that holds more than the budget
 */
export function thawed(bytes: Uint8Array, budget: Budget): Uint8Array<ArrayBuffer> {
  const { head, sections } = described(bytes);
  const data = sections.find(({ id }) => id === SECTIONS.data);
  if (data === undefined) throw new FormatError("frozen network: expected a section of data, got none");
  const { head: own, manifest } = networkOf(head);
  const [start, end] = [manifest?.stepsAt, manifest?.arenaAt];
  if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= 2 ** 32)) {
    throw new FormatError(`frozen network: expected records before the arena, got ${String(start)} and ${String(end)}`);
  }
  budget.unpack(end - start, "frozen network");
  const memory = new Uint8Array(end - start);
  for (const { address, bytes: piece } of segmentsOf(data.body)) {
    // Descriptions and tables of a stage lie below and above.
    if (address + piece.length <= start || address >= end) continue;
    if (address < start || address + piece.length > end) {
      throw new FormatError(
        `frozen network: expected data in [${start}, ${end}), got [${address}, ${address + piece.length})`,
      );
    }
    memory.set(piece, address - start);
  }
  return imageFile(own, memory);
}

/** The pictures that a frozen network takes in the place of its first input, if it does; the file is a good one. */
export function pictureOf(bytes: Uint8Array): StageDescription | undefined {
  return networkOf(described(bytes).head).image;
}

/** The description of a frozen network, in JSON, and all sections. */
function described(bytes: Uint8Array): { readonly head: Uint8Array; readonly sections: readonly Section[] } {
  const sections = sectionsOf(bytes);
  const head = sections.flatMap(({ id, body }) => {
    if (id !== SECTIONS.custom) return [];
    const cursor = new Cursor(body);
    return cursor.text() === FROZEN_SECTION ? [body.subarray(cursor.at)] : [];
  })[0];
  if (head === undefined) {
    throw new FormatError("wasm module: expected a frozen network, got a module of something else");
  }
  return { head, sections };
}

/** The data segments: each has a flag, an address, its length and its bytes. */
function segmentsOf(body: Uint8Array): Piece[] {
  const cursor = new Cursor(body);
  const found: Piece[] = [];
  for (let count = cursor.u32(); count > 0; count--) {
    const [flag, constant] = cursor.bytes(2);
    const address = cursor.u32() % 2 ** 32;
    if (flag !== 0 || constant !== 0x41 || cursor.byte() !== 0x0b) {
      throw new FormatError(`frozen network: expected data at known addresses, got another kind of segment`);
    }
    found.push({ address, bytes: cursor.bytes(cursor.u32()) });
  }
  return found;
}
