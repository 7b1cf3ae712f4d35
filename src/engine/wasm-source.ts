/**
 * The kernels' wasm, of whatever callers hold.
 * @module
 */
import { isBlob, isBuffer, isObject, isResponse, kindOf, tagOf, viewOf } from "../arguments.ts";
import { LoadError } from "../errors.ts";
import { builtin } from "../host.ts";

/** One of the things that kernels can come from. A string is an address, or on hosts with files a path. */
export type WasmGiven =
  | ArrayBuffer
  | SharedArrayBuffer
  | ArrayBufferView
  | Blob
  | Response
  | URL
  | string
  | WebAssembly.Module;

/** Where the kernels may come from instead of the package: any of these, or a promise of one. */
export type WasmSource = WasmGiven | PromiseLike<WasmGiven>;

/** How errors name a source. */
const OPTION = "option wasm";

/**
 * The bytes, or the compiled module, of a source; also of one from another realm (an iframe, a test runner's sandbox).
 * @throws {@link LoadError} when it can't be read, or holds something else
 * @throws `TypeError` for what is no source
 */
export async function readWasm(source: WasmSource): Promise<Uint8Array<ArrayBuffer> | WebAssembly.Module> {
  const given = await source;
  if (typeof given === "string") return fromString(given);
  if (given instanceof WebAssembly.Module || tagOf(given) === "WebAssembly.Module") return given as WebAssembly.Module;
  if (isBuffer(given)) return bytesOf(viewOf(given));
  if (isResponse(given)) return fromResponse(given);
  if (isBlob(given)) return fromBody(given, OPTION);
  if (isObject(given) && "href" in given) return fromString(String(given.href));
  throw new TypeError(
    `${OPTION}: expected bytes, a Blob, a Response, a URL, a path or a WebAssembly.Module, got ${kindOf(given)}`,
  );
}

/** Memory that threads share is copied: not every host compiles from it. */
function bytesOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return tagOf(bytes.buffer) === "ArrayBuffer" ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}

async function fromString(source: string): Promise<Uint8Array<ArrayBuffer>> {
  if (/^(https?|data|blob):/i.test(source)) return fetchWasm(source);
  const fs = builtin("node:fs/promises");
  if (fs) {
    try {
      return new Uint8Array(await fs.readFile(/^file:/i.test(source) ? new URL(source) : source));
    } catch (cause) {
      throw new LoadError(`${source}: expected a readable wasm file, got ${(cause as Error).message}`, { cause });
    }
  }
  let address: string;
  try {
    address = new URL(source, globalThis.location?.href).href;
  } catch (cause) {
    throw new LoadError(`${OPTION}: expected an address or bytes, got ${JSON.stringify(source)}`, { cause });
  }
  return fetchWasm(address);
}

/**
 * Fetches a wasm file.
 * @throws {@link LoadError} when that fails, naming the address and what came instead
 */
export async function fetchWasm(address: string): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch (cause) {
    throw new LoadError(`${named(address)}: expected a wasm file, got ${(cause as Error).message}`, { cause });
  }
  return fromResponse(response, address);
}

async function fromResponse(response: Response, address = response.url || OPTION): Promise<Uint8Array<ArrayBuffer>> {
  const where = named(address);
  if (!response.ok) throw new LoadError(`${where}: expected a wasm file, got status ${response.status}; ${CURE}`);
  if (response.bodyUsed) throw new LoadError(`${where}: expected an unread response, got one that was read before`);
  const bytes = await fromBody(response, where);
  if (bytes[0] === 0x3c) {
    throw new LoadError(`${where}: expected a wasm file, got HTML (a server's page for a missing file); ${CURE}`);
  }
  return bytes;
}

const CURE = "serve the file there, pass the option wasm, or import sepconv itself, which has the kernels inside";

async function fromBody(body: Blob | Response, where: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await body.arrayBuffer());
  } catch (cause) {
    throw new LoadError(`${where}: could not be read to its end: ${(cause as Error).message}`, { cause });
  }
}

function named(address: string): string {
  return address.length > 200 ? `${address.slice(0, 199)}…` : address;
}
