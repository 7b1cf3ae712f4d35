/**
 * The segments that a JPEG file consists of: a marker each, and mostly bytes behind it.
 * @module
 */
import { damaged, truncated } from "./pixels.ts";

/** Second bytes of the markers that matter; the first is 0xff. */
export const MARKERS = { SOI: 0xd8, EOI: 0xd9, SOS: 0xda, DQT: 0xdb, DNL: 0xdc, DRI: 0xdd, DHT: 0xc4 } as const;

/** A segment. Its bytes are those from `start` to `end`, the length itself not among them. */
export interface Segment {
  readonly marker: number;
  readonly start: number;
  readonly end: number;
}

/** Whether a marker begins a frame, and so tells the size: SOF0 … SOF15 without DHT, JPG and DAC, which lie between. */
export function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/**
 * The next segment from `at` on. What lies before its marker is skipped: fill bytes, and what some encoders leave
 * behind a scan.
 * @throws FormatError when there is none, or its bytes are not all there
 */
export function nextSegment(bytes: Uint8Array, at: number, name: string): Segment {
  let i = at;
  for (;;) {
    while (i < bytes.length && bytes[i] !== 0xff) ++i;
    while (bytes[i] === 0xff) ++i;
    if (i >= bytes.length) throw truncated(name, "JPEG", "its end marker is missing");
    if (bytes[i] !== 0) break;
  }
  const marker = bytes[i]!;
  const start = i + 1;
  if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd9)) return { marker, start, end: start };
  if (start + 2 > bytes.length) throw truncated(name, "JPEG", "it ends in a marker segment");
  const length = (bytes[start]! << 8) | bytes[start + 1]!;
  if (length < 2) throw damaged(name, "JPEG", `a segment of ${length} bytes at ${i}`);
  if (start + length > bytes.length) throw truncated(name, "JPEG", "it ends in a marker segment");
  return { marker, start: start + 2, end: start + length };
}

/** Where the compressed data that begin at `at` end: at the next marker that is no restart. */
export function endOfScan(bytes: Uint8Array, at: number): number {
  for (let i = bytes.indexOf(0xff, at); i >= 0; i = bytes.indexOf(0xff, i + 1)) {
    const next = bytes[i + 1]!;
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return i;
  }
  return bytes.length;
}
