import { padCases } from "../cases/elementwise.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = padCases();
const of = cases.find(({ name }) => name === "1x3x4x7_by_1_1_1_1_value_0")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "y"]),
  { name: "an output of too few channels", of, fields: ({ outC }) => ({ outC: outC! - 1 }) },
  { name: "channels that begin too far back", of, fields: () => ({ padC: 1 }) },
  { name: "channels that begin before the first", of, fields: () => ({ padC: -1 }) },
  { name: "an output too narrow for the image", of, fields: ({ inW }) => ({ outW: inW! }) },
]);
