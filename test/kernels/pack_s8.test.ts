/**
 * The packers of 8-bit weights against loops: sums of columns. What `pwconv_s8_pack` and `pwconv_s8_suit` write is
 * checked with the kernels, whose suites pack by them.
 */
import { expect, it } from "vitest";
import { random } from "../cases/random.ts";
import { forEachVariant } from "../variants.ts";

const up = (value: number, unit: number) => Math.ceil(value / unit) * unit;

forEachVariant((_, create) => {
  it("adds up what columns have above and below their zero point, in any pieces, and writes nothing else", () => {
    const exports = create();
    exports.memory.grow(1);
    for (let seed = 0; seed < 60; seed++) {
      const numbers = random(`sums ${seed}`);
      const [k, n] = [numbers.int(1, 40), numbers.int(1, 37)];
      const pitch = n + numbers.int(0, 9);
      const zero = seed % 3 === 0 ? 0 : numbers.int(-128, 127);
      const weights = Int8Array.from({ length: k * pitch }, () => numbers.int(-128, 127));
      const [above, below] = [new Array<number>(n).fill(0), new Array<number>(n).fill(0)];
      for (let i = 0; i < k; i++) {
        for (let o = 0; o < n; o++) {
          const w = weights[i * pitch + o]! - zero;
          if (w > 0) above[o]! += w;
          else below[o]! += w;
        }
      }
      const columns = up(n, 8);
      const target = up(exports.heap_base(), 16) + 64;
      const source = up(target + 8 * columns + 64, 16);
      const bytes = new Uint8Array(exports.memory.buffer);
      bytes.fill(0x5a, target - 64, source);
      bytes.fill(0, target, target + 8 * columns);
      bytes.set(new Uint8Array(weights.buffer), source);
      const cut = numbers.int(0, k);
      exports.pwconv_s8_sums(target, source, cut, n, pitch, zero);
      exports.pwconv_s8_sums(target, source + cut * pitch, k - cut, n, pitch, zero);
      const sums = new Int32Array(exports.memory.buffer, target, 2 * columns);
      const where = `[${k}, ${n}], rows ${pitch} apart, zero point ${zero}`;
      expect([...sums.subarray(0, n)], `${where}, above`).toEqual(above);
      expect([...sums.subarray(columns, columns + n)], `${where}, below`).toEqual(below);
      expect(bytes.subarray(target - 64, target).every((byte) => byte === 0x5a)).toBe(true);
      expect(bytes.subarray(target + 8 * columns, source).every((byte) => byte === 0x5a)).toBe(true);
      expect(new Int8Array(exports.memory.buffer, source, weights.length)).toEqual(weights);
    }
  });
});
