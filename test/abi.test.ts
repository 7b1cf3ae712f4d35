/**
 * The host's view of the kernels' module, held against the module.
 */
import { describe, expect, it } from "vitest";
import { fieldOffset, KERNELS, STEP_BYTES, STEP_FLOATS, STEP_INTS, STEP_QUANT, writeStep } from "../src/engine/step.ts";
import { BUILDS, forEachVariant, instantiate, readBuild, whyNot } from "./variants.ts";

/** Bytes that a release module may take. */
const MOST_BYTES = 40 * 1024;

describe.skipIf(whyNot("debug") !== undefined)("the step record", () => {
  const offsets = () => instantiate("debug") as unknown as Record<string, WebAssembly.Global>;
  const fields = [...STEP_INTS, ...STEP_FLOATS, ...STEP_QUANT];

  it.each(fields)("has %s where the kernels look for it", (field) => {
    expect(offsets()[`OFFSET_${field}`]?.value).toBe(fieldOffset(field));
  });

  it("has no field that the host does not know", () => {
    const known = Object.keys(offsets()).filter((name) => name.startsWith("OFFSET_"));
    expect(known.sort()).toEqual(fields.map((field) => `OFFSET_${field}`).sort());
  });

  it("holds all fields, each on its own four bytes", () => {
    const offsets = fields.map(fieldOffset);
    expect(new Set(offsets).size).toBe(fields.length);
    expect(Math.max(...offsets) + 4).toBeLessThanOrEqual(STEP_BYTES);
  });

  it("is written whole: fields that are left out are 0", () => {
    const view = new DataView(new ArrayBuffer(2 * STEP_BYTES));
    new Uint8Array(view.buffer).fill(0xff);
    writeStep(view, 0, { kernel: 7, x: 0x12345678, lo: -1.5, b: 2.5 });
    for (const field of STEP_INTS) {
      const expected = { kernel: 7, x: 0x12345678 }[field as string] ?? 0;
      expect(view.getInt32(fieldOffset(field), true), field).toBe(expected);
    }
    for (const field of STEP_FLOATS) {
      const expected = { lo: -1.5, b: 2.5 }[field as string] ?? 0;
      expect(view.getFloat32(fieldOffset(field), true), field).toBe(expected);
    }
    expect(view.getUint8(STEP_BYTES - 1)).toBe(0);
    expect(view.getUint8(STEP_BYTES), "the byte behind the record").toBe(0xff);
  });
});

describe("every build", () => {
  it.each(BUILDS)("%s imports nothing", (build) => {
    // Reads the binary itself, since a host that refuses relaxed SIMD cannot compile it: section 2 would be the imports.
    expect(sections(readBuild(build))).not.toContain(2);
  });

  it.each(BUILDS.filter((build) => build !== "debug"))("%s is under 40 KB", (build) => {
    expect(readBuild(build).length).toBeLessThan(MOST_BYTES);
  });
});

forEachVariant((build, create) => {
  const exports = create();

  it("has the constants that the host assumes", () => {
    expect(exports.ABI_VERSION.value).toBe(1);
    expect(exports.ALIGN.value).toBe(16);
    expect(exports.SLACK.value).toBe(16);
    expect(exports.STEP_BYTES.value).toBe(STEP_BYTES);
    expect(exports.heap_base()).toBeLessThan(65536);
  });

  it("exports every kernel under its name, and numbers differ", () => {
    for (const kernel of Object.keys(KERNELS)) expect(exports, kernel).toHaveProperty(kernel, expect.any(Function));
    expect(new Set(Object.values(KERNELS)).size).toBe(Object.keys(KERNELS).length);
  });

  it("exports its memory, and nothing of a runtime", () => {
    expect(exports.memory).toBeInstanceOf(WebAssembly.Memory);
    const runtime = Object.keys(exports).filter(
      (name) => name.startsWith("__") || name === "abort" || name === "_start",
    );
    expect(runtime).toEqual([]);
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
