/**
 * What a page and its worker say to each other.
 * @module
 */
import {
  FormatError,
  LoadError,
  MemoryError,
  SepconvError,
  ShapeError,
  StateError,
  UnsupportedError,
} from "../errors.ts";

/** What a worker can be asked for. */
export type Task =
  | "load"
  | "open"
  | "build"
  | "run"
  | "profile"
  | "classify"
  | "detect"
  | "embed"
  | "pose"
  | "segment"
  | "save"
  | "dispose";

/** One request; an answer bears its number. */
export interface Request {
  readonly id: number;
  readonly task: Task;
  /** The session that it is about; none for those that make one. */
  readonly session?: number | undefined;
  readonly subject?: unknown;
  readonly options?: object | undefined;
  /** Whether progress shall be told. */
  readonly progress?: boolean | undefined;
}

/** A request, or the word that one is no longer wanted. */
export type ToWorker = Request | { readonly id: number; readonly abort: true };

/** What comes back. */
export type FromWorker =
  | { readonly ready: true }
  | { readonly id: number; readonly progress: unknown }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: Told };

/** An error in a form that can be sent: classes of one's own don't get through. */
export interface Told {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly needed?: unknown;
  readonly allowed?: unknown;
  readonly blockers?: unknown;
}

export function told(error: unknown): Told {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), stack: undefined };
  const { name, message, stack } = error;
  const { needed, allowed, blockers } = error as Partial<MemoryError & UnsupportedError>;
  return { name, message, stack, ...{ needed, allowed, blockers } };
}

const PLAIN: Readonly<Record<string, new (message: string) => Error>> = {
  ...{ TypeError, RangeError },
  ...{ ShapeError, FormatError, LoadError, StateError },
};

/** The error that was told, of its own class. */
export function heard({ name, message, stack, needed, allowed, blockers }: Told): Error {
  const error =
    name === "MemoryError"
      ? new MemoryError(message, Number(needed), Number(allowed))
      : name === "UnsupportedError"
        ? new UnsupportedError(message, { blockers: (blockers ?? []) as UnsupportedError["blockers"] })
        : new (PLAIN[name] ?? Error)(message);
  if (!(error instanceof SepconvError) && error.name !== name) error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** The buffers of all arrays in an answer, each once: those are handed over and not copied. */
export function buffersIn(value: unknown, found = new Set<ArrayBuffer>()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (typeof value === "object" && value !== null) {
    for (const each of Object.values(value)) buffersIn(each, found);
  }
  return [...found];
}
