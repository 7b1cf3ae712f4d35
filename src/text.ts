/**
 * Texts in UTF-8, on hosts without `TextDecoder` too: audio worklets have none.
 * @module
 */

/** @throws for bytes that are no UTF-8 */
export function decoded(bytes: Uint8Array): string {
  if (typeof TextDecoder === "function") return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  return decodeURIComponent(Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""));
}
