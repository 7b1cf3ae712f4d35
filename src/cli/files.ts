/**
 * Files as the command line reads and writes them; what goes wrong is told in one line that begins with the path.
 * @module
 */
import { mkdir, writeFile } from "node:fs/promises";
import process from "node:process";
import { LoadError } from "../errors.ts";
import { readSource } from "../formats/common/source.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such folder",
  EISDIR: "a directory",
  ENOTDIR: "a path through something that is not a directory",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EEXIST: "a file of that name is in the way",
  ENOSPC: "the disk is full",
  EROFS: "the file system is read-only",
  ENAMETOOLONG: "the name is too long",
};

/** What comes on stdin; read once, since it comes once. */
let stdin: Promise<Uint8Array> | undefined;

async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
  if (chunks.length === 0) throw new LoadError("stdin: expected a file, got 0 bytes");
  return new Uint8Array(Buffer.concat(chunks));
}

/**
 * All bytes of a file, of what a URL answers, or of what comes on stdin for "-".
 * @throws LoadError when it can't be read, is a directory or is empty
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  if (path === "-") {
    stdin ??= readStdin();
    return stdin;
  }
  try {
    return (await readSource(path)).bytes;
  } catch (error) {
    // Models come this way, but pictures, labels and inputs as well.
    if (!(error instanceof LoadError)) throw error;
    throw new LoadError(error.message.replace("expected a model file", "expected a file"), { cause: error.cause });
  }
}

/** @throws LoadError when the file can't be written. */
export async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes);
  } catch (cause) {
    throw new LoadError(`${path}: expected a file that can be written, got: ${reason(cause)}`, { cause });
  }
}

/** Makes a folder and those above it. @throws LoadError when it can't be made. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw new LoadError(`${path}: expected a folder that can be written to, got: ${reason(cause)}`, { cause });
  }
}

/**
 * File names for `names`, in their order: what a file system may refuse becomes "_", and equal names get -2, -3, …
 * Compared without case, as some file systems do.
 */
export function fileNames(names: readonly string[], extension: string): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const base = name.replace(/[/\\:*?"<>|\p{Cc}]/gu, "_") || "_";
    let candidate = base;
    for (let i = 2; taken.has(candidate.toLowerCase()); ++i) candidate = `${base}-${i}`;
    taken.add(candidate.toLowerCase());
    return candidate + extension;
  });
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "";
  return REASONS[code] ?? (error instanceof Error ? error.message : String(error));
}
