/**
 * How much a stranger's file may ask for. Every reader draws what it is about to read, unpack or make from one {@link
 * Budget}, before it does so.
 * @module
 */
import { FormatError, MemoryError, UnsupportedError } from "./errors.ts";
import { turns } from "./turn.ts";

/**
 * Bounds of what one model may take while it is read. All are safe for a server that reads files of strangers; raise
 * those that a model of yours needs.
 */
export interface Limits {
  /** Bytes of all files of the model together; 512 MiB by default. */
  readonly maxFileBytes: number;
  /**
   * Bytes that the contents come to in all once they are unpacked or decoded; 512 MiB by default. `maxMemory`, where
   * given, bounds them too.
   */
  readonly maxUnpackedBytes: number;
  /** Tensors that the file names; 20,000 by default. */
  readonly maxTensors: number;
  /** Layers or operators; 20,000 by default. */
  readonly maxNodes: number;
  /** Levels of JSON, groups or models within each other; 64 by default. */
  readonly maxDepth: number;
}

/** The limits that hold where no option says otherwise. */
export const DEFAULT_LIMITS: Limits = {
  maxFileBytes: 2 ** 29,
  maxUnpackedBytes: 2 ** 29,
  maxTensors: 20_000,
  maxNodes: 20_000,
  maxDepth: 64,
};

/** What can be set about a budget. */
export interface BudgetOptions {
  readonly limits?: Partial<Limits> | undefined;
  /** Bytes that the session may take at most: the unpacked contents may not take more either. */
  readonly maxMemory?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is left of the limits while one model is read. */
export class Budget {
  readonly limits: Limits;
  readonly signal: AbortSignal | undefined;
  /** Gives way to the event loop where the turn has lasted; throws the signal's reason once it is aborted. */
  readonly turn: () => Promise<void>;
  readonly #used = { maxFileBytes: 0, maxUnpackedBytes: 0, maxTensors: 0, maxNodes: 0 };

  /** @throws `RangeError` for a limit that is no number from 0, or that does not exist */
  constructor({ limits = {}, maxMemory, signal }: BudgetOptions = {}) {
    for (const [name, value] of Object.entries(limits)) {
      if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
        throw new RangeError(`limits: expected one of ${Object.keys(DEFAULT_LIMITS).join(", ")}, got ${name}`);
      }
      if (value !== undefined && !(typeof value === "number" && value >= 0)) {
        throw new RangeError(`limits.${name}: expected a number from 0, got ${String(value)}`);
      }
    }
    const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
    this.limits = { ...DEFAULT_LIMITS, ...given };
    if (maxMemory !== undefined && maxMemory < this.limits.maxUnpackedBytes) {
      this.limits = { ...this.limits, maxUnpackedBytes: maxMemory };
    }
    this.signal = signal;
    this.turn = turns(signal);
  }

  /** Draws bytes that are about to be read. @throws {@link MemoryError} when they are too many */
  read(bytes: number, where: string): void {
    this.#bytes("maxFileBytes", bytes, where);
  }

  /** Whether a file of this size could still be read; draws nothing. @throws {@link MemoryError} when it could not */
  fits(bytes: number, where: string): void {
    this.#enough("maxFileBytes", bytes, where);
  }

  /** Draws bytes that are about to be made out of what was read. @throws {@link MemoryError} when they are too many */
  unpack(bytes: number, where: string): void {
    this.#bytes("maxUnpackedBytes", bytes, where);
  }

  /** Draws tensors. @throws {@link UnsupportedError} when they are too many */
  tensors(count: number, where: string): void {
    this.#count("maxTensors", count, where);
  }

  /** Draws layers or operators. @throws {@link UnsupportedError} when they are too many */
  nodes(count: number, where: string): void {
    this.#count("maxNodes", count, where);
  }

  /** @throws {@link FormatError} when a level, counted from 1, lies too deep */
  depth(level: number, where: string): void {
    if (level > this.limits.maxDepth) {
      throw new FormatError(`${where}: expected at most ${this.limits.maxDepth} levels (limits.maxDepth), got more`);
    }
  }

  #bytes(limit: "maxFileBytes" | "maxUnpackedBytes", bytes: number, where: string): void {
    this.#enough(limit, bytes, where);
    this.#used[limit] += bytes;
  }

  #enough(limit: "maxFileBytes" | "maxUnpackedBytes", bytes: number, where: string): void {
    const needed = this.#used[limit] + bytes;
    const allowed = this.limits[limit];
    if (!(needed <= allowed)) {
      throw new MemoryError(
        `${where}: expected at most ${allowed} bytes in all (limits.${limit}), got ${needed}`,
        needed,
        allowed,
      );
    }
  }

  #count(limit: "maxTensors" | "maxNodes", count: number, where: string): void {
    const needed = this.#used[limit] + count;
    const allowed = this.limits[limit];
    if (!(needed <= allowed)) {
      throw new UnsupportedError(`${where}: expected at most ${allowed} (limits.${limit}), got ${needed}`);
    }
    this.#used[limit] = needed;
  }
}
