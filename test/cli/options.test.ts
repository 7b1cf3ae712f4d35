import { describe, expect, it } from "vitest";
import { bytes } from "../../src/cli/options.ts";

describe("--max-memory", () => {
  const parse = bytes("--max-memory");

  it.each([
    ["1000000", 1e6],
    ["512b", 512],
    ["512KB", 512e3],
    ["64MB", 64e6],
    ["64 mb", 64e6],
    ["1.5MB", 1.5e6],
    [".5kB", 500],
    ["1GB", 1e9],
    ["512KiB", 512 * 1024],
    ["64MiB", 64 * 2 ** 20],
    [" 1GiB ", 2 ** 30],
    ["0.3kib", 307],
  ])("takes %j", (text, size) => {
    expect(parse(text)).toBe(size);
  });

  it.each(["", "MB", "64M", "64 mega", "-1MB", "1e6", "0", "0.4", "1,5MB", "1TB", "9999999999GB", "0x10", "∞", "NaN"])(
    "refuses %j",
    (text) => {
      expect(() => parse(text)).toThrow(RangeError);
      expect(() => parse(text)).toThrow(`--max-memory: expected a size such as 1000000, 64MB`);
      expect(() => parse(text)).toThrow(`got "${text}"`);
    },
  );
});
