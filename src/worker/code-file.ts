/**
 * The worker's code as a file beside this one. A bundler that writes this file into one of its own exchanges it for
 * `code-inline.ts`, as `scripts/bundle.mjs` does.
 * @module
 */
import { LoadError } from "../errors.ts";
import { builtin } from "../host.ts";
import type { Code } from "./code.ts";

export async function workerCode(): Promise<Code> {
  const url = new URL("./serve.js", import.meta.url);
  if (/^file:/.test(url.href) && builtin("node:fs")?.existsSync(url) === false) {
    throw new LoadError(
      `worker: expected its code at ${url.href}, got no file; leave sepconv/worker out of the bundle`,
    );
  }
  return { url };
}
