/**
 * The worker's code inside the code: all of the package as one classic script, packed.
 * @module
 */
import { fromBase64 } from "../engine/base64.ts";
import { inflate } from "../engine/inflate.ts";
import type { Code } from "./code.ts";

/** Written by `scripts/bundle.mjs`, in lines. */
declare const PACKED_WORKER: { readonly bytes: number; readonly base64: string };

export async function workerCode(): Promise<Code> {
  const { bytes, base64 } = PACKED_WORKER;
  const packed = fromBase64(base64.replaceAll("\n", ""));
  return { text: new TextDecoder().decode(await inflate(packed, bytes)) };
}
