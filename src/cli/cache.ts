/**
 * Models that were downloaded, kept on disk with their checksums.
 * @module
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Download, download, isOfDisk, sha256 } from "./download.ts";
import { message } from "./output.ts";

/** Where models are kept: SEPCONV_CACHE, else a folder of the user's cache, by the rules of the system. */
export function cacheFolder({ env, platform } = process): string {
  if (env.SEPCONV_CACHE) return env.SEPCONV_CACHE;
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, "sepconv");
  if (platform === "win32" && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, "sepconv", "Cache");
  return platform === "darwin" ? join(homedir(), "Library/Caches/sepconv") : join(homedir(), ".cache/sepconv");
}

/** What is kept, and where it comes from. */
export interface Kept extends Omit<Download, "part"> {
  /** Its name in the cache. */
  readonly file: string;
  /** Makes of what was downloaded what is kept. */
  readonly unpack?: ((bytes: Uint8Array) => Uint8Array) | undefined;
}

/** A file that is in the cache, or, where that takes no more, in memory alone. */
export type Found = { readonly path: string } | { readonly bytes: Uint8Array };

/**
 * A file out of the cache, downloaded where it isn't there or isn't any more what it was.
 * @param warn gets what is not as it should be, and no reason to stop
 */
export async function cached(kept: Kept, warn: (text: string) => void, folder = cacheFolder()): Promise<Found> {
  const path = join(folder, kept.file);
  const sumPath = `${path}.sha256`;
  const [bytes, sum] = await Promise.all([path, sumPath].map((each) => readFile(each).catch(() => undefined)));
  if (bytes !== undefined) {
    if (sum !== undefined && sha256(bytes) === sum.toString("utf8").trim()) return { path };
    warn(`${path}: not what was downloaded: damaged or changed; it is downloaded anew`);
    await Promise.all([path, sumPath].map((each) => rm(each, { force: true }).catch(() => {})));
  }
  const { file: _, unpack = (all: Uint8Array) => all, ...asked } = kept;
  let came: Uint8Array | undefined;
  try {
    await mkdir(folder, { recursive: true });
    const part = `${path}.part`;
    came = unpack(await download({ ...asked, part }));
    // Whole or not at all: another process may look for it.
    const fresh = `${path}.${process.pid}`;
    await writeFile(fresh, came);
    await writeFile(sumPath, `${sha256(came)}\n`);
    await rename(fresh, path);
    await rm(part, { force: true });
    return { path };
  } catch (error) {
    if (!isOfDisk(error)) throw error;
    await Promise.all(
      [`${path}.part`, `${path}.${process.pid}`].map((each) => rm(each, { force: true }).catch(() => {})),
    );
    warn(`${folder}: the model is not kept: ${message(error)}`);
    return { bytes: came ?? unpack(await download(asked)) };
  }
}
