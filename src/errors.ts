/**
 * What can go wrong, as classes with a stable machine-readable `code`. Every message reads `where: expected X, got Y`.
 * Wrong kinds and values of arguments are plain `TypeError` and `RangeError`.
 * @module
 */

/** The machine-readable name of an error class. */
export type ErrorCode = "SHAPE" | "FORMAT" | "UNSUPPORTED" | "LOAD" | "MEMORY" | "STATE";

/** Base of all errors that this package throws on purpose. */
export class SepconvError extends Error {
  /** Stable across releases, unlike the message. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(shortened(message), options);
    this.code = code;
  }
}

/** Names are literals: minifiers rename classes, and what catches an error by its name must not notice. */
function named(type: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(type.prototype, "name", { value: name, configurable: true, writable: true });
}

/** Characters of a message at the most: names out of a stranger's file can be as long as the file. */
const LONGEST = 1600;

function shortened(message: string): string {
  if (message.length <= LONGEST) return message;
  const half = LONGEST / 2 - 10;
  return `${message.slice(0, half)} … ${message.slice(-half)}`;
}

/**
 * The same error, its message led by where it happened; nothing is added that the message says already, as those of a
 * LoadError do.
 * @param where a file's name, as a rule
 */
export function located(where: string, error: unknown): unknown {
  if (!(error instanceof SepconvError) || error instanceof LoadError || error.message.includes(where)) return error;
  const before = error.message;
  error.message = shortened(`${where}: ${before}`);
  // What an uncaught error prints was written when it was made.
  if (typeof error.stack === "string") error.stack = error.stack.replace(before, () => error.message);
  return error;
}

/** Numbers disagree: two shapes, a length and a shape, a dtype and an array. The message shows both. */
export class ShapeError extends SepconvError {
  constructor(message: string, options?: ErrorOptions) {
    super("SHAPE", message, options);
  }
}

/** A file lies or is damaged. The message names the format, and the byte offset or the tensor. */
export class FormatError extends SepconvError {
  constructor(message: string, options?: ErrorOptions) {
    super("FORMAT", message, options);
  }
}

/** Something that a model asks for and that there is not. */
export interface Blocker {
  /** An operator, or one with the setting that there is not: `TILE`, `CONV_2D (expected one group, got 4)`. */
  readonly what: string;
  /** Names of the nodes (in TFLite: of the values) that ask for it. */
  readonly nodes: readonly string[];
}

/** Valid, but not here: an op, a dtype, a feature of the host. The message names the node. */
export class UnsupportedError extends SepconvError {
  /** All that is in the way of a model, where a reader has looked at the whole of it; else empty. */
  readonly blockers: readonly Blocker[];

  constructor(message: string, { blockers = [], ...options }: ErrorOptions & { blockers?: readonly Blocker[] } = {}) {
    super("UNSUPPORTED", message, options);
    this.blockers = blockers;
  }
}

/** Something could not be fetched, read, compiled or instantiated; `cause` holds the host's own error. */
export class LoadError extends SepconvError {
  constructor(message: string, options?: ErrorOptions) {
    super("LOAD", message, options);
  }
}

/** More memory would be needed than is allowed, or than the host gives. */
export class MemoryError extends SepconvError {
  /** Bytes that the plan needs. */
  readonly needed: number;
  /** Bytes that were allowed. */
  readonly allowed: number;

  constructor(message: string, needed: number, allowed: number, options?: ErrorOptions) {
    super("MEMORY", message, options);
    this.needed = needed;
    this.allowed = allowed;
  }
}

/** The right call at the wrong time: after `dispose`, or while running. */
export class StateError extends SepconvError {
  constructor(message: string, options?: ErrorOptions) {
    super("STATE", message, options);
  }
}

named(SepconvError, "SepconvError");
named(ShapeError, "ShapeError");
named(FormatError, "FormatError");
named(UnsupportedError, "UnsupportedError");
named(LoadError, "LoadError");
named(MemoryError, "MemoryError");
named(StateError, "StateError");
