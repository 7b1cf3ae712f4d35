/**
 * A short run of the random graphs. SEPCONV_SEED repeats one; without it the seed is a new one, and printed. `npm run
 * graphs` goes on for as long as one likes.
 */
import { expect, it } from "vitest";
import { graphs } from "./attempt.ts";

const SEED = Number(process.env.SEPCONV_SEED ?? Math.floor(Math.random() * 2 ** 31));
const COUNT = 300;
console.info(`random graphs: SEPCONV_SEED=${SEED} repeats this run`);

it(`${COUNT} random graphs give what the interpreters give, in every variant, fused and with every value kept`, async () => {
  const { compared, refused, ops } = await graphs(SEED, COUNT);
  expect(compared + refused).toBe(COUNT);
  expect(refused / COUNT).toBeLessThan(0.1);
  // So many graphs have every op in them.
  expect(Object.keys(ops).length).toBeGreaterThan(35);
});
