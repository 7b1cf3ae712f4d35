/**
 * A frozen network: kernels, records, weights and a few functions in one module that imports nothing.
 *
 * Its interface is small, and the same for each network; `docs/frozen.md` describes it, `frozen/sepconv_frozen.h` is
 * the same for C.
 * @module
 */
import { ENTRY, ENTRY_BYTES, KERNELS, KINDS } from "../engine/abi.ts";
import {
  Cursor,
  joined,
  moduleOf,
  SECTIONS,
  type Section,
  sectionsOf,
  text,
  u32,
  vector,
} from "../engine/host/binary.ts";
import { PAGE } from "../engine/host/memory.ts";
import { bytesOf, type Manifest, type ManifestValue } from "../engine/manifest.ts";
import { readEntry } from "../engine/plan/schedule.ts";
import { readStep, STEP_BYTES } from "../engine/step.ts";
import type { Variant } from "../engine/variant.ts";
import { callsOf } from "./calls.ts";
import { call, coded, constant, sized } from "./code.ts";
import { FROZEN_ABI, FROZEN_SECTION, frozenHead } from "./description.ts";
import { runCode, type Stage } from "./image-stage.ts";
import { uncalled } from "./inner.ts";
import { type Piece, pieces } from "./pieces.ts";

/** Bytes of a value's description, and what the types are in it. */
export const VALUE_BYTES = 64;
const MOST_AXES = 6;
const DTYPES = { float32: 0, int8: 1, uint8: 2, int32: 3 } as const;

/** Descriptions lie below what the plan has, where they fit: nothing else is there. */
const FREE = { start: 64, end: 2048 } as const;

/**
 * A module of its own.
 * @param kernels a build of the kernels, for which the image's weights are packed
 * @param manifest of one lane
 * @param image its description, as JSON, and what lies in memory
 * @param stage that makes the first input of a picture
 */
export function frozenModule(
  { bytes: kernels, variant }: { readonly bytes: Uint8Array; readonly variant: Variant },
  manifest: Manifest,
  { head, bytes }: { readonly head: Uint8Array; readonly bytes: Uint8Array },
  stage?: Stage,
): Uint8Array<ArrayBuffer> {
  const sections = new Map(sectionsOf(kernels).map(({ id, body }) => [id, body]));
  const bodyOf = (name: keyof typeof SECTIONS) => sections.get(SECTIONS[name])!;
  const exported = exportsOf(bodyOf("exports"));
  const inputs = stage ? [stage.value, ...manifest.inputs.slice(1)] : manifest.inputs;
  const end = stage?.end ?? manifest.memory.total;
  const described = descriptions(inputs, manifest.outputs, manifest.endPoints, end);
  const types = itemsOf(bodyOf("types"), skipType);
  const functions = itemsOf(bodyOf("functions"), (cursor) => cursor.u32());
  const schedule = exported.get("run_schedule")!;
  const globals = itemsOf(bodyOf("globals"), skipGlobal);
  const entries = manifest.lanes[0]!;
  const first = { types: types.length, functions: functions.length, globals: globals.length };
  const compute = (from: number[], to: number[]) => [
    ...[...constant(manifest.scheduleAt), ...from, ...to, ...constant(manifest.recordAt), ...call(schedule)],
  ];
  const straight = straightCalls(manifest, bytes, exported);
  const all = straight ?? compute(constant(0), constant(entries));
  const fed = manifest.inputs[0]?.fed ? feedFunctions(first, manifest.scheduleAt, entries, compute) : [];
  const own = [
    ...(stage ? staged(stage, first, fed, exported.get("image_f32")!, all) : fed),
    ...(stage || fed.length > 0 ? [] : [{ name: "run", type: types.length, code: coded(all) }]),
    ...ownFunctions(described, types.length),
  ];
  const pages = Math.ceil(described.end / PAGE);
  const used = new Set<string>([...manifest.steps.map(({ kernel }) => kernel), ...(stage ? ["image_f32"] : [])]);
  const called = [...used].map((kernel) => exported.get(kernel)!);
  const roots = straight ? called : [schedule, ...(stage ? [exported.get("image_f32")!] : [])];
  const records = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const steps = manifest.steps.map(({ kernel }, i) => ({ kernel, fields: readStep(records, i * STEP_BYTES) }));
  const unused = new Set(
    [...Object.keys(KERNELS).filter((name) => !used.has(name)), ...uncalled(steps, variant)].map(
      (name) => exported.get(name)!,
    ),
  );
  const result: Section[] = [
    { id: SECTIONS.types, body: vector([...types, ...OWN_TYPES.slice(0, stage ? 4 : 3)]) },
    { id: SECTIONS.functions, body: vector([...functions, ...own.map(({ type }) => u32(type))]) },
    { id: SECTIONS.memories, body: vector([[1, ...u32(pages), ...u32(pages)]]) },
    // The entry of the schedule that a feed has come to; beyond the last one where none goes on.
    { id: SECTIONS.globals, body: vector([...globals, [0x7f, 1, ...constant(entries), 0x0b]]) },
    {
      id: SECTIONS.exports,
      body: vector([
        joined([text("memory"), [2, 0]]),
        ...own.flatMap(({ name, hidden }, i) => (hidden ? [] : [joined([text(name), [0], u32(functions.length + i)])])),
      ]),
    },
    { id: SECTIONS.code, body: vector([...pruned(bodyOf("code"), roots, unused), ...own.map(({ code }) => code)]) },
    {
      id: SECTIONS.data,
      body: vector(
        [
          { address: described.at, bytes: described.bytes },
          ...(stage ? [{ address: stage.at, bytes: stage.bytes }] : []),
          ...pieces({ address: manifest.stepsAt, bytes }),
        ].map(segment),
      ),
    },
    { id: SECTIONS.custom, body: joined([text(FROZEN_SECTION), frozenHead(head, stage)]) },
  ];
  return moduleOf(result);
}

/**
 * `run` without a schedule: a call of a kernel for each step, where each is computed once and as a whole. What goes
 * through schedules and picks kernels is not in the module then: 1 KB.
 */
function straightCalls(
  { stepsAt, scheduleAt, lanes, steps }: Manifest,
  bytes: Uint8Array,
  exported: ReadonlyMap<string, number>,
): number[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = Array.from({ length: lanes[0]! }, (_, i) =>
    readEntry(view, scheduleAt - stepsAt + i * ENTRY_BYTES, (record) => (record - stepsAt) / STEP_BYTES),
  );
  const calls: number[] = [];
  for (const entry of entries) {
    if (!("step" in entry) || entry.moved) return undefined;
    const { step, u0, u1 } = entry;
    const kernel = exported.get(steps[step]!.kernel)!;
    calls.push(...constant(stepsAt + step * STEP_BYTES), ...constant(u0), ...constant(u1), ...call(kernel));
  }
  return calls;
}

/** What is exported, by name. */
function exportsOf(body: Uint8Array): Map<string, number> {
  const cursor = new Cursor(body);
  return new Map(
    Array.from({ length: cursor.u32() }, () => {
      const name = cursor.text();
      const kind = cursor.byte();
      return [kind === 0 ? name : `${kind} ${name}`, cursor.u32()] as const;
    }),
  );
}

/** The items of a vector, as they are. */
function itemsOf(body: Uint8Array, skip: (cursor: Cursor) => void): Uint8Array[] {
  const cursor = new Cursor(body);
  return Array.from({ length: cursor.u32() }, () => {
    const start = cursor.at;
    skip(cursor);
    return body.subarray(start, cursor.at);
  });
}

/** A global: its type, whether it changes, and the constant that it begins with. */
function skipGlobal(cursor: Cursor): void {
  cursor.bytes(3);
  cursor.u32();
  cursor.byte();
}

/** A function's type: parameters and results, a byte each. */
function skipType(cursor: Cursor): void {
  cursor.byte();
  cursor.bytes(cursor.u32());
  cursor.bytes(cursor.u32());
}

/**
 * The code of all functions: that of those which `roots` do not reach, but by way of kernels that are not used, is a
 * single instruction. So no function changes its number.
 */
function pruned(body: Uint8Array, roots: readonly number[], unused: ReadonlySet<number>): Uint8Array[] {
  const cursor = new Cursor(body);
  const bodies = Array.from({ length: cursor.u32() }, () => cursor.bytes(cursor.u32()));
  const reached = new Set<number>();
  const open = [...roots];
  while (open.length > 0) {
    const index = open.pop()!;
    if (reached.has(index) || unused.has(index)) continue;
    reached.add(index);
    open.push(...callsOf(bodies[index]!));
  }
  return bodies.map((code, i) => sized(reached.has(i) ? code : [0, 0x00, 0x0b]));
}

/** Values as whoever runs the module finds them: one behind the other, and their names. */
interface Described {
  readonly bytes: Uint8Array;
  readonly at: number;
  /** Byte addresses of the first input, output and end point, and how many there are. */
  readonly lists: readonly { readonly at: number; readonly count: number }[];
  /** The memory's end. */
  readonly end: number;
}

function descriptions(
  inputs: readonly ManifestValue[],
  outputs: readonly ManifestValue[],
  endPoints: readonly ManifestValue[],
  total: number,
): Described {
  const values = [...inputs, ...outputs, ...endPoints];
  const names = values.map(({ name }) => new TextEncoder().encode(`${name}\0`));
  const length = VALUE_BYTES * values.length + names.reduce((sum, name) => sum + name.length, 0);
  const fits = FREE.start + length <= FREE.end;
  const at = fits ? FREE.start : Math.ceil(total / 16) * 16;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let name = VALUE_BYTES * values.length;
  values.forEach((value, i) => {
    const { address, shape, dtype, quantization } = value;
    if (shape.length > MOST_AXES) throw new RangeError(`freeze: expected values of ${MOST_AXES} axes at most`);
    const put = (word: number, number: number) => view.setInt32(VALUE_BYTES * i + 4 * word, number, true);
    put(0, address);
    put(1, bytesOf(value));
    put(2, DTYPES[dtype]);
    put(3, shape.length);
    for (let axis = 0; axis < MOST_AXES; axis++) put(4 + axis, shape[axis] ?? 1);
    view.setFloat32(VALUE_BYTES * i + 40, quantization?.scales[0] ?? 1, true);
    put(11, quantization?.zeroPoints[0] ?? 0);
    put(12, at + name);
    bytes.set(names[i]!, name);
    name += names[i]!.length;
  });
  const starts = [0, inputs.length, inputs.length + outputs.length];
  return {
    ...{ bytes, at, end: fits ? total : at + length },
    lists: [inputs, outputs, endPoints].map(({ length: count }, i) => ({ at: at + VALUE_BYTES * starts[i]!, count })),
  };
}

/** A function of the module's interface. */
interface OwnFunction {
  readonly name: string;
  readonly type: number;
  readonly code: Uint8Array;
  /** For other functions only. */
  readonly hidden?: boolean;
}

/** Types nothing → nothing, nothing → i32, i32 → i32, and of the function that makes a row of the input. */
const OWN_TYPES = [
  [0x60, 0, 0],
  [0x60, 0, 1, 0x7f],
  [0x60, 1, 0x7f, 1, 0x7f],
  [0x60, 2, 0x7f, 0x7f, 0],
] as const;

/** `run` of a network that takes pictures; it feeds their rows itself. */
function staged(
  stage: Stage,
  first: { readonly types: number; readonly functions: number },
  fed: readonly OwnFunction[],
  image: number,
  compute: readonly number[],
): OwnFunction[] {
  const row = first.functions + fed.length;
  const [next, begin, address] = [0, 1, 2].map((i) => first.functions + i) as [number, number, number];
  const functions = { row, ...(fed.length > 0 && { feed: { next, begin, address } }) };
  return [
    ...fed.map((each) => ({ ...each, hidden: true })),
    { name: "row", type: first.types + 3, code: stage.code(image), hidden: true },
    { name: "run", type: first.types, code: runCode(stage, functions, compute) },
  ];
}

/**
 * The functions by which rows are fed: `feed_begin` and `feed_next` compute what can be computed until the schedule
 * waits for rows, and answer how many; `feed_address` is where these belong. The first function is `feed_next`.
 */
function feedFunctions(
  first: { readonly types: number; readonly functions: number; readonly globals: number },
  scheduleAt: number,
  entries: number,
  compute: (from: number[], to: number[]) => number[],
): OwnFunction[] {
  const [get, set] = [
    [0x23, ...u32(first.globals)],
    [0x24, ...u32(first.globals)],
  ] as const;
  const [local, setLocal] = [
    [0x20, 0],
    [0x21, 0],
  ] as const;
  const field = (index: readonly number[], name: keyof typeof ENTRY) => [
    ...[...index, ...constant(ENTRY_BYTES), 0x6c, 0x28, 2, ...u32(scheduleAt + ENTRY[name])],
  ];
  const plusOne = [...constant(1), 0x6a];
  const nothing = [0x04, 0x40, ...constant(0), 0x0f, 0x0b];
  const ended = (index: readonly number[]) => [...index, ...constant(entries), 0x4e];
  const next = [
    ...[...ended(get), ...nothing],
    ...[...get, ...plusOne, ...setLocal],
    // To the next entry that waits, or the end.
    ...[0x02, 0x40, 0x03, 0x40],
    ...[...ended(local), 0x0d, 1],
    ...[...field(local, "kind"), ...constant(KINDS.FEED), 0x46, 0x0d, 1],
    ...[...local, ...plusOne, ...setLocal, 0x0c, 0, 0x0b, 0x0b],
    ...compute([...constant(0), ...get, ...get, ...constant(0), 0x48, 0x1b], [...local]),
    ...[...local, ...set, ...ended(local), ...nothing],
    ...[...field(local, "u1"), ...field(local, "u0"), 0x6b, 0x0b],
  ];
  const type = first.types + 1;
  const address = [
    ...[...get, ...constant(entries), 0x4f, 0x04, 0x7f, ...constant(0), 0x05],
    ...[...field(get, "step"), 0x0b],
  ];
  return [
    { name: "feed_next", type, code: sized([1, 1, 0x7f, ...next]) },
    { name: "feed_begin", type, code: coded(constant(-1), [...set], [0x10, ...u32(first.functions)]) },
    { name: "feed_address", type, code: coded(address) },
  ];
}

/** The interface. `types`: the number of the first of the types nothing → nothing, nothing → i32, i32 → i32. */
function ownFunctions({ lists }: Described, types: number): OwnFunction[] {
  const answer = (name: string, value: number) => ({ name, type: types + 1, code: coded(constant(value)) });
  const [inputs, outputs, endPoints] = lists as [Described["lists"][0], Described["lists"][0], Described["lists"][0]];
  return [
    answer("abi_version", FROZEN_ABI),
    ...[answer("input_count", inputs.count), answer("inputs", inputs.at)],
    ...[answer("output_count", outputs.count), answer("outputs", outputs.at)],
    ...[answer("end_point_count", endPoints.count), answer("end_points", endPoints.at)],
    { name: "input", type: types + 2, code: addressOf(inputs) },
    { name: "output", type: types + 2, code: addressOf(outputs) },
  ];
}

/** The address of the data of value i, 0 where there is no such value. */
function addressOf({ at, count }: { readonly at: number; readonly count: number }): Uint8Array {
  const index = [0x20, 0];
  return coded(
    ...[index, constant(count), [0x4f], [0x04, 0x7f]],
    ...[constant(0), [0x05], index, constant(VALUE_BYTES), [0x6c, 0x28, 2, ...u32(at)], [0x0b]],
  );
}

/** Bytes that are at an address from the start. */
function segment({ address, bytes }: Piece): Uint8Array {
  return joined([[0], constant(address), [0x0b], u32(bytes.length), bytes]);
}
