/**
 * Frozen networks as they come back: what their sections hold is a saved session.
 * @module
 */
import { Cursor, SECTIONS, type Section, sectionsOf } from "../engine/host/binary.ts";
import { imageFile } from "../engine/image.ts";
import { FormatError } from "../errors.ts";
import { FROZEN_SECTION, networkOf } from "./description.ts";
import type { StageDescription } from "./image-stage.ts";

/**
 * The saved session that a frozen module was made of; nothing of the module runs.
 * @throws {@link FormatError} for another module, or a damaged one
 */
export function thawed(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { head, sections } = described(bytes);
  const data = sections.find(({ id }) => id === SECTIONS.data);
  if (data === undefined) throw new FormatError("frozen network: expected a section of data, got none");
  return imageFile(networkOf(head).head, lastSegment(data.body));
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
