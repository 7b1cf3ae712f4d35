/**
 * The ABI stands once, in `abi/table.mjs`: the generated files are what it says, and the built modules are what the
 * host takes them for. Faults are planted in copies of the table, and in single files, to see that each is found.
 */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { differences, generate } from "../abi/generate.mjs";
import * as table from "../abi/table.mjs";
import { fieldsIn, needsOf } from "../abi/text.mjs";
import { FIELDS, FLAGS, KERNELS, MODULE_CONSTANTS } from "../src/engine/abi.ts";
import { covers, footprint } from "../src/engine/footprint.ts";
import { LinearMemory } from "../src/engine/host/memory.ts";
import { fieldOffset, STEP_BYTES, STEP_FIELDS, STEP_FLOATS, writeStep } from "../src/engine/step.ts";
import { LoadError, UnsupportedError } from "../src/errors.ts";
import { BUILDS, forEachVariant, instantiate, readBuild, whyNot } from "./variants.ts";

/** Bytes that a release module may take. */
const MOST_BYTES = 60 * 1024;

type Table = typeof table;
type Globals = Readonly<Record<string, WebAssembly.Global | undefined>>;

/** Of a kernel's entry in the table, what the tests look at. */
interface Entry {
  readonly number: number;
  readonly file?: string;
  readonly inner?: readonly string[];
  readonly optional?: readonly string[];
  readonly packs?: readonly string[];
  readonly reads: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  readonly aligned: readonly string[];
  readonly needs: readonly (string | readonly string[])[];
  readonly extents: Readonly<Record<string, string>>;
}

const entriesOf = ({ KERNELS }: Table) => Object.entries(KERNELS as unknown as Readonly<Record<string, Entry>>);

/** The table with two kernels' numbers swapped. */
const SWAPPED: Table = {
  ...table,
  KERNELS: {
    ...table.KERNELS,
    maxpool_f32: { ...table.KERNELS.maxpool_f32, number: table.KERNELS.avgpool_f32.number },
    avgpool_f32: { ...table.KERNELS.avgpool_f32, number: table.KERNELS.maxpool_f32.number },
  },
};

/** The table without slack. */
const TIGHT: Table = {
  ...table,
  CONSTANTS: table.CONSTANTS.map((one) => (one.name === "SLACK" ? { ...one, value: 0 } : one)),
};

/** The table with a wider choice of the sliding 3×3 kernel than it can compute. */
const WIDER: Table = {
  ...table,
  PREDICATES: {
    slides3x3: {
      ...table.PREDICATES.slides3x3,
      needs: table.PREDICATES.slides3x3.needs.map((need) => need.map((text) => text.replace("padL <= 1", "padL <= 2"))),
    },
  },
};

/** The table with two fields of the record swapped. */
const MOVED: Table = { ...table, FIELDS: table.FIELDS.map((field, i) => table.FIELDS[i < 2 ? 1 - i : i] ?? field) };

const FAULTS: readonly (readonly [string, Table])[] = [
  ["two kernel numbers swapped", SWAPPED],
  ["no slack", TIGHT],
  ["a predicate that lets more through", WIDER],
  ["two fields swapped", MOVED],
];

describe("the generated files", () => {
  it("are what the table says (npm run abi writes them)", () => {
    expect(differences(generate())).toEqual([]);
  });

  it.each(FAULTS)("differ from a table with %s, on both sides", (_, wrong) => {
    const found = differences(generate(wrong)).join("\n");
    expect(found).toContain("assembly/abi.ts");
    expect(found).toContain("src/engine/abi.ts");
    expect(found).toContain("docs/abi.md");
  });

  it.each(Object.keys(generate()))("are missed where %s was edited by hand", (path) => {
    const texts = generate() as Record<string, string>;
    const found = differences(texts, (file: string) => `${texts[file]}${file === path ? "// mine\n" : ""}`);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(path);
  });

  it("have an assert and a need with the words of each, for each need", () => {
    const files = generate() as Record<string, string>;
    for (const [words, , only] of entriesOf(table).flatMap(([, { needs }]) => needsOf(table, needs))) {
      if (only !== "plan") expect(files["assembly/abi.ts"], words).toContain(`// ${words}\n`);
      if (only !== "debug") expect(files["src/engine/abi.ts"], words).toContain(JSON.stringify(words));
    }
  });
});

describe("the table", () => {
  const fields = new Set(table.FIELDS.map(([name]) => name));

  it("gives each kernel a number of its own, from 1 on", () => {
    const numbers = entriesOf(table).map(([, { number }]) => number);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.every((number) => Number.isInteger(number) && number >= 1)).toBe(true);
  });

  /**
   * What a step table means to a module of the same version. Who changes it (fields, their order or types, a number, a
   * bit) raises ABI_VERSION in the table and adds a line here. Kernels that join a version change none of its tables:
   * a saved image names its kernels, and one with a kernel that there is not is refused.
   */
  it("is the one of its version", () => {
    const known: Record<number, { kernels: number; digest: string }> = {
      1: { kernels: 50, digest: "d68f6eaae062a361" },
      2: { kernels: 53, digest: "1a6e5f7e8887e9f0" },
      3: { kernels: 53, digest: "11009220cf96b83e" },
    };
    const { kernels, digest: expected } = known[table.ABI_VERSION]!;
    const digest = (of: Table) => {
      const record = of.FIELDS.map(([name, type]) => [name, type]);
      const bits = Object.entries(of.FLAGS).map(([name, { bit }]) => [name, bit]);
      const all = entriesOf(of).map(([name, { number }]) => [name, number] as const);
      const numbers = all.filter(([, number]) => number <= kernels).sort(([, a], [, b]) => a - b);
      const constants = of.CONSTANTS.filter(({ module }) => module).map(({ name, value }) => [name, value]);
      const entry = of.ENTRY.map(([name, type]) => [name, type]);
      const operators = Object.entries(of.OPERATORS).map(([name, { number }]) => [name, number]);
      const text = JSON.stringify([record, entry, bits, numbers, constants, operators]);
      return createHash("sha256").update(text).digest("hex").slice(0, 16);
    };
    expect(digest(table)).toBe(expected);
    for (const wrong of [SWAPPED, TIGHT, MOVED]) expect(digest(wrong)).not.toBe(expected);
  });

  it.each(entriesOf(table))("says what %s reads: all that its needs and sizes are made of", (_, entry) => {
    const { reads, aligned, extents, flags = [] } = entry;
    const needs = needsOf(table, entry.needs).filter(([, , only]) => only !== "plan");
    const used = [...needs.map(([, expression]) => expression), ...Object.values(extents)];
    for (const field of [...used.flatMap((text) => fieldsIn(table, text)), ...aligned])
      expect(reads).toHaveProperty(field);
    for (const field of Object.keys(reads)) expect(fields.has(field), field).toBe(true);
    for (const pointer of ["x", "x2", "w", "w2", "y", "s"]) expect(pointer in extents, pointer).toBe(pointer in reads);
    for (const flag of flags) expect(table.FLAGS).toHaveProperty(flag);
    expect("flags" in reads).toBe(flags.length > 0);
    expect(new Set(flags.map((flag) => table.FLAGS[flag as keyof typeof table.FLAGS].bit)).size).toBe(flags.length);
  });
});

describe("the host's side", () => {
  const sliding = {
    ...{ rows: 4, n: 1, inH: 4, inW: 4, inC: 8, outH: 4, outW: 4, kH: 3, kW: 3, strideH: 1, strideW: 1 },
    ...{ dilationH: 1, dilationW: 1, padT: 1, padL: 1, multiplier: 1 },
  };

  it("chooses a kernel by what the kernel needs", () => {
    expect(covers("dwconv3x3_f32", { ...sliding, inW: 5 })).toBe(true);
    for (const wrong of [{ padL: 2 }, { kH: 5 }, { strideH: 2 }, { dilationW: 2 }, { multiplier: 2 }, { outW: 6 }]) {
      expect(covers("dwconv3x3_f32", { ...sliding, inW: 5, ...wrong }), JSON.stringify(wrong)).toBe(false);
    }
  });

  it("computes in numbers that do not wrap", () => {
    const huge = { ...sliding, n: 2 ** 20, rows: 2 ** 22, inH: 2 ** 20, inW: 2 ** 20, inC: 2 ** 10 };
    expect(footprint("dwconv3x3_f32", huge).x).toBe(2 ** 72);
    expect(covers("dwconv3x3_f32", huge)).toBe(false);
  });

  it("plans no kernel that is not for plans", () => {
    expect(() => footprint("image_f32", {})).toThrow(UnsupportedError);
  });

  it("writes a record whole: fields that are left out are 0", () => {
    const view = new DataView(new ArrayBuffer(2 * STEP_BYTES));
    new Uint8Array(view.buffer).fill(0xff);
    writeStep(view, 0, { kernel: 7, x: 0x12345678, lo: -1.5, b: 2.5 });
    for (const field of STEP_FIELDS) {
      const expected = { kernel: 7, x: 0x12345678, lo: -1.5, b: 2.5 }[field as string] ?? 0;
      const read = STEP_FLOATS.includes(field)
        ? view.getFloat32(fieldOffset(field), true)
        : view.getInt32(fieldOffset(field), true);
      expect(read, field).toBe(expected);
    }
    expect(view.getUint8(STEP_BYTES - 1)).toBe(0);
    expect(view.getUint8(STEP_BYTES), "the byte behind the record").toBe(0xff);
  });

  it("loads no module whose constants are others", async () => {
    const load = async (changes: Record<string, number>, base = 1024) =>
      LinearMemory.create(await WebAssembly.compile(constantsOnly({ ...MODULE_CONSTANTS, ...changes }, base)), 1);
    await expect(load({})).resolves.toBeInstanceOf(LinearMemory);
    for (const name of Object.keys(MODULE_CONSTANTS)) {
      const message = new RegExp(`expected ${name} \\d+, got 0$`);
      await expect(load({ [name]: 0 }), name).rejects.toThrow(message);
    }
    await expect(load({}, 4096)).rejects.toThrow(LoadError);
  });
});

/** How a module's own view of the ABI differs from a table. */
function drift(exports: Globals, of: Table): string[] {
  const expected = new Map<string, number>([
    ...of.FIELDS.map(([name], i) => [`OFFSET_${name}`, 4 * i] as const),
    ...of.ENTRY.map(([name], i) => [`ENTRY_${name}`, 4 * i] as const),
    ...entriesOf(of).map(([name, { number }]) => [`NUMBER_${name}`, number] as const),
    ...Object.entries(of.FLAGS).map(([name, { bit }]) => [`FLAG_${name}`, bit] as const),
    ...of.CONSTANTS.filter(({ module }) => module).map(({ name, value }) => [name, value] as const),
  ]);
  const own = Object.keys(exports).filter((name) => /^(OFFSET|NUMBER|FLAG|ENTRY)_(?!BYTES)/.test(name));
  return [...new Set([...expected.keys(), ...own])].filter((name) => exports[name]?.value !== expected.get(name));
}

describe.skipIf(whyNot("debug") !== undefined)("the debug build's own view", () => {
  const exports = () => instantiate("debug") as unknown as Globals;

  it("is the table's", () => {
    expect(drift(exports(), table)).toEqual([]);
    expect(STEP_FIELDS.map((name) => exports()[`OFFSET_${name}`]?.value)).toEqual(STEP_FIELDS.map(fieldOffset));
    for (const [name, number] of Object.entries(KERNELS)) expect(exports()[`NUMBER_${name}`]?.value).toBe(number);
    for (const [name, bit] of Object.entries(FLAGS)) expect(exports()[`FLAG_${name}`]?.value).toBe(bit);
    expect(4 * Object.keys(FIELDS).length).toBeLessThanOrEqual(STEP_BYTES);
  });

  it("differs from a table with planted faults", () => {
    expect(drift(exports(), SWAPPED)).toEqual(["NUMBER_maxpool_f32", "NUMBER_avgpool_f32"]);
    expect(drift(exports(), TIGHT)).toEqual(["SLACK"]);
    expect(drift(exports(), MOVED)).toEqual(["OFFSET_rows", "OFFSET_kernel"]);
  });
});

describe("every build", () => {
  it.each(BUILDS)("%s imports nothing", (build) => {
    // Reads the binary itself, since a host that refuses relaxed SIMD cannot compile it: section 2 would be the
    // imports.
    expect(sections(readBuild(build))).not.toContain(2);
  });

  it.each(BUILDS.filter((build) => build !== "debug"))("%s is under 60 KB", (build) => {
    expect(readBuild(build).length).toBeLessThan(MOST_BYTES);
  });
});

forEachVariant((build, create) => {
  const exports = create();

  it("has the constants that the host assumes", () => {
    const own = exports as unknown as Globals;
    for (const [name, value] of Object.entries(MODULE_CONSTANTS)) expect(own[name]?.value, name).toBe(value);
    expect(exports.heap_base()).toBeLessThan(65536);
  });

  it("exports what the table says, and nothing else", () => {
    const functions = entriesOf(table).flatMap(([name, { inner = [], optional = [], packs = [] }]) => [
      ...[name, ...packs],
      // Only the debug build keeps them all: see scripts/shrink.mjs.
      ...(build === "debug" ? inner : optional),
    ]);
    const expected = [
      ...functions,
      ...Object.keys(MODULE_CONSTANTS),
      "VARIANT",
      "memory",
      "heap_base",
      "run_rows",
      "run_schedule",
    ];
    const named = WebAssembly.Module.exports(new WebAssembly.Module(readBuild(build))).map(({ name }) => name);
    const own = named.filter((name) => !/^(OFFSET|NUMBER|FLAG|ENTRY)_(?!BYTES)/.test(name));
    expect(own.sort()).toEqual(expected.sort());
    for (const name of functions) expect(exports, name).toHaveProperty(name, expect.any(Function));
  });

  it("gives each instance a memory of its own", () => {
    const other = create();
    expect(other.memory.buffer).not.toBe(exports.memory.buffer);
    other.memory.grow(1);
    expect(other.memory.buffer.byteLength).toBe(exports.memory.buffer.byteLength + 65536);
  });

  it(`says that it is ${build}`, () => {
    expect(exports.VARIANT.value).toBe({ scalar: 0, simd: 1, relaxed: 2, debug: 1 }[build]);
  });
});

/** Numbers of the sections of a wasm binary. */
function sections(bytes: Uint8Array): number[] {
  const found: number[] = [];
  for (let at = 8; at < bytes.length; ) {
    found.push(bytes[at++]!);
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[at++]!;
      size += (byte & 127) * 2 ** shift;
      more = byte >= 128;
    }
    at += size;
  }
  return found;
}

/** A module that exports a page of memory, `heap_base`, and constants. */
function constantsOnly(constants: Readonly<Record<string, number>>, base: number): Uint8Array<ArrayBuffer> {
  const leb = (n: number) => [(n & 127) | 128, ((n >> 7) & 127) | 128, (n >> 14) & 127];
  const vector = (items: readonly (readonly number[])[]) => [...leb(items.length), ...items.flat()];
  const section = (id: number, body: readonly number[]) => [id, ...leb(body.length), ...body];
  const named = (name: string, kind: number, index: number) => [...leb(name.length), ...Buffer.from(name), kind, index];
  const i32 = (n: number) => [0x41, ...leb(n), 0x0b];
  return Uint8Array.from([
    ...[0, 97, 115, 109, 1, 0, 0, 0],
    ...section(1, vector([[0x60, 0, 1, 0x7f]])),
    ...section(3, vector([[0]])),
    ...section(5, vector([[0, 1]])),
    ...section(6, vector(Object.values(constants).map((value) => [0x7f, 0, ...i32(value)]))),
    ...section(
      7,
      vector([
        named("memory", 2, 0),
        named("heap_base", 0, 0),
        ...Object.keys(constants).map((name, i) => named(name, 3, i)),
      ]),
    ),
    ...section(10, vector([[...leb(1 + i32(base).length), 0, ...i32(base)]])),
  ]);
}
