/**
 * Many images, one after the other: what goes wrong with one of them is told, and the others go on.
 * @module
 */
import process from "node:process";
import { type DecodedImage, decodeImage } from "../index.ts";
import { readBytes } from "./files.ts";
import { message, printError } from "./output.ts";
import { underBar } from "./progress.ts";

/** An image that could not be used. */
export interface Failed {
  readonly image: string;
  readonly error: string;
}

/**
 * What became of an image: its answer with the milliseconds that it took (resize, network, decoding of the answer), or
 * what went wrong.
 */
export type Outcome<T> = ({ readonly image: string; readonly ms: number } & T) | Failed;

/** Whether an image could not be used. */
export function isFailed(outcome: Outcome<unknown>): outcome is Failed {
  return "error" in (outcome as Failed);
}

/**
 * Reads, decodes and hands over each image in turn. A failure is one line on stderr, after the last image so that it
 * doesn't run into the progress bar, and makes the exit code 1.
 * @param work is timed; it gets the pixels and the path
 * @param after is not: what is done with the answer, such as writing a picture; it may add to it. It gets the pixels
 * and the path's index
 */
export async function forEachImage<T extends object>(
  paths: readonly string[],
  { debug = false }: { readonly debug?: boolean },
  work: (image: DecodedImage, path: string) => Promise<T>,
  after: (answer: T, image: DecodedImage, index: number) => Promise<T> = async (answer) => answer,
): Promise<Outcome<T>[]> {
  const outcomes: Outcome<T>[] = [];
  const failures: unknown[] = [];
  await underBar(async (bar) => {
    for (const [i, path] of paths.entries()) {
      bar.update(i, paths.length, path);
      try {
        const image = await decodeImage(await readBytes(path), { name: path });
        const start = performance.now();
        const answer = await work(image, path);
        const ms = Math.round((performance.now() - start) * 1000) / 1000;
        outcomes.push({ image: path, ms, ...(await after(answer, image, i)) });
      } catch (error) {
        outcomes.push({ image: path, error: message(error) });
        failures.push(error);
      }
    }
  });
  for (const error of failures) printError(error, debug);
  if (failures.length > 0) process.exitCode = 1;
  return outcomes;
}
