import { builtin } from "../host.ts";

/** Of a digit's character code: those of a … z, A … Z, 0 … 9, / and +, from high codes to low. */
const digit = (code: number) =>
  code > 96 ? code - 71 : code > 64 ? code - 65 : code > 47 ? code + 4 : code > 46 ? 63 : 62;

type FromBase64 = (text: string) => Uint8Array<ArrayBuffer>;

/** Bytes of a base64 text: by the host where it can, else by hand, since some hosts (audio worklets) have no `atob`. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const host = Uint8Array as unknown as { readonly fromBase64?: FromBase64 };
  if (typeof host.fromBase64 === "function") return host.fromBase64(text);
  const { Buffer } = globalThis as { Buffer?: { from?: (text: string, encoding: string) => Uint8Array<ArrayBuffer> } };
  // A copy of its own: small ones of Node's lie in a memory that they share.
  if (builtin("node:zlib") && Buffer?.from) return new Uint8Array(Buffer.from(text, "base64"));
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  for (let i = 0, at = 0; i < text.length; i += 4) {
    const [a, b, c, d] = [0, 1, 2, 3].map((j) => digit(text.charCodeAt(i + j))) as [number, number, number, number];
    // What padding makes of the last ones falls off the end.
    bytes[at++] = (a << 2) | (b >> 4);
    bytes[at++] = (b << 4) | (c >> 2);
    bytes[at++] = (c << 6) | d;
  }
  return bytes;
}
