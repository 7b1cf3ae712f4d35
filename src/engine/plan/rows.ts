/**
 * Steps computed row by row, each as soon as the rows are there that it needs: of the values between them only a few
 * rows exist at a time. Which steps, is chosen in `chains.ts`; this is how.
 *
 * Rows are made on demand, from the last step of a chain backwards, so no row is computed twice and none before it is
 * needed. A value between two steps slides through a buffer: where there is no room for the next rows, those that are
 * still needed move to its front.
 * @module
 */
import type { Node } from "../../graph/graph.ts";
import { CONTRACTS } from "../abi.ts";
import { type Bytes, rowsNeeded } from "../footprint.ts";
import type { Lowered } from "../lower/lowering.ts";
import type { Kernel, StepFields } from "../step.ts";

/** A step while its addresses are being found. */
export interface Draft extends Lowered {
  readonly node: Node;
}

/** A step whose output is an image and whose rows can be computed by themselves. */
export interface Stage {
  /** Its index among the steps. */
  readonly step: number;
  readonly kernel: Kernel;
  readonly fields: StepFields;
  readonly node: Node;
  /** The value that it computes, and those that it reads, at x and x2. */
  readonly name: string;
  readonly reads: readonly string[];
  /** Rows of its output image, units of the step in each, and bytes. */
  readonly height: number;
  readonly units: number;
  readonly pitch: number;
}

/** A buffer that rows of a value slide through. */
export interface Ring {
  readonly name: string;
  /** Bytes of a row. */
  readonly pitch: number;
  /** Rows that it has room for. */
  readonly rows: number;
}

/** What is done next, in rows; a ring's rows count from the first one that it holds. */
export type RowEntry =
  | { readonly do: "compute"; readonly stage: Stage; readonly rows: Bytes; readonly lows: readonly number[] }
  | { readonly do: "move"; readonly name: string; readonly dropped: number; readonly kept: number }
  | { readonly do: "feed"; readonly name: string; readonly rows: Bytes; readonly at: number };

/** Steps [first, last] that are computed together. */
export interface Chain {
  readonly first: number;
  readonly last: number;
  readonly rings: ReadonlyMap<string, Ring>;
  readonly entries: readonly RowEntry[];
}

/** An input of the network that comes in row by row. */
export interface Fed {
  readonly name: string;
  readonly height: number;
  readonly pitch: number;
}

/** Rows of a value that are there: [low, high). */
interface Held {
  readonly pitch: number;
  readonly height: number;
  /** Rows are dropped so many at a time that addresses stay multiples of 16. */
  readonly grain: number;
  low: number;
  high: number;
  /** The most rows that were there at a time. */
  most: number;
  readonly room: number;
}

/**
 * The order in which the rows of a chain are made.
 * @param stages in the order of their steps; the last one's output is a whole tensor, the others' slide
 * @param turn how many rows a stage computes at a time
 * @param fed the input that comes in by rows, if it does
 * @param spare rows of room in each buffer beyond those that are needed: the more, the fewer moves
 */
export function chainOf(stages: readonly Stage[], turn: (stage: Stage) => number, fed?: Fed, spare = 0): Chain {
  // How much room there must be is found out by going through it with room for all.
  const needed = new Walk(stages, turn, fed, () => Number.POSITIVE_INFINITY).walked();
  const room = new Map([...needed.held].map(([name, { most }]) => [name, most + spare]));
  const { held, entries } = new Walk(stages, turn, fed, (name) => room.get(name)!).walked();
  return {
    first: stages[0]!.step,
    last: stages.at(-1)!.step,
    rings: new Map(
      [...held].map(([name, { pitch, height, room }]) => [name, { name, pitch, rows: Math.min(room, height) }]),
    ),
    entries,
  };
}

class Walk {
  readonly entries: RowEntry[] = [];
  readonly held = new Map<string, Held>();
  readonly #stages: readonly Stage[];
  readonly #makers: ReadonlyMap<string, Stage>;
  readonly #readers = new Map<string, Stage[]>();
  readonly #turn: (stage: Stage) => number;
  readonly #fed: Fed | undefined;
  /** Rows that each stage has made. */
  readonly #made = new Map<Stage, number>();

  constructor(
    stages: readonly Stage[],
    turn: (stage: Stage) => number,
    fed: Fed | undefined,
    room: (name: string) => number,
  ) {
    this.#stages = stages;
    this.#turn = turn;
    this.#fed = fed;
    this.#makers = new Map(stages.map((stage) => [stage.name, stage]));
    for (const stage of stages) {
      this.#made.set(stage, 0);
      for (const name of stage.reads) this.#readers.set(name, [...(this.#readers.get(name) ?? []), stage]);
    }
    const between = [...(fed ? [fed] : []), ...stages.slice(0, -1)];
    for (const { name, pitch, height } of between) {
      const grain = grainOf(pitch);
      this.held.set(name, { pitch, height, grain, low: 0, high: 0, most: 0, room: room(name) });
    }
  }

  walked(): this {
    const last = this.#stages.at(-1)!;
    this.#make(last, last.height);
    return this;
  }

  /** Sees to it that a stage has made its rows up to `upTo`. */
  #make(stage: Stage, upTo: number): void {
    for (let row = this.#made.get(stage)!; row < upTo; row = this.#made.get(stage)!) {
      const end = Math.min(stage.height, row + this.#turn(stage));
      for (const name of stage.reads) {
        const [, needed] = neededBy(stage, row, end);
        const maker = this.#makers.get(name);
        if (maker) this.#make(maker, needed);
        else if (name === this.#fed?.name) this.#feed(this.#fed, needed);
      }
      const own = this.held.get(stage.name);
      if (own) this.#makeRoom(stage.name, own, end - row);
      const lows = [...stage.reads, stage.name].map((name) => this.held.get(name)?.low ?? 0);
      this.entries.push({ do: "compute", stage, rows: [row, end], lows });
      if (own) this.#grow(own, end);
      this.#made.set(stage, end);
    }
  }

  #feed({ name }: Fed, upTo: number): void {
    const own = this.held.get(name)!;
    if (own.high >= upTo) return;
    this.#makeRoom(name, own, upTo - own.high);
    this.entries.push({ do: "feed", name, rows: [own.high, upTo], at: own.high - own.low });
    this.#grow(own, upTo);
  }

  #grow(own: Held, high: number): void {
    own.high = high;
    own.most = Math.max(own.most, high - own.low);
  }

  /** Drops what nobody needs any more, where there is no room for `more` rows; without bounds to the room, always. */
  #makeRoom(name: string, own: Held, more: number): void {
    if (Number.isFinite(own.room) && own.high + more - own.low <= own.room) return;
    const needed = this.#readers.get(name)!.map((reader) => {
      const made = this.#made.get(reader)!;
      return made === reader.height ? own.high : neededBy(reader, made, made + 1)[0];
    });
    const least = Math.min(own.high, ...needed);
    const dropped = Math.floor((least - own.low) / own.grain) * own.grain;
    if (dropped === 0) return;
    const kept = own.high - own.low - dropped;
    if (kept > 0) this.entries.push({ do: "move", name, dropped, kept });
    own.low += dropped;
  }
}

/** The rows of its inputs that rows [row, end) of a stage need. */
function neededBy({ kernel, fields }: Stage, row: number, end: number): Bytes {
  return CONTRACTS[kernel].streams === "units" ? [row, end] : rowsNeeded(kernel, fields, row, end);
}

/** How many rows make up a multiple of 16 bytes. */
function grainOf(pitch: number): number {
  let grain = 1;
  while ((grain * pitch) % 16 !== 0) grain *= 2;
  return grain;
}
