/**
 * The bytes of a picture, of whatever callers hold.
 * @module
 */
import { isBlob, isBuffer, isResponse, tagOf, viewOf } from "../../arguments.ts";
import { LoadError } from "../../errors.ts";

/** What a picture can be read from. Nothing here knows paths: those are the business of whoever has files. */
export type ImageSource = Uint8Array | ArrayBuffer | SharedArrayBuffer | Blob | Response;

/**
 * The name of a source, where it has one, and its bytes.
 * @param given the caller's own name for it
 * @throws {@link LoadError} when a Blob or Response can't be read
 * @throws TypeError for anything else
 */
export async function readSource(source: ImageSource, given?: string): Promise<{ name: string; bytes: Uint8Array }> {
  const name = given ?? "image";
  // A plain view: neither Node's own subclass nor one of another realm.
  if (["Uint8Array", "Uint8ClampedArray"].includes(tagOf(source)) || (isBuffer(source) && !ArrayBuffer.isView(source)))
    return { name, bytes: viewOf(source as Uint8Array) };
  if (isResponse(source)) return readResponse(source, given ?? (source.url || name));
  if (isBlob(source)) return readBody(source, given ?? ((source as File).name || name));
  throw new TypeError(`${name}: expected a Uint8Array, ArrayBuffer, Blob, File or Response, got ${described(source)}`);
}

async function readResponse(response: Response, name: string): Promise<{ name: string; bytes: Uint8Array }> {
  if (!response.ok) {
    await response.body?.cancel().catch(() => {});
    throw new LoadError(`${name}: expected HTTP status 200, got ${`${response.status} ${response.statusText}`.trim()}`);
  }
  if (response.bodyUsed) throw new LoadError(`${name}: expected an unread response, got one that was read before`);
  return readBody(response, name);
}

async function readBody(body: Blob | Response, name: string): Promise<{ name: string; bytes: Uint8Array }> {
  try {
    return { name, bytes: new Uint8Array(await body.arrayBuffer()) };
  } catch (cause) {
    throw new LoadError(`${name}: could not be read to its end: ${(cause as Error).message}`, { cause });
  }
}

function described(value: unknown): string {
  if (typeof value === "string") return "a string; read the file first, or fetch it";
  if (value === null || typeof value !== "object") return String(value);
  const tag = tagOf(value);
  return `${/^[AEIO]/.test(tag) ? "an" : "a"} ${tag}`;
}
