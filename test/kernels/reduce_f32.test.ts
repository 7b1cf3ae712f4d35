import { reduceCases } from "../cases/reduce.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = reduceCases();
const of = cases.find(({ name }) => name === "sum_3x2x4x5x6")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "y"]),
  { name: "two functions", of, fields: () => ({ flags: 3 }) },
  { name: "no function", of, fields: () => ({ flags: 0 }) },
  { name: "rows that are others than its axes", of, fields: () => ({ midC: 5 }) },
]);
