import { describe, expect, it } from "vitest";
import { FormatError, located, MemoryError, SepconvError, ShapeError, UnsupportedError } from "../src/errors.ts";
import { parseJson, shown } from "../src/formats/common/json.ts";
import { load } from "../src/index.ts";
import { Budget, DEFAULT_LIMITS } from "../src/limits.ts";

describe("Budget", () => {
  it("adds up what is drawn, and refuses what is too much without drawing it", () => {
    const budget = new Budget({ limits: { maxFileBytes: 10, maxUnpackedBytes: 20, maxTensors: 2, maxNodes: 1 } });
    budget.read(6, "a");
    expect(() => budget.read(5, "b")).toThrow(MemoryError);
    expect(() => budget.read(5, "b")).toThrow("b: expected at most 10 bytes in all (limits.maxFileBytes), got 11");
    budget.read(4, "c");
    expect(() => budget.unpack(21, "d")).toThrow(/limits.maxUnpackedBytes/);
    expect(() => budget.unpack(Number.NaN, "d")).toThrow(MemoryError);
    budget.tensors(2, "e");
    expect(() => budget.tensors(1, "e")).toThrow(UnsupportedError);
    expect(() => budget.nodes(2, "f")).toThrow("f: expected at most 1 (limits.maxNodes), got 2");
  });

  it("lets maxMemory bound what is unpacked", () => {
    expect(new Budget({ maxMemory: 1000 }).limits.maxUnpackedBytes).toBe(1000);
    expect(new Budget({ maxMemory: 2 ** 40 }).limits).toEqual(DEFAULT_LIMITS);
  });

  it("refuses limits that do not exist or are no numbers", () => {
    expect(() => new Budget({ limits: { bytes: 1 } as never })).toThrow(RangeError);
    expect(() => new Budget({ limits: { maxNodes: -1 } })).toThrow("limits.maxNodes: expected a number from 0, got -1");
    expect(new Budget({ limits: { maxNodes: undefined } as never }).limits.maxNodes).toBe(DEFAULT_LIMITS.maxNodes);
  });

  it("gives way to the event loop, and stops when the signal says so", async () => {
    const controller = new AbortController();
    const budget = new Budget({ signal: controller.signal });
    let timers = 0;
    const timer = setInterval(() => timers++, 1);
    for (const end = performance.now() + 150; performance.now() < end; ) await budget.turn();
    clearInterval(timer);
    expect(timers).toBeGreaterThanOrEqual(2);
    controller.abort(new Error("enough"));
    await expect(budget.turn()).rejects.toThrow("enough");
  });
});

describe("parseJson", () => {
  it("refuses JSON deeper than the limit, before it is parsed", () => {
    const deep = (n: number) => "[".repeat(n) + "]".repeat(n);
    expect(parseJson("a", deep(64))).toBeInstanceOf(Array);
    expect(() => parseJson("a", deep(65))).toThrow(FormatError);
    expect(() => parseJson("a", deep(100_000))).toThrow("a: expected at most 64 levels (limits.maxDepth), got more");
    expect(parseJson("a", JSON.stringify({ s: `${"[".repeat(99)}\\"{` }))).toBeTruthy();
  });

  it("shows values of any size shortly", () => {
    expect(shown("x".repeat(1e6)).length).toBeLessThanOrEqual(120);
    expect(shown(undefined)).toBe("nothing");
  });
});

describe("errors", () => {
  it("have names that do not depend on the names of classes, and short messages whatever they quote", () => {
    const error = new ShapeError("s".repeat(1e6));
    expect(Object.getPrototypeOf(error).name).toBe("ShapeError");
    expect(error.message.length).toBeLessThan(2000);
    expect(error).toBeInstanceOf(SepconvError);
    expect(String(new FormatError("a: b"))).toBe("FormatError: a: b");
  });

  it("say which file they are about, once", () => {
    const error = located("m.tflite", new FormatError("tflite: bad")) as Error;
    expect(error.message).toBe("m.tflite: tflite: bad");
    expect((located("m.tflite", error) as Error).message).toBe("m.tflite: tflite: bad");
    expect(error.stack).toContain("m.tflite: tflite: bad");
    const other = new Error("x");
    expect(located("m", other)).toBe(other);
  });

  it("name the file of a model", async () => {
    await expect(
      load({ "model.json": new TextEncoder().encode(`{"a":${"[".repeat(1e5)}${"]".repeat(1e5)}}`) }),
    ).rejects.toThrow(/^model.json: expected at most 64 levels/);
    await expect(load(new Uint8Array(64), { limits: { maxFileBytes: 10 } })).rejects.toThrow(MemoryError);
  });
});
