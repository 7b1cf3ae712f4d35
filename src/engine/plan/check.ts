/**
 * Proves a plan before anything runs by it: kernels trust their records, and this is why they may.
 *
 * What each kernel reads, writes and asks for is taken from the table of the ABI, of which the kernels' own asserts are
 * made too, and not from the planner's code, so that a mistake there is found here. Proven for every step: its numbers
 * fit 32 bits, also as far as the kernel multiplies and adds them; what it reads and writes lies in the tensors that it
 * names, which have the sizes that the graph gives them; what it reads was written before by the node that it is meant
 * to come from, and by nobody since. So values that are needed at the same time never overlap. Steps that are computed
 * by rows are gone through entry by entry: each row that is read is the one that the kernel takes it for. Where lanes
 * share the work, none of them touches, from one meeting to the next, what another writes: so it makes no difference
 * how far each is, and the order in which they are gone through here stands for all others.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import type { Graph, Node } from "../../graph/graph.ts";
import { isByte } from "../../graph/quant.ts";
import { sizeOf } from "../../graph/references.ts";
import { ALIGN, BASE, CONTRACTS, FIELDS, type Fields, KERNELS, type Kernel, SLACK, STEP_BYTES } from "../abi.ts";
import { type Bytes, type Footprint, footprint, partOf } from "../footprint.ts";
import { NO_FIELDS } from "../step.ts";
import type { Plan, PlannedStep } from "./plan.ts";
import {
  ENTRY_BYTES,
  type FeedEntry,
  type MoveEntry,
  type ScheduleEntry,
  type UnitsEntry,
  type WorkEntry,
} from "./schedule.ts";

/** Bytes [start, end) of memory, and the value that was last written there. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly value: string;
  /** Where the value's first byte would lie: of a value whose rows slide, others may be there by now. */
  readonly base: number;
}

/** Bytes [start, end) of memory. */
type Part = Pick<Span, "start" | "end">;

/** Bytes that an entry reads and writes. */
interface Touched {
  readonly reads: readonly Part[];
  readonly writes: readonly Part[];
}

/** How far the schedules have been followed. */
interface Progress {
  /** Units [u0, u1) of each step that are done. */
  readonly done: Bytes[][];
  /** Steps whose values are whole, and of which units are missing. */
  readonly open: Set<number>;
  /** Rows of each input that were fed. */
  readonly rows: Map<string, number>;
}

/** A step, once its record has been looked at. */
interface Checked {
  readonly index: number;
  readonly step: PlannedStep;
  readonly fields: Fields;
  readonly print: Footprint;
  /** Values at x and x2. */
  readonly reads: readonly (string | undefined)[];
  /** Which step of its node it is, and the bytes of each row that those before it write. */
  readonly part: number;
  readonly columns: number;
}

/**
 * Checks a plan against the graph that it was made of.
 * @param keep names of values, beside the outputs, that must be readable after a run
 * @throws {@link UnsupportedError} naming step, node and what does not hold
 */
export function checkPlan(plan: Plan, graph: Graph, keep: ReadonlySet<string> = new Set()): void {
  const ways = plan.undivided.length > 0 ? [plan.lanes, [plan.undivided]] : [plan.lanes];
  const fed = new Set(plan.lanes.flat().flatMap((entry) => ("feed" in entry ? [entry.feed] : [])));
  for (const lanes of ways) {
    const check = new Check(plan, graph, lanes);
    check.regions();
    graph.inputs.forEach(({ name }, i) => {
      if (!fed.has(i)) check.input(name);
    });
    check.run(graph.inputs.map(({ name }) => name));
    check.exits(new Set([...graph.outputs, ...keep]));
  }
}

class Check {
  readonly #plan: Plan;
  /** The schedules that are followed: those of the lanes, or the undivided one. */
  readonly #lanes: Plan["lanes"];
  readonly #arenaEnd: number;
  readonly #weights: ReadonlyMap<number, number>;
  readonly #roots = new Map<string, string>();
  readonly #bytes = new Map<string, number>();
  /** What the arena holds, by ascending address; spans do not overlap. */
  readonly #spans: Span[] = [];
  #where = "plan";

  constructor(plan: Plan, graph: Graph, lanes: Plan["lanes"]) {
    this.#plan = plan;
    this.#lanes = lanes;
    this.#arenaEnd = plan.arena + plan.memory.arena;
    this.#weights = new Map(plan.weights.map(({ address, bytes }) => [address, bytes]));
    const stepped = new Set(plan.steps.map(({ node }) => node.name));
    for (const { name, dtype } of graph.inputs) this.#define(name, name, dtype);
    for (const { name, op, dtype, inputs } of graph.nodes) {
      const renames = !stepped.has(name);
      this.#where = `node ${name} (${op})`;
      this.#demand(!renames || op === "reshape" || op === "identity", "a step that computes it", "none");
      this.#define(name, renames ? this.#root(inputs[0]) : name, dtype);
      if (renames)
        this.#demand(this.bytesOf(name) === this.bytesOf(this.#root(name)), "the size of its input", "another");
    }
    this.#where = "plan";
  }

  #define(name: string, root: string, dtype: Node["dtype"]): void {
    const shape = this.#plan.shapes.get(name);
    const elements = shape === undefined ? Number.NaN : sizeOf(shape);
    this.#where = `value ${name}`;
    this.#demand(elements >= 1 && elements < 2 ** 31, "1 to 2³¹ − 1 elements", elements);
    this.#roots.set(name, root);
    this.#bytes.set(name, elements * (isByte(dtype) ? 1 : 4));
  }

  #root(name: string | undefined): string {
    const root = name === undefined ? undefined : this.#roots.get(name);
    if (root === undefined) this.#fail("an input that is computed before", name);
    return root;
  }

  bytesOf(name: string): number {
    return this.#bytes.get(name)!;
  }

  /** Steps, weights and arena follow each other inside the memory, and none of them reaches into another. */
  regions(): void {
    const { memory, stepsAt, steps, scheduleAt, lanes, undivided, recordAt, weights, arena } = this.#plan;
    const entries = [...lanes, undivided].reduce((sum, { length }) => sum + length, 0);
    this.#demand(undivided.length > 0 === lanes.length > 1, "an undivided schedule beside lanes", undivided.length);
    const list = [
      { name: "step records", start: stepsAt, bytes: steps.length * STEP_BYTES },
      { name: "schedule", start: scheduleAt, bytes: entries * ENTRY_BYTES },
      ...(recordAt === 0 ? [] : [{ name: "room for records", start: recordAt, bytes: lanes.length * STEP_BYTES }]),
      ...weights.map(({ address, bytes }, i) => ({ name: `weights ${i}`, start: address, bytes: bytes + SLACK })),
      { name: "arena", start: arena, bytes: memory.arena + SLACK },
    ].sort((a, b) => a.start - b.start);
    let end = BASE;
    for (const { name, start, bytes } of list) {
      this.#where = `plan: ${name}`;
      this.#demand(Number.isInteger(start) && start % ALIGN === 0, `an address that ${ALIGN} divides`, start);
      this.#demand(start >= end, `an address from ${end} on`, start);
      end = start + bytes;
    }
    this.#where = "plan";
    this.#demand(end <= memory.total && memory.total <= 2 ** 32, `${end} bytes to 4 GiB`, memory.total);
  }

  /** An input that is whole before the first entry. */
  input(name: string): void {
    const address = this.#plan.values.get(name)?.address ?? -1;
    this.#write(name, address, this.bytesOf(name), address);
  }

  /** Goes through the schedules: who writes which bytes, and whether what is read is there. */
  run(inputs: readonly string[]): void {
    const checked = this.#steps();
    const progress = { done: checked.map(() => []), open: new Set<number>(), rows: new Map<string, number>() };
    const lanes = this.#lanes.map(byMeetings);
    this.#where = "schedule";
    const [{ length }] = lanes as [WorkEntry[][]];
    lanes.forEach((own, lane) => {
      this.#demand(own.length === length, `${length - 1} meetings of lane ${lane}`, own.length - 1);
    });
    for (let i = 0; i < length; i++) {
      this.#apart(
        i,
        lanes.map((own) => own[i]!.map((entry) => this.#entry(entry, checked, inputs, progress))),
      );
    }
    this.#where = "schedule";
    const { open, done } = progress;
    this.#demand(open.size === 0, "all units of each step", `step ${[...open][0]} unfinished`);
    const none = done.findIndex((units) => units.length === 0);
    this.#demand(none < 0, `all ${checked.length} steps`, `none of step ${none}`);
  }

  /** Follows an entry; what it reads and writes. */
  #entry(entry: WorkEntry, checked: readonly Checked[], inputs: readonly string[], progress: Progress): Touched {
    this.#where = "an entry of the schedule";
    if ("move" in entry) return this.#move(entry);
    if ("feed" in entry) return this.#feed(entry, inputs[entry.feed], progress.rows);
    const { step, u0, u1 } = entry;
    const { open } = progress;
    const count = checked[step]?.fields.rows ?? 0;
    const done = progress.done[step] ?? [];
    const one = this.#lanes.length === 1;
    this.#where = `schedule of step ${step}`;
    // Units follow each other; those of several lanes may do so in any order, but each is computed once.
    const next = done.at(-1)?.[1] ?? 0;
    const fits = one ? u0 === next : u0 >= 0 && done.every(([from, to]) => u1 <= from || u0 >= to);
    const expected = `units of ${count} ${one ? `from ${next} on` : "that no lane computed before"}`;
    this.#demand(fits && u1 > u0 && u1 <= count, expected, `${u0} to ${u1}`);
    // Whole steps follow each other: their values have no other order. Lanes may be in several at a time.
    if (entry.moved === undefined && one) {
      for (const other of open) this.#demand(step === other, `the rest of step ${other}`, `step ${step}`);
    }
    done.push([u0, u1]);
    const units = done.reduce((sum, [from, to]) => sum + to - from, 0);
    if (entry.moved === undefined && units < count) open.add(step);
    else open.delete(step);
    return this.#compute(checked[step]!, entry);
  }

  /** From one meeting of the lanes to the next, none touches what another writes. */
  #apart(meeting: number, lanes: readonly (readonly Touched[])[]): void {
    const before = { reads: [] as Part[], writes: [] as Part[] };
    lanes.forEach((entries, lane) => {
      this.#where = `lane ${lane} after meeting ${meeting}`;
      const own = {
        reads: entries.flatMap(({ reads }) => reads),
        writes: entries.flatMap(({ writes }) => writes),
      };
      for (const [one, another] of [
        [own.writes, before.writes],
        [own.writes, before.reads],
        [own.reads, before.writes],
      ] as const) {
        const shared = one.find((a) => another.some((b) => a.start < b.end && b.start < a.end));
        this.#demand(
          shared === undefined,
          "bytes that no lane before it writes or needs",
          `[${shared?.start}, ${shared?.end})`,
        );
      }
      before.reads = before.reads.concat(own.reads);
      before.writes = before.writes.concat(own.writes);
    });
  }

  /** The records, each by itself. */
  #steps(): Checked[] {
    let [node, part, columns]: [Node | undefined, number, number] = [undefined, 0, 0];
    return this.#plan.steps.map((step, index) => {
      const { kernel, fields } = step;
      this.#where = `step ${index} (${kernel}) of node ${step.node.name}`;
      for (const [name, value] of Object.entries(fields)) this.#fits(name, value);
      this.#demand(fields.kernel === KERNELS[kernel], `kernel number ${KERNELS[kernel]}`, fields.kernel);
      const f = { ...NO_FIELDS, ...fields };
      const print = footprint(kernel, fields);
      for (const [what, holds] of print.needs) this.#demand(holds, what, "a record in which it does not hold");
      if (step.node === node) part++;
      else [node, part, columns] = [step.node, 0, 0];
      const own = print.columns === undefined ? node.inputs : [node.inputs[part]];
      const reads = node.inputs.length === 0 ? [] : print.x2 ? [own[0], own[1]] : [own[0]];
      if (reads.length === 0) this.#demand(print.x === 0, "0 bytes read at x", print.x);
      const sizes = [print.x, print.x2];
      reads.forEach((name, i) => {
        const bytes = this.bytesOf(this.#root(name));
        this.#demand(sizes[i] === bytes, `${bytes} bytes read at ${i === 0 ? "x" : "x2"}`, sizes[i]);
      });
      if (print.w) this.#packed("w", f.w, print.w);
      if (print.w2 !== undefined) this.#packed("w2", f.w2, print.w2);
      const checked = { index, step, fields: f, print, reads, part, columns };
      columns += this.#output(checked, node.inputs.length);
      return checked;
    });
  }

  /** What is written is the node's value, or columns of it; how many bytes of a row these are. */
  #output({ step, print, part, columns }: Checked, parts: number): number {
    const bytes = this.bytesOf(step.node.name);
    if (print.columns === undefined) {
      this.#demand(print.y === bytes && part === 0, `${bytes} bytes of output`, print.y);
      return 0;
    }
    // No quotient: the share of a row may have no exact one.
    this.#demand(print.y * print.pitch! === bytes * print.columns, `rows that make up ${bytes} bytes`, print.y);
    const end = columns + print.columns;
    this.#demand(end <= print.pitch!, `columns within ${print.pitch}`, end);
    if (part === parts - 1) this.#demand(end === print.pitch, "all columns", end);
    return print.columns;
  }

  /** Units of a step: what they read is there, and what they write is free. */
  #compute({ index, step, fields: f, print, reads, part, columns }: Checked, entry: UnitsEntry): Touched {
    const { u0, u1, moved, scratch = 0 } = entry;
    const { node, kernel } = step;
    this.#where = `step ${index} (${kernel}) of node ${node.name}`;
    const whole = u0 === 0 && u1 === f.rows;
    const touched = whole && !moved ? undefined : partOf(kernel, step.fields, u0, u1);
    const own = this.bytesOf(node.name);
    const { x = 0, x2 = 0, y = 0 } = moved ?? {};
    if (moved || scratch !== 0) this.#demand(this.#plan.recordAt > 0, "room for a copy of its record", "none");
    if (moved) {
      this.#demand(touched !== undefined, "a kernel whose units can be told apart", kernel);
    }
    const inputs = reads.map((name, i) => {
      const field = i === 0 ? "x" : "x2";
      const [base, shift] = i === 0 ? [f.x, x] : [f.x2, x2];
      const [from, to] = touched?.[field] ?? [0, this.bytesOf(this.#root(name))];
      const at = base + shift;
      this.#demand(at % ALIGN === 0, `${field} at an address that ${ALIGN} divides`, at);
      this.#holds(this.#root(name), at + from, to - from, at, `${field}: ${name}`);
      return { start: at + from, end: at + to };
    });
    const base = f.y + y - columns;
    const [from, to] = touched?.y ?? (whole ? [0, own] : this.#share(own, kernel, f.rows, u0, u1));
    const output = { start: base + from, end: base + to };
    for (const input of inputs) {
      if (input.end <= output.start || input.start >= output.end) continue;
      const same = input.start === output.start && input.end === output.end;
      this.#demand(print.inPlace && same, "an output apart from the input", `an overlap at byte ${input.start}`);
    }
    if (print.s) this.#scratch(f.s + scratch, print.s, [...inputs, output]);
    if (part === 0) this.#write(node.name, output.start, to - from, base);
    else this.#holds(node.name, output.start, to - from, base, "its own earlier part");
    const used = print.s ? [{ start: f.s + scratch, end: f.s + scratch + print.s }] : [];
    return { reads: inputs, writes: [output, ...used] };
  }

  /** Bytes of the output that units of a step write whose input must be whole. */
  #share(bytes: number, kernel: Kernel, rows: number, u0: number, u1: number): Bytes {
    const { unitBytes } = CONTRACTS[kernel];
    if (unitBytes !== undefined) return [unitBytes * u0, u1 === rows ? bytes : unitBytes * u1];
    this.#demand(bytes % rows === 0, `output that ${rows} units share evenly`, `${bytes} bytes`);
    return [(bytes / rows) * u0, (bytes / rows) * u1];
  }

  /** Rows of an input, one behind the other, come to lie somewhere in the arena. */
  #feed({ r0, r1, address }: FeedEntry, name: string | undefined, rows: Map<string, number>): Touched {
    const root = this.#root(name);
    const height = this.#plan.shapes.get(root)![1]!;
    const next = rows.get(root) ?? 0;
    this.#demand(r0 === next && r1 > r0 && r1 <= height, `rows of ${height} from ${next} on`, `${r0} to ${r1}`);
    rows.set(root, r1);
    const pitch = this.bytesOf(root) / height;
    this.#write(root, address, pitch * (r1 - r0), address - pitch * r0);
    // Whoever puts them there knows of one lane only.
    this.#demand(this.#plan.lanes.length === 1, "one lane where rows are fed", this.#plan.lanes.length);
    return { reads: [], writes: [{ start: address, end: address + pitch * (r1 - r0) }] };
  }

  /** What stays moves, and is known where it lies then. */
  #move({ move, dropped, kept }: MoveEntry): Touched {
    this.#demand(dropped > 0 && kept > 0, "bytes to drop and to keep", `${dropped} and ${kept}`);
    this.#inArena("a buffer", move, dropped + kept);
    const [start, end] = [move + dropped, move + dropped + kept];
    const stay = this.#spans.filter((span) => span.end > start && span.start < end);
    this.#clear(move, move + kept);
    for (const { value, base, ...span } of stay) {
      const from = Math.max(span.start, start) - dropped;
      this.#put({ start: from, end: Math.min(span.end, end) - dropped, value, base: base - dropped });
    }
    return { reads: [{ start, end }], writes: [{ start: move, end: move + kept }] };
  }

  /** These values are there when the last step is done. */
  exits(names: ReadonlySet<string>): void {
    for (const name of names) {
      this.#where = `value ${name}`;
      const address = this.#plan.values.get(name)?.address;
      if (address === undefined) this.#fail("an address", "none");
      this.#holds(this.#root(name), address, this.bytesOf(name), address, "its numbers at the end");
    }
  }

  /** From now on these bytes of the arena hold those of `value` that belong there, and nothing else. */
  #write(value: string, start: number, bytes: number, base: number): void {
    this.#inArena(`output ${value}`, start, bytes);
    this.#clear(start, start + bytes);
    if (bytes > 0) this.#put({ start, end: start + bytes, value: this.#root(value), base });
  }

  /** Adds a span where nothing is known to lie; neighbors of one value become one. */
  #put(span: Span): void {
    const spans = this.#spans;
    let at = spans.findIndex(({ start }) => start > span.start);
    if (at < 0) at = spans.length;
    const joins = (a: Span | undefined, b: Span | undefined) =>
      a !== undefined && b !== undefined && a.end === b.start && a.value === b.value && a.base === b.base;
    const [before, behind] = [spans[at - 1], spans[at]];
    const [left, right] = [joins(before, span), joins(span, behind)];
    const joined = { ...span, start: left ? before!.start : span.start, end: right ? behind!.end : span.end };
    spans.splice(left ? at - 1 : at, Number(left) + Number(right), joined);
  }

  #packed(field: string, address: number, bytes: number): void {
    this.#demand(
      bytes <= (this.#weights.get(address) ?? -1),
      `${bytes} bytes of weights at ${field} = ${address}`,
      this.#weights.get(address),
    );
  }

  #scratch(start: number, bytes: number, used: readonly { start: number; end: number }[]): void {
    this.#demand(start % ALIGN === 0, `scratch at an address that ${ALIGN} divides`, start);
    this.#inArena("scratch", start, bytes);
    for (const other of used) {
      this.#demand(
        other.end <= start || other.start >= start + bytes,
        "scratch apart from the tensors",
        `an overlap at ${start}`,
      );
    }
    this.#clear(start, start + bytes);
  }

  #inArena(what: string, start: number, bytes: number): void {
    const { arena } = this.#plan;
    const inside = Number.isInteger(start) && start >= arena && start + bytes <= this.#arenaEnd;
    this.#demand(inside, `${what} in [${arena}, ${this.#arenaEnd})`, `[${start}, ${start + bytes})`);
  }

  /** All these bytes hold those of `value` that belong there. */
  #holds(value: string, start: number, bytes: number, base: number, what: string): void {
    let at = start;
    if (bytes === 0) return;
    for (const span of this.#spans) {
      if (span.end <= at || span.value !== value || span.base !== base) continue;
      if (span.start > at) break;
      at = span.end;
      if (at >= start + bytes) return;
    }
    this.#fail(`${what} in [${start}, ${start + bytes})`, `something else from byte ${at} on`);
  }

  /** Forgets what lay in [start, end). */
  #clear(start: number, end: number): void {
    for (let i = this.#spans.length - 1; i >= 0; i--) {
      const span = this.#spans[i]!;
      if (span.end <= start || span.start >= end) continue;
      const left: Span[] = [];
      if (span.start < start) left.push({ ...span, end: start });
      if (span.end > end) left.push({ ...span, start: end });
      this.#spans.splice(i, 1, ...left);
    }
  }

  #fits(name: string, value: number | undefined): void {
    if (value === undefined) return;
    const type = FIELDS[name as keyof typeof FIELDS];
    if (type === "f32") {
      this.#demand(!Number.isNaN(value), `a number in ${name}`, value);
      return;
    }
    const [lo, hi] = type === "usize" ? [0, 2 ** 32] : [-(2 ** 31), 2 ** 31];
    this.#demand(Number.isInteger(value) && value >= lo && value < hi, `32 bits in ${name}`, value);
  }

  #demand(holds: boolean, expected: string, got: unknown): void {
    if (!holds) this.#fail(expected, got);
  }

  #fail(expected: string, got: unknown): never {
    throw new UnsupportedError(`${this.#where}: expected ${expected}, got ${got}`);
  }
}

/** A lane's work before its first meeting, and after each. */
function byMeetings(entries: readonly ScheduleEntry[]): WorkEntry[][] {
  const result: WorkEntry[][] = [[]];
  for (const entry of entries) {
    if ("meet" in entry) result.push([]);
    else result.at(-1)!.push(entry);
  }
  return result;
}
