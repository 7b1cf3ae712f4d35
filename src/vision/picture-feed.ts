/**
 * A picture that comes in row by row, as from a camera: its rows are resized, normalized and worked on as they come.
 * Neither the picture nor the network's input exists as a whole.
 * @module
 */
import { kindOf } from "../arguments.ts";
import type { Feed } from "../engine/host/feed.ts";
import type { Numbers, RunResult, Session } from "../engine/host/session.ts";
import { StateError } from "../errors.ts";
import type { Placement, Size } from "./fit.ts";
import { prepareResampling, type Resampling, writeImageStep } from "./image.ts";
import { fromReal } from "./real.ts";
import { inputOf, type PixelRange, type SessionInputOptions } from "./session-input.ts";

/** Rows of a picture on their way into a network, from the top. Begun by `feedPicture`. */
export class PictureFeed<T extends Numbers = Numbers> {
  /** Rows of the picture. */
  readonly height: number;
  /** Bytes in a row: width × channels. */
  readonly rowLength: number;
  /** Which part of the picture goes where; `toPicture` takes boxes back. */
  readonly placement: Placement;
  /** How pixels become input. */
  readonly range: PixelRange;
  readonly #session: Session;
  readonly #feed: Feed<T>;
  readonly #resampling: Resampling;
  /** Rows of the picture that came, the first one of those in the strip, and rows of the input that are done. */
  #row = 0;
  #first = 0;
  #done = 0;

  /** Use `feedPicture`. */
  constructor(session: Session, range: PixelRange, resampling: Resampling) {
    const { picture } = resampling.layout;
    this.height = picture.height;
    this.rowLength = picture.width * picture.channels;
    this.placement = resampling.placement;
    this.range = range;
    this.#session = session;
    this.#feed = session.feed<Numbers>() as Feed<T>;
    this.#resampling = resampling;
    this.#fill(resampling.layout.target[1]);
  }

  /** Rows that were handed over so far. */
  get received(): number {
    return this.#row;
  }

  /**
   * Hands over the next rows of the picture, and computes what they make possible.
   * @param rows one behind the other, gray, RGB or RGBA as the feed was made for
   * @throws TypeError for another kind of array; RangeError for part of a row, or more rows than the picture has;
   *   StateError when the feed is over. Nothing is taken then.
   */
  rows(rows: Uint8Array | Uint8ClampedArray): void {
    if (!(rows instanceof Uint8Array || rows instanceof Uint8ClampedArray)) {
      throw new TypeError(`picture: expected bytes, a Uint8Array or a Uint8ClampedArray, got ${kindOf(rows)}`);
    }
    const count = rows.length / this.rowLength;
    if (!Number.isInteger(count)) {
      throw new RangeError(`picture: expected rows of ${this.rowLength} bytes, got ${rows.length} bytes`);
    }
    if (this.#row + count > this.height) {
      throw new RangeError(`picture: expected ${this.height - this.#row} more rows at most, got ${count}`);
    }
    // Says so before anything is taken, where the feed is over.
    this.#feed.rows(fromReal(new Float32Array(0), this.#session.inputs[0]!));
    for (let i = 0; i < count; i++) this.#take(rows.subarray(i * this.rowLength, (i + 1) * this.rowLength));
  }

  /**
   * The result, once all rows are there; the session is free for another run then.
   * @throws {@link StateError} while rows are missing, and when the feed is over
   */
  done(): RunResult<T> {
    if (this.#row < this.height) {
      throw new StateError(`picture: expected ${this.height} rows before the end, got ${this.#row}`);
    }
    return this.#feed.done();
  }

  /** Gives up; the session is free for another run. */
  cancel(): void {
    this.#feed.cancel();
  }

  /** A row of the picture: into the strip, if any row of the input needs it, and all rows that it makes possible. */
  #take(row: Uint8Array | Uint8ClampedArray): void {
    const { layout, memory } = this.#resampling;
    const { vertical, target, column, columns, picture, at, input } = layout;
    const { starts, counts } = vertical;
    const at0 = this.#row++;
    let next = this.#done - target[1];
    if (next >= target[3] || at0 < starts[next]!) return;
    const pitch = columns * picture.channels;
    const strip = memory.bytes(at.strip, layout.stripRows * pitch);
    // Rows that none of those to come needs give way to the others.
    if (this.#first < starts[next]!) {
      strip.copyWithin(0, (starts[next]! - this.#first) * pitch, (at0 - this.#first) * pitch);
      this.#first = starts[next]!;
    }
    const from = column * picture.channels;
    strip.set(row.subarray(from, from + pitch), (at0 - this.#first) * pitch);
    for (; next < target[3] && starts[next]! + counts[next]! === at0 + 1; next = this.#done - target[1]) {
      const yPitch = input.width * input.channels;
      writeImageStep(memory, layout, this.#first, at0 + 1 - this.#first, at.output - 4 * yPitch * (target[1] + next));
      memory.exports.run_rows(at.step, next, next + 1);
      this.#hand();
    }
    if (this.#done === target[1] + target[3]) this.#fill(input.height);
  }

  /**
   * Rows of the input above or below the picture, up to a row. They are all of what stands beside it, and so is, from
   * then on, what the kernel leaves of the row.
   */
  #fill(upTo: number): void {
    const { fill } = this.#resampling;
    const row = this.#output();
    for (let i = 0; i < row.length; i++) row[i] = fill[i % fill.length]!;
    while (this.#done < upTo) this.#hand();
  }

  /** The row of output is one of the input. */
  #hand(): void {
    this.#feed.rows(fromReal(this.#output(), this.#session.inputs[0]!));
    this.#done++;
  }

  #output(): Float32Array {
    const { layout, memory } = this.#resampling;
    return memory.floats(layout.at.output, layout.input.width * layout.input.channels);
  }
}

/** `feedPicture` of `tasks.ts`. */
export async function feedPicture(
  session: Session,
  picture: Size & { readonly channels: 1 | 3 | 4 },
  options: SessionInputOptions = {},
): Promise<PictureFeed> {
  const { resize, range } = inputOf(session, options);
  return new PictureFeed(session, range, await prepareResampling(picture, resize, session.kernels, true));
}
