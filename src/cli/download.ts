/**
 * Files from the net: tried again where the connection fails, taken up where it broke off, and held against a checksum.
 * @module
 */
import { createHash } from "node:crypto";
import { appendFile, readFile, rm, stat } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { LoadError } from "../errors.ts";
import { isHtml } from "../formats/common/source.ts";

/** What is asked for. */
export interface Download {
  readonly url: string;
  /** In hexadecimal; without one, what broke off begins anew. */
  readonly sha256?: string | undefined;
  /** Where to keep what has come so far; nowhere without one. */
  readonly part?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** In bytes; `total` is 0 while it isn't known. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Times that it is tried at the most; 5 by default. */
  readonly attempts?: number | undefined;
  /** Milliseconds before the second attempt, which double with each; 500 by default. */
  readonly pause?: number | undefined;
  /** Milliseconds without a byte after which a connection counts as broken; 30 seconds by default. */
  readonly patience?: number | undefined;
}

/** A failure that may pass. */
class Passing extends Error {}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * The bytes of an address.
 * @throws LoadError when it can't be had, is a web page, or is not what the checksum says; the signal's reason
 */
export async function download(asked: Download): Promise<Uint8Array> {
  const { url, signal, attempts = 5, pause = 500 } = asked;
  let came = asked.part !== undefined && asked.sha256 !== undefined ? await readPart(asked.part) : new Uint8Array();
  for (let attempt = 1; ; attempt++) {
    try {
      came = await attemptOf(asked, came, (bytes) => {
        came = bytes;
      });
      const sum = sha256(came);
      if (asked.sha256 === undefined || sum === asked.sha256) return came;
      came = new Uint8Array();
      await forget(asked.part);
      throw new Passing(`expected sha256 ${asked.sha256}, got ${sum}`);
    } catch (error) {
      if (signal?.aborted || !(error instanceof Passing)) throw error;
      if (attempt >= attempts) {
        const often = attempts === 1 ? "" : ` (tried ${attempts} times)`;
        throw new LoadError(`${url}: could not be fetched: ${error.message}${often}`, { cause: error.cause });
      }
      if (asked.sha256 === undefined) came = new Uint8Array();
      await wait(pause * 2 ** (attempt - 1), undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
    }
  }
}

async function attemptOf(
  { url, part, signal, onProgress, patience = 30_000 }: Download,
  before: Uint8Array,
  keep: (bytes: Uint8Array) => void,
): Promise<Uint8Array> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), patience);
  try {
    const headers = before.length > 0 ? { range: `bytes=${before.length}-` } : {};
    const signals = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
    const response = await fetch(url, { signal: signals, headers });
    const { status } = response;
    if (status === 429 || status >= 500) throw new Passing(`HTTP status ${status}`);
    // There is no more than what has come already.
    if (status === 416 && before.length > 0) return before;
    if (!response.ok)
      throw new LoadError(`${url}: expected HTTP status 200, got ${status} ${response.statusText}`.trim());
    const continues = response.headers.get("content-range")?.startsWith(`bytes ${before.length}-`) === true;
    let bytes = status === 206 && continues ? before : new Uint8Array();
    if (bytes.length === 0) await forget(part);
    const length = response.headers.get("content-encoding") ? null : response.headers.get("content-length");
    const total = length === null ? 0 : bytes.length + Number(length);
    const chunks: Uint8Array[] = [bytes];
    let done = bytes.length;
    const joined = () => {
      bytes = Buffer.concat(chunks);
      return bytes;
    };
    try {
      // Node's streams can be iterated; the types of pages, which the documentation is made with, do not say so.
      const body = (response.body ?? []) as unknown as AsyncIterable<Uint8Array>;
      for await (const chunk of body) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), patience);
        chunks.push(chunk);
        done += chunk.length;
        if (part !== undefined) await appendFile(part, chunk);
        onProgress?.(done, Math.max(total, total && done));
      }
    } finally {
      keep(joined());
    }
    if (isHtml(bytes)) {
      await forget(part);
      throw new LoadError(`${url}: expected a file, got a web page (HTML); is there a portal or proxy in between?`);
    }
    if (total > 0 && done !== total) throw new Passing(`expected ${total} bytes, got ${done}`);
    if (done === 0) throw new Passing("expected a file, got 0 bytes");
    return bytes;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof LoadError || error instanceof Passing || isOfDisk(error)) throw error;
    if (silence.signal.aborted) throw new Passing(`nothing came for ${patience / 1000} s`);
    const { cause = error } = error as Error;
    const { code = "", message } = cause as NodeJS.ErrnoException;
    const offline = OFFLINE.has(code) ? "; is this machine online?" : "";
    throw new Passing(`${message || code}${offline}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

const OFFLINE: ReadonlySet<string> = new Set(["ENOTFOUND", "EAI_AGAIN", "ENETUNREACH", "EHOSTUNREACH", "ECONNREFUSED"]);

/** Whether an error is that of a file system which takes no more. */
export function isOfDisk(error: unknown): boolean {
  const { code = "", syscall = "" } = error as NodeJS.ErrnoException;
  return (
    /^(write|open|mkdir|rename|unlink)$/.test(syscall) &&
    /^(ENOSPC|EDQUOT|EROFS|EACCES|EPERM|ENOTDIR|EEXIST)$/.test(code)
  );
}

async function readPart(part: string): Promise<Uint8Array> {
  const isFile = await stat(part).then(
    (status) => status.isFile(),
    () => false,
  );
  return isFile ? readFile(part).catch(() => new Uint8Array()) : new Uint8Array();
}

async function forget(part: string | undefined): Promise<void> {
  if (part !== undefined) await rm(part, { force: true });
}
