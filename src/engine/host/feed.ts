/**
 * A run whose input comes in row by row: what can be computed is computed as soon as its rows are there.
 * @module
 */
import { StateError } from "../../errors.ts";
import { sizeOf } from "../../graph/references.ts";
import type { Manifest } from "../manifest.ts";
import type { FeedEntry } from "../plan/schedule.ts";
import type { LinearMemory } from "./memory.ts";
import { checkArray, type Numbers, type RunResult } from "./numbers.ts";
import type { Schedules } from "./schedules.ts";

/** Rows that the schedule waits for, and the index of the entry that does. */
export type Wait = FeedEntry & { readonly at: number };

/** What a feed asks of its session. */
export interface Fed {
  readonly manifest: Manifest;
  readonly waits: readonly Wait[];
  readonly schedules: Schedules;
  /** @throws StateError once the session is disposed */
  memory(): LinearMemory;
  /** Whether this feed is the one that goes on. */
  isCurrent(feed: Feed): boolean;
  /** It is over. */
  end(): void;
  result(): RunResult<Numbers>;
}

/**
 * A run in the making: hand over the rows of the input from the top as they come, then ask for the result. Begun by
 * `Session.feed`.
 */
export class Feed<T extends Numbers = Numbers> {
  /** Rows of the input. */
  readonly height: number;
  /** Numbers in a row: width × channels. */
  readonly rowLength: number;
  readonly #fed: Fed;
  #row = 0;
  #wait = 0;

  /** Use `Session.feed`. */
  constructor(fed: Fed) {
    const [, height, ...row] = fed.manifest.inputs[0]!.shape;
    this.height = height!;
    this.rowLength = sizeOf(row);
    this.#fed = fed;
    this.#compute(0, fed.waits[0]!.at);
  }

  /** Rows that were handed over so far. */
  get received(): number {
    return this.#row;
  }

  /**
   * Hands over the next rows, and computes what they make possible.
   * @param rows one behind the other, in the input's own type; they are copied
   * @throws TypeError for another kind of array; RangeError for part of a row, or more rows than the input has; {@link
   *   StateError} when the feed is over, another one was begun, or the session is disposed. Nothing is taken then.
   */
  rows(rows: Numbers | Uint8ClampedArray): void {
    this.#inUse();
    const input = this.#fed.manifest.inputs[0]!;
    const data = checkArray(input, rows);
    const count = data.length / this.rowLength;
    if (!Number.isInteger(count)) {
      throw new RangeError(
        `feed of ${input.name}: expected rows of ${this.rowLength} numbers, got ${data.length} numbers`,
      );
    }
    if (this.#row + count > this.height) {
      throw new RangeError(
        `feed of ${input.name}: expected ${this.height - this.#row} more rows at most, got ${count}`,
      );
    }
    this.#take(data, count);
  }

  /**
   * The result, once all rows are there; the session is free for another run then.
   * @throws {@link StateError} while rows are missing, and as {@link rows}
   */
  done(): RunResult<T> {
    this.#inUse();
    if (this.#row < this.height) {
      throw new StateError(`feed: expected ${this.height} rows before the end, got ${this.#row}`);
    }
    this.#fed.end();
    return this.#fed.result() as RunResult<T>;
  }

  /** Gives up; the session is free for another run. Calling it again does nothing. */
  cancel(): void {
    if (this.#fed.isCurrent(this)) this.#fed.end();
  }

  #inUse(): void {
    if (!this.#fed.isCurrent(this)) throw new StateError("feed: expected one that goes on, got one that is over");
    this.#fed.memory();
  }

  /** Rows behind the last one that a layer looks at are taken, and left. */
  #take(data: Numbers, count: number): void {
    const { waits, manifest } = this.#fed;
    const { rowLength } = this;
    const memory = this.#fed.memory();
    const size = data.BYTES_PER_ELEMENT;
    const all = size === 4 ? memory.floats(0, memory.buffer.byteLength / 4) : memory.bytes(0, memory.buffer.byteLength);
    for (let row = 0; row < count; ) {
      const wait = waits[this.#wait];
      if (wait === undefined) {
        this.#row += count - row;
        return;
      }
      const rows = Math.min(count - row, wait.r1 - this.#row);
      const address = wait.address + (this.#row - wait.r0) * rowLength * size;
      all.set(data.subarray(row * rowLength, (row + rows) * rowLength), address / size);
      row += rows;
      this.#row += rows;
      if (this.#row < wait.r1) return;
      this.#wait++;
      this.#compute(wait.at, waits[this.#wait]?.at ?? manifest.lanes[0]!);
    }
  }

  #compute(first: number, last: number): void {
    this.#fed.schedules.part(this.#fed.memory(), 0, first, last);
  }
}
