import { stridedCases } from "../cases/strided.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = stridedCases(4);
const of = cases.find(({ name }) => name === "backwards")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "y"]),
  { name: "an element past the last", of, fields: ({ padC }) => ({ padC: padC! + 1 }) },
  { name: "an element before the first", of, fields: ({ padC }) => ({ padC: padC! - 1 }) },
  { name: "a step that leads outside", of, fields: () => ({ dilationW: 1 }) },
  { name: "rows that are others than its axes", of, fields: () => ({ n: 2 }) },
]);
