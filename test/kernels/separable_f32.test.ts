import { expect, it } from "vitest";
import { separableCases, separableGeometries, separableTrial, unfused } from "../cases/depthwise.ts";
import { forEachVariant } from "../variants.ts";
import { firstDifference, runKernel } from "./harness.ts";
import { commonViolations, kernelSuite, shared, type Trial } from "./suite.ts";

const cases = separableCases();
const of = cases.find(({ name }) => name === "multiplier_2")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "w", "w2", "y", "s"]),
  { name: "a panel that ends within a row", of, fields: ({ tile }) => ({ tile: tile! + 1 }) },
  { name: "a panel of less than a row", of, fields: () => ({ tile: 0 }) },
  { name: "channels between that are not inC·multiplier", of, fields: ({ midC }) => ({ midC: midC! + 1 }) },
]);

/** The same layers apart, and fused; each is made once for all builds. */
const pairs = separableGeometries().map(([g, options]) => {
  let made: { apart: ReturnType<typeof unfused>; fused: Trial } | undefined;
  const make = () => {
    made ??= { apart: unfused(g, options), fused: separableTrial(g, options) };
    return made;
  };
  return { name: g.name, make };
});

forEachVariant((build) => {
  it.each(pairs)("$name: the bits of the unfused kernels", ({ make }) => {
    const exports = shared(build);
    const { apart, fused } = make();
    const middle = new Float32Array(runKernel(exports, apart.first.problem).buffer);
    const expected = runKernel(exports, apart.second(middle).problem);
    expect(firstDifference(runKernel(exports, fused.problem), expected)).toBeUndefined();
  });
});
