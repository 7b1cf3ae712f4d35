/**
 * Models and pictures in a form that can be sent to a worker.
 * @module
 */
import { isBlob, isBuffer, isObject, isResponse, kindOf, tagOf } from "../arguments.ts";
import { LoadError, StateError } from "../errors.ts";
import { builtin } from "../host.ts";
import { isDrawable } from "../vision/drawn.ts";

/** What is sent, and what of it is handed over instead of copied. */
export interface Sent {
  readonly value: unknown;
  readonly transfer: Transferable[];
}

/**
 * A model's source, a picture or an input, ready to be sent. What only a page has becomes a bitmap; addresses become
 * whole ones, as a worker has another base.
 * @param transfer hands the arrays over, which are empty from then on
 */
export async function sendable(where: string, given: unknown, transfer: boolean): Promise<Sent> {
  if (typeof given === "string") return { value: absolute(given), transfer: [] };
  if (typeof given === "function")
    throw new TypeError(`${where}: expected what can be sent to a worker, got ${kindOf(given)}`);
  if (!isObject(given)) return { value: given, transfer: [] };
  if (tagOf(given) === "URL") return { value: (given as URL).href, transfer: [] };
  if (isResponse(given)) return response(where, given);
  if (isDrawable(given)) {
    const bitmap = await bitmapOf(where, given);
    return { value: bitmap, transfer: [bitmap] };
  }
  // What never changes needs no copy.
  if (isBlob(given) || tagOf(given) === "WebAssembly.Module") return { value: given, transfer: [] };
  // At once: what is sent is what it was when it was handed over.
  const value = transfer ? given : copy(where, given);
  return { value, transfer: handedOver(value) };
}

function copy<T>(where: string, given: T): T {
  try {
    return structuredClone(given);
  } catch (cause) {
    const { message } = cause as Error;
    throw new TypeError(`${where}: expected what can be sent to a worker, got ${message}`, { cause });
  }
}

async function response(where: string, given: Response): Promise<Sent> {
  if (!given.ok) throw new LoadError(`${where}: expected HTTP status 200, got ${given.status}`);
  if (given.bodyUsed) throw new LoadError(`${where}: expected an unread response, got one whose body was read before`);
  const value = new Uint8Array(await given.arrayBuffer());
  return { value, transfer: [value.buffer] };
}

async function bitmapOf(where: string, given: Exclude<ImageBitmapSource, Blob | ImageData>): Promise<ImageBitmap> {
  try {
    if (tagOf(given) === "HTMLImageElement") await (given as HTMLImageElement).decode();
    return await createImageBitmap(given);
  } catch (cause) {
    const { name, message } = cause as Error;
    if (name === "InvalidStateError") {
      throw new StateError(`${where}: expected ${kindOf(given)} with pixels, got ${message}`, { cause });
    }
    throw new LoadError(`${where}: expected ${kindOf(given)} that can be drawn, got ${message}`, { cause });
  }
}

function absolute(source: string): string {
  const page = globalThis.location?.href;
  if (/^[a-z][a-z0-9+.-]+:/i.test(source) || builtin("node:fs") || !page) return source;
  return new URL(source, page).href;
}

/** The buffers of arrays that fill them; memory that threads share stays where it is. */
function handedOver(given: object): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  const look = (value: unknown) => {
    const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
    if (tagOf(buffer) === "ArrayBuffer") found.add(buffer as ArrayBuffer);
  };
  if (isBuffer(given)) look(given);
  // Graphs, whose arrays lie deeper, are copied once more.
  else for (const each of Object.values(given)) look(each);
  return [...found];
}
