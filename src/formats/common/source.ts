/**
 * Where models come from: a path, a URL, bytes, a Blob, a Response, or a record of files. Knows bytes only, no format.
 * @module
 */

import type { Stats } from "node:fs";
import { isBlob, isBuffer, isObject, isResponse, tagOf, viewOf } from "../../arguments.ts";
import { LoadError, SepconvError } from "../../errors.ts";
import { builtin } from "../../host.ts";
import { Budget } from "../../limits.ts";
import { asAddress, inside, splitQuery } from "./sibling-names.ts";

/** Bytes as callers have them. */
export type Bytes = ArrayBuffer | ArrayBufferView | Blob;

/**
 * What a model can be read from. A string is an http(s), file, data or blob URL, otherwise a path (in a browser: a URL
 * relative to the page). A record maps file names to bytes, for models in several files: `{ "model.json": …,
 * "group1-shard1of1.bin": … }`.
 */
export type ModelSource = string | URL | Bytes | Response | Readonly<Record<string, Bytes>>;

/** How far the reading of one file has come, in bytes; `total` where it is known beforehand. */
export interface Progress {
  readonly file: string;
  readonly loaded: number;
  readonly total?: number;
}

/** Options of everything that reads. */
export interface ReadOptions {
  /** Stops reading; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called as bytes arrive, per file, at least once at its end. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** What all files together may take; a new one with the default limits otherwise. */
  readonly budget?: Budget | undefined;
  /** Where the shards of a TF.js manifest are, if not beside the model: see {@link WeightUrl}. */
  readonly weightUrl?: WeightUrl | undefined;
}

/**
 * Says where a file is that a manifest names, as tfjs's `weightUrlConverter` does: an address or path (as {@link
 * ModelSource} takes them), or the bytes themselves; undefined for the default, beside the model. Called once a file.
 * @param path as the manifest has it, such as `group1-shard1of4.bin`; a stranger's words, where the model is a
 *   stranger's
 */
export type WeightUrl = (
  path: string,
) => string | URL | Bytes | Response | undefined | Promise<string | URL | Bytes | Response | undefined>;

/**
 * Reads a file that the model names; `name` is relative to the model's folder and cannot leave it. Models that came
 * over http(s) may name whole http(s) addresses too.
 */
export type Sibling = (name: string) => Promise<Uint8Array>;

/** A model's first file, and the way to the others. */
export interface ModelFiles {
  /** Path, URL or file name, as errors name it. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly sibling: Sibling;
}

/**
 * Reads the first file of a model.
 * @throws LoadError when there is nothing to read: no such file, a directory, an HTTP error, HTML in place of a model,
 *   no bytes at all.
 */
export async function readSource(source: ModelSource, asked: ReadOptions = {}): Promise<ModelFiles> {
  const options = { ...asked, budget: asked.budget ?? new Budget() };
  options.signal?.throwIfAborted();
  const files = await open(source, options);
  const { weightUrl } = options;
  if (!weightUrl) return files;
  const sibling: Sibling = async (name) => {
    const place = await weightUrl(name);
    if (place === undefined) return files.sibling(name);
    return (await open(place, options)).bytes;
  };
  return { ...files, sibling };
}

async function open(source: ModelSource, options: ReadOptions): Promise<ModelFiles> {
  if (typeof source === "string") return fromString(source, options);
  if (isBuffer(source)) return alone("bytes", await readBytes("bytes", source, options));
  if (isObject(source)) {
    if (isResponse(source)) return fromResponse(source, options);
    if (isBlob(source)) {
      const name = (source as File).name || "blob";
      return alone(name, await readBytes(name, source, options));
    }
    if (tagOf(source) === "URL" || source instanceof URL) return fromString((source as URL).href, options);
    if (tagOf(source) === "Object") return fromRecord(source as Readonly<Record<string, Bytes>>, options);
  }
  throw new TypeError(`source: expected a path, URL, bytes, Blob, Response or record of files, got ${tagOf(source)}`);
}

function isBytes(value: unknown): value is Bytes {
  return isBuffer(value) || isBlob(value);
}

function fromString(source: string, options: ReadOptions): Promise<ModelFiles> {
  if (/^file:/i.test(source) && hasFiles()) return fromPath(source, options);
  if (/^(https?|data|blob):/i.test(source)) return fromUrl(source, options);
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(source);
  if (scheme)
    throw new LoadError(`${source}: expected a path or an http(s), file, data or blob URL, got scheme "${scheme[1]}"`);
  if (hasFiles()) return fromPath(source, options);
  const page = globalThis.location?.href;
  if (page) return fromUrl(new URL(source, page).href, options);
  throw new LoadError(`${source}: expected a URL or bytes, got a path, and this host has no file system`);
}

/** Whether this host has files. */
function hasFiles(): boolean {
  return builtin("node:fs") !== undefined;
}

// --- Files
// -------------------------------------------------------------------------------------------------------------------

async function fromPath(source: string, options: ReadOptions): Promise<ModelFiles> {
  const path = /^file:/i.test(source) ? builtin("node:url")!.fileURLToPath(source) : source;
  const folder = path.slice(0, Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  const bytes = await readPath(path, options);
  return { name: path, bytes, sibling: async (name) => readPath(folder + inside(path, name).join("/"), options) };
}

/** Bytes that are read at a time, of large files. */
const PIECE = 1 << 20;

/** What a function of Node answers that takes a callback. */
function called<T>(ask: (answer: (error: unknown, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => ask((error, value) => (error ? reject(error) : resolve(value))));
}

async function readPath(path: string, options: ReadOptions): Promise<Uint8Array> {
  // Not node:fs/promises, nor streams where one read will do: what Node loads for them takes as long as the file.
  const fs = builtin("node:fs")!;
  try {
    const status = await called<Stats>((answer) => fs.stat(path, answer));
    if (status.isDirectory()) throw new LoadError(`${path}: expected a file, got a directory`);
    const total = status.isFile() ? status.size : undefined;
    options.budget?.fits(total ?? 0, path);
    const source =
      total !== undefined && total <= 4 * PIECE
        ? [await called<Uint8Array>((answer) => fs.readFile(path, answer))]
        : fs.createReadStream(path, { highWaterMark: PIECE });
    return await collect(path, source, total, options);
  } catch (cause) {
    if (cause instanceof SepconvError || options.signal?.aborted) throw cause;
    throw new LoadError(`${path}: expected a readable file, got ${fileProblem(cause)}`, { cause });
  }
}

function fileProblem(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") return "no such file";
  if (code === "EACCES" || code === "EPERM") return "no permission to read it";
  return message ?? String(cause);
}

// --- URLs
// -------------------------------------------------------------------------------------------------------------------

async function fromUrl(url: string, options: ReadOptions): Promise<ModelFiles> {
  const bytes = await fetchBytes(url, options);
  if (!/^https?:/i.test(url)) return alone(shorten(url), bytes);
  return { name: url, bytes, sibling: siblingUrl(url, options) };
}

async function fromResponse(response: Response, options: ReadOptions): Promise<ModelFiles> {
  const name = response.url || "response";
  const bytes = await readResponse(name, response, options);
  if (!/^https?:/i.test(response.url)) return alone(name, bytes);
  return { name, bytes, sibling: siblingUrl(response.url, options) };
}

/**
 * Siblings without a query of their own keep that of the model's URL, which may carry a signature or a format
 * (`?tfjs-format=file`). Whole addresses are taken as they are: whoever serves the model could redirect to them just as
 * well.
 */
function siblingUrl(url: string, options: ReadOptions): Sibling {
  return async (name) => {
    if (/^https?:\/\//i.test(name)) return fetchBytes(name, options);
    const [path, query] = splitQuery(name);
    const segments = inside(url, path, name).map(encodeURIComponent);
    const sibling = new URL(query === undefined ? segments.join("/") : asAddress(url, path), url);
    sibling.search = query ?? new URL(url).search;
    return fetchBytes(sibling.href, options);
  };
}

async function fetchBytes(url: string, options: ReadOptions): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url, options.signal ? { signal: options.signal } : {});
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    const { cause: inner, message } = cause as Error;
    const reason = inner instanceof Error && inner.message ? inner.message : message;
    throw new LoadError(`${shorten(url)}: could not be fetched: ${reason}`, { cause });
  }
  return readResponse(shorten(url), response, options);
}

async function readResponse(name: string, response: Response, options: ReadOptions): Promise<Uint8Array> {
  if (!response.ok) {
    await response.body?.cancel().catch(() => {});
    throw new LoadError(`${name}: expected HTTP status 200, got ${`${response.status} ${response.statusText}`.trim()}`);
  }
  if (response.bodyUsed)
    throw new LoadError(`${name}: expected an unread response, got one whose body was read before`);
  // The length of a compressed body is not that of the file.
  const length = response.headers.get("content-encoding") ? null : response.headers.get("content-length");
  const total = length === null ? undefined : Number(length);
  let bytes: Uint8Array;
  try {
    bytes = await collect(name, response.body ? chunksOf(response.body) : [], total, options);
  } catch (cause) {
    if (cause instanceof SepconvError || options.signal?.aborted) throw cause;
    throw new LoadError(`${name}: could not be read to its end: ${(cause as Error).message}`, { cause });
  }
  if (isHtml(bytes)) {
    throw new LoadError(`${name}: expected a model file, got HTML (status ${response.status}); is the address right?`);
  }
  return bytes;
}

/** Whether these bytes begin a web page: what servers send in place of a file that they do not have. */
export function isHtml(bytes: Uint8Array): boolean {
  return /^\uFEFF?\s*(<!doctype html|<html|<head)/i.test(new TextDecoder().decode(bytes.subarray(0, 256)));
}

function shorten(url: string): string {
  return url.startsWith("data:") && url.length > 60 ? `${url.slice(0, 59)}…` : url;
}

// --- Bytes
// -------------------------------------------------------------------------------------------------------------------

async function fromRecord(files: Readonly<Record<string, Bytes>>, options: ReadOptions): Promise<ModelFiles> {
  for (const [name, file] of Object.entries(files)) {
    if (!isBytes(file)) throw new TypeError(`source["${name}"]: expected bytes or a Blob, got ${tagOf(file)}`);
  }
  const main = mainFile(Object.keys(files));
  const folder = main.slice(0, main.lastIndexOf("/") + 1);
  const sibling: Sibling = async (name) => {
    // A manifest that was written for signed addresses names its files with their queries.
    const path = inside(main, splitQuery(name)[0], name).join("/");
    const file = [name, path].map((of) => ownEntry(files, folder + of) ?? ownEntry(files, of)).find(Boolean);
    if (file === undefined) {
      throw new LoadError(`${main}: expected "${path}" among the files, got ${Object.keys(files).join(", ")}`);
    }
    return readBytes(path, file, options);
  };
  return { name: main, bytes: await readBytes(main, files[main]!, options), sibling };
}

function ownEntry(files: Readonly<Record<string, Bytes>>, name: string): Bytes | undefined {
  return Object.hasOwn(files, name) ? files[name] : undefined;
}

/** The only file; else model.json; else the only JSON or ONNX file. */
function mainFile(names: readonly string[]): string {
  const json = names.filter((name) => /\.json$/i.test(name));
  const models = json.filter((name) => /(^|\/)model\.json$/i.test(name));
  const onnx = names.filter((name) => /\.onnx$/i.test(name));
  for (const candidates of [names, models, json, onnx]) if (candidates.length === 1) return candidates[0]!;
  throw new LoadError(
    `source: expected one model file, or one JSON or ONNX file among several, got ${names.join(", ") || "no files"}`,
  );
}

function alone(name: string, bytes: Uint8Array): ModelFiles {
  const sibling: Sibling = async (other) => {
    const { length } = inside(name, other);
    const hint = `pass the files together, as { "model.json": bytes, "${other}": bytes }, or a path or URL`;
    throw new LoadError(
      `${name}: expected ${length ? `"${other}" beside it` : "a file"}, got a source without a folder; ${hint}`,
    );
  };
  return { name, bytes, sibling };
}

async function readBytes(name: string, source: Bytes, options: ReadOptions): Promise<Uint8Array> {
  if (isBlob(source)) return collect(name, chunksOf(source.stream()), source.size, options);
  const bytes = viewOf(source);
  return collect(name, [bytes], bytes.length, options);
}

/** Safari's streams are not async iterable, so this reads them by hand. */
async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => {});
  }
}

/**
 * Joins chunks; a single one is not copied. Never a Node Buffer, whose `slice` shares memory where other arrays copy.
 */
async function collect(
  file: string,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  total: number | undefined,
  { signal, onProgress, budget }: ReadOptions,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  for await (const chunk of source) {
    signal?.throwIfAborted();
    budget?.read(chunk.byteLength, file);
    // Not Node's own subclass: `slice` of a Buffer is a view, of a Uint8Array a copy.
    chunks.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    loaded += chunk.byteLength;
    onProgress?.(total === undefined ? { file, loaded } : { file, loaded, total });
  }
  signal?.throwIfAborted();
  if (loaded === 0) throw new LoadError(`${file}: expected a model file, got 0 bytes`);
  const [first] = chunks as [Uint8Array];
  if (chunks.length === 1) return new Uint8Array(first.buffer, first.byteOffset, first.byteLength);
  const bytes = new Uint8Array(loaded);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
