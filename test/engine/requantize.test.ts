/**
 * Where the planner says that the fast form of requantization holds, it does for every sum that weights can come to.
 */
import { expect, it } from "vitest";
import { fastHolds } from "../../src/engine/lower/requantize.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { random } from "../cases/random.ts";
import { multiplied } from "../reference/convolution_s8.ts";

/** A column of one weight and a bias: its sums are those within 255·|w| of the bias. */
function column(w: number, bias: number) {
  const quantization = { scales: [1], zeroPoints: [0], axis: 0 };
  const constants = new Map([
    ["w", { name: "w", shape: [1, 1], dtype: "int8", data: Int8Array.of(w), quantization }],
    ["b", { name: "b", shape: [1], dtype: "int32", data: Int32Array.of(bias) }],
  ]);
  return { constants } as unknown as Graph;
}

/** As the kernels have it (`quad` and `quadBelow` in assembly/lib/requantize.ts). */
function fast(x: number, m: number, e: number, below: boolean): number {
  const [scale, half, least] = [m * 2 ** (-31 - e), 2 ** (-1 - e), 2 ** (-32 - e)];
  const offset = below ? x * scale + least + (x < 0 ? -half : half) : x * scale + (half + least);
  return offset + 6755399441055744 - 6755399441055744;
}

it("the planner's word on unusual shifts is that of a loop over all sums", () => {
  const answers = { true: 0, false: 0 };
  for (let seed = 0; seed < 300; seed++) {
    const numbers = random(`unusual shifts ${seed}`);
    const e = numbers.int(13, 17);
    const m = seed % 5 === 0 ? [2 ** 30, 2 ** 31 - 1][seed % 2]! : numbers.int(2 ** 30, 2 ** 31 - 1);
    const lo = seed % 2 === 0 ? 0 : -numbers.int(1, 128);
    const [hi, w] = [numbers.int(1, 127), numbers.int(1, 127)];
    // Around a sum at which a result changes, so that ties occur.
    const n = numbers.int(1, 3) * (lo < 0 && seed % 3 === 0 ? -1 : 1);
    const bias = Math.round(((n - 0.5) * 2 ** (31 + e)) / m) + numbers.int(-100, 100);
    const graph = column(w, bias);
    const packed = { layout: "matrix_s8", weights: "w", bias: "b", k: 1, n: 1, zero: 0, m: [m], e: [e], single: false };
    const within = (y: number) => Math.min(hi, Math.max(lo, y));
    let holds = true;
    for (let x = bias - 255 * w; x <= bias + 255 * w; x++) {
      holds &&= within(multiplied(x, m, e)) === within(fast(x, m, e, lo < 0));
    }
    const said = fastHolds({ ...packed, bounds: { lo, hi } } as Parameters<typeof fastHolds>[0], graph);
    expect(said, `m ${m}, e ${e}, bias ${bias}, weight ${w}, bounds ${lo}, ${hi}`).toBe(holds);
    answers[`${said}`]++;
  }
  expect(answers.true).toBeGreaterThan(100);
});
