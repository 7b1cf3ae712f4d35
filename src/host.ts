/**
 * What there is of Node, where there is some of it: looked up when it is used, so that no bundler has anything to
 * resolve, and asked for by what it can do. Pages, too, may have a `process` that says it is Node.
 * @module
 */

/** Modules of Node that are used outside the command line. */
interface Builtins {
  readonly "node:fs": typeof import("node:fs");
  readonly "node:fs/promises": typeof import("node:fs/promises");
  readonly "node:os": typeof import("node:os");
  readonly "node:url": typeof import("node:url");
  readonly "node:worker_threads": typeof import("node:worker_threads");
  readonly "node:zlib": typeof import("node:zlib");
}

/** A module of Node, Deno or Bun; undefined on hosts that have no such thing. */
export function builtin<K extends keyof Builtins>(name: K): Builtins[K] | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: K) => Builtins[K] | undefined } };
  return typeof process?.getBuiltinModule === "function" ? process.getBuiltinModule(name) : undefined;
}
