/**
 * Proves a plan before anything runs by it: kernels trust their records, and this is why they may.
 *
 * What each kernel reads, writes and asks for is taken from the table of the ABI, of which the kernels' own asserts are
 * made too, and not from the planner's code, so that a mistake there is found here. Proven for every step: its numbers
 * fit 32 bits, also as far as the kernel multiplies and adds them; what it reads and writes lies in the tensors that it
 * names, which have the sizes that the graph gives them; what it reads was written before by the node that it is meant
 * to come from, and by nobody since. So values that are needed at the same time never overlap.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";
import type { Graph, Node } from "../../graph/graph.ts";
import { isByte } from "../../graph/quant.ts";
import { sizeOf } from "../../graph/references.ts";
import { ALIGN, BASE, FIELDS, KERNELS, SLACK, STEP_BYTES } from "../abi.ts";
import { footprint } from "../footprint.ts";
import { NO_FIELDS } from "../step.ts";
import type { Plan, PlannedStep } from "./plan.ts";
import { ENTRY_BYTES } from "./schedule.ts";

/** Bytes [start, end) of memory, and the value that was last written there. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly value: string;
}

/**
 * Checks a plan against the graph that it was made of.
 * @param keep names of values, beside the outputs, that must be readable after a run
 * @throws {@link UnsupportedError} naming step, node and what does not hold
 */
export function checkPlan(plan: Plan, graph: Graph, keep: ReadonlySet<string> = new Set()): void {
  const check = new Check(plan, graph);
  check.regions();
  for (const { name } of graph.inputs) check.write(name, plan.values.get(name)?.address ?? -1, check.bytesOf(name));
  check.schedule();
  for (const [i, step] of plan.steps.entries()) check.step(step, i);
  check.exits(new Set([...graph.outputs, ...keep]));
}

class Check {
  readonly #plan: Plan;
  readonly #arenaEnd: number;
  readonly #weights: ReadonlyMap<number, number>;
  readonly #roots = new Map<string, string>();
  readonly #bytes = new Map<string, number>();
  /** What the arena holds, by ascending address; spans do not overlap. */
  readonly #spans: Span[] = [];
  /** Parts of the node at work that were written so far: how many steps, and the columns of its rows. */
  #part: { node: Node; index: number; columns: number } | undefined;
  #where = "plan";

  constructor(plan: Plan, graph: Graph) {
    this.#plan = plan;
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
    const { memory, stepsAt, steps, scheduleAt, schedule, weights, arena } = this.#plan;
    const list = [
      { name: "step records", start: stepsAt, bytes: steps.length * STEP_BYTES },
      { name: "schedule", start: scheduleAt, bytes: schedule.length * ENTRY_BYTES },
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

  /**
   * Every unit of every step is computed once, and all of a step before any of the next: what follows may then go by
   * whole steps.
   */
  schedule(): void {
    const { steps, schedule } = this.#plan;
    let [at, unit] = [0, 0];
    for (const { step, u0, u1 } of schedule) {
      this.#where = `schedule of step ${step}`;
      const rows = steps[at]?.fields.rows ?? 0;
      this.#demand(
        step === at && u0 === unit && u1 > u0 && u1 <= rows,
        `units of step ${at} from ${unit} on`,
        `${u0} to ${u1}`,
      );
      unit = u1 === rows ? 0 : u1;
      if (u1 === rows) at++;
    }
    this.#where = "schedule";
    this.#demand(at === steps.length && unit === 0, `all ${steps.length} steps`, at);
  }

  step(step: PlannedStep, index: number): void {
    const { kernel, node, fields } = step;
    this.#where = `step ${index} (${kernel}) of node ${node.name}`;
    for (const [name, value] of Object.entries(fields)) this.#fits(name, value);
    this.#demand(fields.kernel === KERNELS[kernel], `kernel number ${KERNELS[kernel]}`, fields.kernel);
    const f = { ...NO_FIELDS, ...fields };
    const print = footprint(kernel, fields);
    for (const [what, holds] of print.needs) this.#demand(holds, what, "a record in which it does not hold");

    const part = this.#nextPart(node);
    const reads = print.columns !== undefined ? [node.inputs[part.index]] : node.inputs;
    const x = this.#read("x", reads[0], f.x, print.x);
    const x2 = print.x2 ? this.#read("x2", reads[1], f.x2, print.x2) : undefined;
    if (print.w) this.#packed("w", f.w, print.w);
    if (print.w2 !== undefined) this.#packed("w2", f.w2, print.w2);

    const bytes = this.bytesOf(node.name);
    const start = f.y - part.columns;
    if (print.columns === undefined) {
      this.#demand(print.y === bytes, `${bytes} bytes of output`, print.y);
    } else {
      this.#demand(print.y * print.pitch! === bytes * print.columns, `rows that make up ${bytes} bytes`, print.y);
      part.columns += print.columns;
      this.#demand(part.columns <= print.pitch!, `columns within ${print.pitch}`, part.columns);
      if (part.index === node.inputs.length - 1)
        this.#demand(part.columns === print.pitch, "all columns", part.columns);
    }
    for (const input of [x, x2]) {
      if (input === undefined || input.end <= start || input.start >= start + bytes) continue;
      const same = input.start === start && input.end === start + bytes;
      this.#demand(print.inPlace && same, "an output apart from the input", `an overlap at byte ${input.start}`);
    }
    if (print.s !== undefined)
      this.#scratch(f.s, print.s, [...[x, x2].flatMap((s) => s ?? []), { start, end: start + bytes }]);
    if (part.index === 0) this.write(node.name, start, bytes);
    else this.#holds(node.name, start, bytes, "its own earlier part");
  }

  /** These values are there when the last step is done. */
  exits(names: ReadonlySet<string>): void {
    for (const name of names) {
      this.#where = `value ${name}`;
      const address = this.#plan.values.get(name)?.address;
      if (address === undefined) this.#fail("an address", "none");
      this.#holds(this.#root(name), address, this.bytesOf(name), "its numbers at the end");
    }
  }

  /** From now on these bytes of the arena hold `value`, and nothing else. */
  write(value: string, start: number, bytes: number): void {
    this.#inArena(`output ${value}`, start, bytes);
    this.#clear(start, start + bytes);
    const at = this.#spans.findIndex((span) => span.start > start);
    this.#spans.splice(at < 0 ? this.#spans.length : at, 0, { start, end: start + bytes, value: this.#root(value) });
  }

  #nextPart(node: Node): { node: Node; index: number; columns: number } {
    if (this.#part?.node === node) this.#part.index++;
    else this.#part = { node, index: 0, columns: 0 };
    return this.#part;
  }

  #read(field: string, value: string | undefined, start: number, bytes: number): { start: number; end: number } {
    const root = this.#root(value);
    this.#demand(bytes === this.bytesOf(root), `${this.bytesOf(root)} bytes read at ${field}`, bytes);
    this.#demand(start % ALIGN === 0, `${field} at an address that ${ALIGN} divides`, start);
    this.#holds(root, start, bytes, `${field}: ${value}`);
    return { start, end: start + bytes };
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

  /** All these bytes hold `value`. */
  #holds(value: string, start: number, bytes: number, what: string): void {
    let at = start;
    for (const span of this.#spans) {
      if (span.end <= at || span.value !== value) continue;
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
