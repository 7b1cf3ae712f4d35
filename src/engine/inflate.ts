/**
 * What was packed into the code, unpacked.
 * @module
 */
import { inflateSync } from "fflate";
import { builtin } from "../host.ts";

const zlibOfHost = () => builtin("node:zlib");

/** By the host where it can, in a tenth of the time that code takes which was never run before. */
export async function inflate(packed: Uint8Array<ArrayBuffer>, total: number): Promise<Uint8Array> {
  const zlib = zlibOfHost();
  if (zlib) return zlib.inflateRawSync(packed);
  if (typeof DecompressionStream === "function" && typeof Response === "function") {
    try {
      const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
      return new Uint8Array(await new Response(stream).arrayBuffer());
    } catch {
      // A host that has the class, but not this format.
    }
  }
  return inflateSync(packed, { out: new Uint8Array(total) });
}
