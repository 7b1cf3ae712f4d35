/**
 * The few numbers that are wanted of a TIFF structure, which is what EXIF is too.
 * @module
 */

/** Tags of the numbers that are wanted. */
export const TAGS = { width: 0x100, height: 0x101, orientation: 0x112 } as const;

const SHORT = 3;
const LONG = 4;

/**
 * The whole numbers of the first directory, by tag. Says nothing of what is damaged: a picture does not become
 * unreadable by what a camera noted.
 * @param bytes begin with the byte order mark
 */
export function readTags(bytes: Uint8Array): ReadonlyMap<number, number> {
  const tags = new Map<number, number>();
  if (bytes.length < 14) return tags;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = view.getUint16(0) === 0x4949;
  if (!little && view.getUint16(0) !== 0x4d4d) return tags;
  const start = view.getUint32(4, little);
  if (view.getUint16(2, little) !== 42 || start + 2 > bytes.length) return tags;
  const count = view.getUint16(start, little);
  for (let at = start + 2; at < start + 2 + 12 * count && at + 12 <= bytes.length; at += 12) {
    const type = view.getUint16(at + 2, little);
    const one = view.getUint32(at + 4, little) === 1;
    if (one && type === SHORT) tags.set(view.getUint16(at, little), view.getUint16(at + 8, little));
    if (one && type === LONG) tags.set(view.getUint16(at, little), view.getUint32(at + 8, little));
  }
  return tags;
}

/** The orientation that a camera noted, 1 … 8; 1 (upright) where it noted none, or one that does not exist. */
export function readOrientation(bytes: Uint8Array): number {
  const orientation = readTags(bytes).get(TAGS.orientation) ?? 1;
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}
