/**
 * Frozen networks as they come back: what their sections hold is a saved session.
 * @module
 */
import { Cursor, SECTIONS, sectionsOf } from "../engine/host/binary.ts";
import { imageFile } from "../engine/image.ts";
import { FormatError } from "../errors.ts";
import { FROZEN_SECTION } from "./module.ts";

/**
 * The saved session that a frozen module was made of; nothing of the module runs.
 * @throws {@link FormatError} for another module, or a damaged one
 */
export function thawed(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const sections = sectionsOf(bytes);
  const head = sections.flatMap(({ id, body }) => {
    if (id !== SECTIONS.custom) return [];
    const cursor = new Cursor(body);
    return cursor.text() === FROZEN_SECTION ? [body.subarray(cursor.at)] : [];
  })[0];
  const data = sections.find(({ id }) => id === SECTIONS.data);
  if (head === undefined || data === undefined) {
    throw new FormatError("wasm module: expected a frozen network, got a module of something else");
  }
  return imageFile(head, lastSegment(data.body));
}

/** The bytes of the last data segment: each has a flag, an address, its length and its bytes. */
function lastSegment(body: Uint8Array): Uint8Array {
  const cursor = new Cursor(body);
  let bytes = new Uint8Array();
  for (let count = cursor.u32(); count > 0; count--) {
    cursor.bytes(2);
    cursor.u32();
    cursor.byte();
    bytes = cursor.bytes(cursor.u32()) as typeof bytes;
  }
  return bytes;
}
