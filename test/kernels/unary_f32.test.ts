import { unaryCases } from "../cases/reduce.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = unaryCases();
const of = cases.find(({ name }) => name === "abs_rows_3_c_7")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "y"]),
  { name: "a function that there is not", of, fields: () => ({ flags: 8192 }) },
  { name: "two functions", of, fields: () => ({ flags: 3 }) },
]);
