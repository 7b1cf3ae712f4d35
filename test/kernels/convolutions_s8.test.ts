/**
 * Seeded problems of the 8-bit convolutions in every build, against their definition, to the bit, whole and in parts.
 */
import { expect, it } from "vitest";
import { CONVOLUTIONS8, layerTrial } from "../cases/layer_s8.ts";
import { seeded8 } from "../cases/seeded_s8.ts";
import { forEachVariant } from "../variants.ts";
import { firstDifference, POISONS, runKernel, splitRows } from "./harness.ts";
import { productsOf, proven, shared, type Trial, withProduct } from "./suite.ts";

const TRIALS = 250;

const made = new Map<string, { trial: Trial; expected: Uint32Array }>();

/** The problem and the bits that it has to give, made once for all builds. */
function problem(kernel: (typeof CONVOLUTIONS8)[number], seed: number) {
  const name = `${kernel} ${seed}`;
  const known = made.get(name);
  if (known) return { name, ...known };
  const trial = layerTrial(seeded8(kernel, seed));
  const one = { trial, expected: Uint32Array.from(trial.expected.values, (q) => q & 255) };
  made.set(name, one);
  return { name, ...one };
}

forEachVariant((build) => {
  it.each(CONVOLUTIONS8)(`%s: ${TRIALS} seeded problems, whole and in parts`, (kernel) => {
    for (let seed = 0; seed < TRIALS; seed++) {
      const { name, trial, expected } = problem(kernel, seed);
      const whole = runKernel(shared(build), trial.problem, { via: "run_schedule" });
      expect(firstDifference(whole, expected), name).toBeUndefined();
      const ranges = splitRows(trial.problem.fields.rows, name);
      const parts = runKernel(shared(build), trial.problem, { ranges, via: "run_rows", poison: POISONS[1] });
      expect(firstDifference(parts, expected), `${name}, in parts`).toBeUndefined();
      if (trial.problem.fields.product === undefined) continue;
      const single = runKernel(shared(build), proven(trial).problem, { ranges, via: "run_rows" });
      expect(firstDifference(single, expected), `${name}, proven`).toBeUndefined();
      for (const product of productsOf(build, trial.problem)) {
        const { problem } = proven(withProduct(trial, product));
        const other = runKernel(shared(build), problem, { ranges, via: "run_rows" });
        expect(firstDifference(other, expected), `${name}, ${product}`).toBeUndefined();
      }
    }
  });
});
