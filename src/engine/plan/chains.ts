/**
 * Which steps are computed row by row: chosen by the memory that it saves and the time that it is expected to cost.
 *
 * The cost, stated: an entry of the schedule takes ENTRY_NS beside its work; rows that move to the front of their
 * buffer are copied at COPY bytes per ns; rows that are fed take FEED_NS; and each turn reads its stage's weights anew,
 * at REREAD bytes per ns. Against that stand the multiply-adds of the network, at MACS per ns, and the bytes of its
 * values, at WRITE per ns. Lanes divide the work, and meet at most entries, which takes MEET_NS. Measured with `npm run
 * bench:memory`.
 * @module
 */
import { multiplyAdds } from "../../graph/cost.ts";
import type { Node, Shape } from "../../graph/graph.ts";
import { CONTRACTS } from "../abi.ts";
import { scratchOf } from "../footprint.ts";
import type { Lowered } from "../lower/lowering.ts";
import { packedBytes } from "../lower/packed.ts";
import type { Lifetime } from "./arena.ts";
import { type Chain, chainOf, type Draft, type Fed, type Stage } from "./rows.ts";

const ENTRY_NS = 30;
const FEED_NS = 150;
const MEET_NS = 400;
/** Rows of room beyond those needed, where time counts: lanes wait while one of them moves rows. */
const SPARE = 1;
const SPARE_OF_LANES = 4;
const COPY = 100;
const REREAD = 100;
const MACS = 30;
const WRITE = 4;
/** The share of a run's time that rows may cost, where memory is not all that counts. */
const MOST_COST = 0.02;
/** The share of the peak that a chain must save to be worth its entries. */
const LEAST_SAVING = 0.05;

/**
 * How memory and time are weighed: whole tensors only; rows where they cost next to nothing; the least memory.
 */
export type MemoryMode = "fast" | "balanced" | "small";

/** What is known of a network's steps before they have addresses. */
export interface Outline {
  readonly drafts: readonly Draft[];
  readonly shapes: ReadonlyMap<string, Shape>;
  /** The name under which the bytes of a value were computed. */
  readonly roots: ReadonlyMap<string, string>;
  /** Lifetimes of all roots, were each value whole. */
  readonly lifetimes: ReadonlyMap<string, Lifetime>;
  /** Roots of values that must be whole at the end. */
  readonly readable: ReadonlySet<string>;
  /** Bytes of a value. */
  bytesOf(name: string): number;
}

/** The chains of a network, none of which overlap, in their order; and steps whose scratch may be smaller in them. */
export interface Chosen {
  readonly chains: readonly Chain[];
  readonly drafts: readonly Draft[];
}

/** Rows of all steps of a chain together: each is an entry or more, and the host's memory is none of the plan's. */
const MOST_ROWS = 1 << 16;

/** Bytes of whole tensors from which on chains are looked for where nothing else is said. */
const MUCH = 1 << 20;

/** Multiply-adds that a stage does in a turn, at least: in small memory a row, more where time counts. */
const TURNS: Readonly<Record<Exclude<MemoryMode, "fast">, readonly number[]>> = {
  balanced: [20e3, 30e3, 45e3, 70e3, 100e3, 150e3, 300e3, 600e3],
  small: [1],
};

/** Nanoseconds that a node is expected to take on one lane. */
export function expectedNs(node: Node, { shapes, bytesOf }: Outline): number {
  return multiplyAdds(node, shapes) / MACS + bytesOf(node.name) / WRITE;
}

/**
 * Chooses chains.
 * @param asked without: balanced where there is much to save, since looking for chains takes milliseconds
 * @param lanes that share the work: a stage computes so many times the rows in a turn
 * @param fed the input that comes in by rows, which begins a chain then
 */
export function chooseChains(outline: Outline, asked?: MemoryMode, lanes = 1, fed?: Fed): Chosen {
  const stages = outline.drafts.map((draft, i) => stageOf(draft, i, outline));
  const network = new Network(outline, stages, lanes);
  const chains: Chain[] = [];
  let peak = network.peak();
  const mode = asked ?? (peak >= MUCH ? "balanced" : "fast");
  while (chains.length < 8) {
    const first = chains.length === 0 ? fed : undefined;
    if (mode === "fast" && first === undefined) break;
    const found = network.best(mode === "fast" ? "balanced" : mode, first);
    if (found === undefined || (first === undefined && found.peak > peak * (1 - LEAST_SAVING))) break;
    chains.push(found.chain);
    network.take(found);
    peak = found.peak;
  }
  return { chains: chains.sort((a, b) => a.first - b.first), drafts: network.drafts };
}

/**
 * The chain of these steps, each of which computes so many rows at a time.
 * @throws RangeError where they are none: a step whose rows need all of its input, a value that is read elsewhere
 */
export function givenChain(outline: Outline, asked: { first: number; last: number; rows: number }): Chosen {
  const { first, last, rows } = asked;
  const { drafts, readable, roots } = outline;
  const stages = drafts.map((draft, i) => stageOf(draft, i, outline)).slice(first, last + 1);
  const sliding = new Set(stages.slice(0, -1).map((stage) => stage?.name));
  const outside = drafts.some(({ x, x2 }, i) => {
    return (i < first || i > last) && [x, x2].some((name) => name !== undefined && sliding.has(roots.get(name)));
  });
  if (stages.includes(undefined) || outside || [...sliding].some((name) => readable.has(name!))) {
    throw new RangeError(`chain: expected steps that can be computed by rows, got ${first} to ${last}`);
  }
  const turn = ({ height }: Stage) => Math.min(rows, height);
  const turnedAll = drafts.map((draft, i) => (i < first || i > last ? draft : turned(draft, stages[i - first]!, turn)));
  return { chains: [chainOf(stages as Stage[], turn)], drafts: turnedAll };
}

/** A chain with what it does to the network. */
interface Found {
  readonly chain: Chain;
  readonly peak: number;
  readonly turn: (stage: Stage) => number;
}

class Network {
  drafts: Draft[];
  readonly #outline: Outline;
  readonly #stages: readonly (Stage | undefined)[];
  /** Bytes that live at each step, scratch included. */
  readonly #live: number[];
  /** The last step that reads a root. */
  readonly #lastRead = new Map<string, number>();
  readonly #firstRead = new Map<string, number>();
  readonly #taken: boolean[];
  readonly #lanes: number;
  #time = 0;

  constructor(outline: Outline, stages: readonly (Stage | undefined)[], lanes: number) {
    const { drafts, lifetimes, roots } = outline;
    this.drafts = [...drafts];
    this.#outline = outline;
    this.#stages = stages;
    this.#lanes = lanes;
    this.#taken = drafts.map(() => false);
    this.#live = drafts.map(({ scratchBytes = 0 }) => lanes * scratchBytes);
    for (const { first, last, bytes } of new Set(lifetimes.values())) {
      for (let i = Math.max(0, first); i <= Math.min(last, drafts.length - 1); i++) this.#live[i]! += bytes;
    }
    drafts.forEach(({ x, x2 }, i) => {
      for (const name of x2 === undefined ? [x] : [x, x2]) {
        const root = roots.get(name)!;
        this.#lastRead.set(root, i);
        if (!this.#firstRead.has(root)) this.#firstRead.set(root, i);
      }
    });
    for (const { node } of drafts) this.#time += expectedNs(node, outline) / lanes;
  }

  peak(): number {
    return Math.max(0, ...this.#live);
  }

  /** The chain that leaves the lowest peak, the shortest of several. */
  best(mode: Exclude<MemoryMode, "fast">, fed?: Fed): Found | undefined {
    const top = this.#live.indexOf(this.peak());
    let best: Found | undefined;
    for (const macs of TURNS[mode]) {
      const turn = (stage: Stage) => {
        const row = multiplyAdds(stage.node, this.#outline.shapes) / stage.height;
        return Math.max(1, Math.min(stage.height, this.#lanes * Math.ceil(macs / Math.max(row, 1))));
      };
      const range = this.#range(top, turn, fed);
      if (range === undefined) return undefined;
      const stages = this.#stages.slice(range.first, range.last + 1) as Stage[];
      if (stages.reduce((sum, { height }) => sum + height, 0) > MOST_ROWS) return undefined;
      const chain = chainOf(stages, turn, fed, mode === "small" ? 0 : this.#lanes > 1 ? SPARE_OF_LANES : SPARE);
      best = { chain, turn, peak: range.peak };
      if (mode === "small" || this.#cost(chain, stages) <= MOST_COST * this.#time) return best;
    }
    // An input that is fed has no other way in.
    return fed && best;
  }

  /** A chain is part of the network now. */
  take({ chain, turn }: Found): void {
    for (let i = chain.first; i <= chain.last; i++) {
      this.#taken[i] = true;
      this.drafts[i] = turned(this.drafts[i]!, this.#stages[i]!, turn);
    }
    const rings = [...chain.rings.values()].reduce((sum, { rows, pitch }) => sum + rows * pitch, 0);
    this.#live.fill(rings + this.#around(chain.first, chain.last, chain.rings), chain.first, chain.last + 1);
  }

  /** Steps [first, last] around a step that would leave the lowest peak as a chain. */
  #range(
    top: number,
    turn: (stage: Stage) => number,
    fed?: Fed,
  ): { first: number; last: number; peak: number } | undefined {
    const count = this.#live.length;
    const before = [0];
    for (const live of this.#live) before.push(Math.max(before.at(-1)!, live));
    const behind = [0];
    for (const live of [...this.#live].reverse()) behind.push(Math.max(behind.at(-1)!, live));
    let best: { first: number; last: number; peak: number } | undefined;
    const begin = fed ? this.#firstRead.get(fed.name) : undefined;
    const firsts = fed ? (begin === undefined ? [] : [begin]) : this.#firsts(top);
    for (const first of firsts) {
      let rings = fed ? fed.pitch * (this.#window(fed.name, first, turn) + 1) : 0;
      let reach = fed ? this.#lastRead.get(fed.name)! : first;
      for (let last = first; last < count && this.#stages[last] && !this.#taken[last]; last++) {
        const stage = this.#stages[last]!;
        // All readers of what slides must be in the chain.
        if (last >= reach && (fed || last > first) && last >= (fed ? first : top)) {
          const names = new Map(this.#stages.slice(first, last).map((one) => [one!.name, undefined] as const));
          if (fed) names.set(fed.name, undefined);
          const inside = rings + this.#around(first, last, names);
          const peak = Math.max(inside, before[first]!, behind[count - 1 - last]!);
          if (best === undefined || peak < best.peak) best = { first, last, peak };
        }
        if (this.#outline.readable.has(stage.name)) break;
        const lastRead = this.#lastRead.get(stage.name);
        if (lastRead === undefined) break;
        reach = Math.max(reach, lastRead);
        rings += stage.pitch * Math.min(stage.height, this.#window(stage.name, lastRead, turn) + turn(stage) - 1);
      }
    }
    return best;
  }

  /** Where a chain that holds a step may begin: each stage before it, as far as there is one behind the other. */
  #firsts(top: number): number[] {
    const firsts: number[] = [];
    for (let i = top; i >= 0 && this.#stages[i] && !this.#taken[i]; i--) firsts.push(i);
    return firsts.reverse();
  }

  /** Rows of a value that a turn of its reader needs. */
  #window(name: string, reader: number, turn: (stage: Stage) => number): number {
    const stage = this.#stages[reader];
    if (stage === undefined || !stage.reads.includes(name)) return 1;
    const rows = turn(stage);
    if (CONTRACTS[stage.kernel].streams !== "windows") return rows;
    const { kH = 1, strideH = 1, dilationH = 1 } = stage.fields;
    return (rows - 1) * strideH + (kH - 1) * Math.max(1, dilationH) + 1;
  }

  /** Bytes of what lives while steps [first, last] are computed together, but for what slides. */
  #around(first: number, last: number, sliding: ReadonlyMap<string, unknown>): number {
    let bytes = 0;
    const seen = new Set<Lifetime>();
    for (const [name, lifetime] of this.#outline.lifetimes) {
      if (sliding.has(name) || seen.has(lifetime)) continue;
      if (lifetime.first > last || lifetime.last < first) continue;
      seen.add(lifetime);
      bytes += this.#outline.bytesOf(name);
    }
    const scratch = this.drafts.slice(first, last + 1).map(({ scratchBytes = 0 }) => scratchBytes);
    return bytes + this.#lanes * Math.max(0, ...scratch);
  }

  /** Nanoseconds that a chain is expected to cost. */
  #cost({ entries }: Chain, stages: readonly Stage[]): number {
    const pitches = new Map(stages.map(({ name, pitch }) => [name, pitch]));
    let ns = 0;
    for (const entry of entries) {
      ns += (entry.do === "feed" ? FEED_NS : ENTRY_NS) + (this.#lanes > 1 ? MEET_NS : 0);
      if (entry.do === "move") ns += (entry.kept * (pitches.get(entry.name) ?? 0)) / COPY;
      if (entry.do === "compute") ns += weightBytes(this.#outline.drafts[entry.stage.step]!) / REREAD;
    }
    return ns;
  }
}

function weightBytes({ w, w2 }: Lowered): number {
  return (w ? packedBytes(w) : 0) + (w2 ? packedBytes(w2) : 0);
}

/** Pixels of a row of a stage's output. */
function widthOf({ fields, units }: Stage): number {
  return fields.outW ?? units;
}

/** A step whose panel holds no more than it computes in a turn. */
function turned(draft: Draft, stage: Stage, turn: (stage: Stage) => number): Draft {
  const { tile } = draft.fields;
  if (tile === undefined) return draft;
  const fields = { ...draft.fields, tile: Math.min(tile, turn(stage) * widthOf(stage)) };
  return { ...draft, fields, scratchBytes: scratchOf(draft.kernel, fields) };
}

/** A step as a stage, if it is one: alone for its node, from images to an image, one image at a time. */
function stageOf(draft: Draft, step: number, { drafts, shapes, roots, bytesOf }: Outline): Stage | undefined {
  const { kernel, node, x, x2, fields } = draft;
  const { streams } = CONTRACTS[kernel];
  const shape = shapes.get(node.name)!;
  if (streams === undefined || drafts[step - 1]?.node === node || drafts[step + 1]?.node === node) return undefined;
  if (shape.length !== 4 || shape[0] !== 1) return undefined;
  const height = shape[1]!;
  const units = fields.rows! / height;
  const pitch = bytesOf(node.name) / height;
  if (!Number.isInteger(units)) return undefined;
  const names = x2 === undefined ? [x] : [x, x2];
  for (const name of names) {
    const image = shapes.get(roots.get(name)!)!;
    if (image.length !== 4 || image[0] !== 1 || String(image) !== String(shapes.get(name))) return undefined;
    if (streams === "units" && image[1] !== height) return undefined;
  }
  const reads = names.map((name) => roots.get(name)!);
  return { ...{ step, kernel, fields, node }, name: node.name, reads, height, units, pitch };
}
