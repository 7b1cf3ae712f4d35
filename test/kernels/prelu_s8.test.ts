import { preluCases8 } from "../cases/elementwise_s8.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = preluCases8();
const of = cases.find(({ name }) => name.startsWith("rows_3_c_17"))!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "w", "y"]),
  { name: "a shift that overflows", of, fields: () => ({ e2: -15 }) },
]);
