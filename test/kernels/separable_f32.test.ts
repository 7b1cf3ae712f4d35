import { expect, it } from "vitest";
import { separableCases, separableGeometries, separableTrial, unfused } from "../cases/depthwise.ts";
import { forEachVariant } from "../variants.ts";
import { firstDifference, runKernel } from "./harness.ts";
import { commonViolations, kernelSuite, shared } from "./suite.ts";

const cases = separableCases();
const of = cases.find(({ name }) => name === "multiplier_2")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "w", "w2", "y", "s"]),
  { name: "a panel that ends within a row", of, fields: ({ tile }) => ({ tile: tile! + 1 }) },
  { name: "a panel of less than a row", of, fields: () => ({ tile: 0 }) },
  { name: "channels between that are not inC·multiplier", of, fields: ({ midC }) => ({ midC: midC! + 1 }) },
]);

forEachVariant((build) => {
  it.each(separableGeometries().map(([g, options]) => ({ name: g.name, g, options })))(
    "$name: the bits of the unfused kernels",
    ({ g, options }) => {
      const exports = shared(build);
      const { first, second } = unfused(g, options);
      const middle = new Float32Array(runKernel(exports, first.problem).buffer);
      const apart = runKernel(exports, second(middle).problem);
      const fused = runKernel(exports, separableTrial(g, options).problem);
      expect(firstDifference(fused, apart)).toBeUndefined();
    },
  );
});
