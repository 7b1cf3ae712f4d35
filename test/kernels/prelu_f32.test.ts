import { preluCases } from "../cases/elementwise.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = preluCases();
const of = cases.find(({ name }) => name === "rows_3_c_7")!;

kernelSuite(cases, [...commonViolations(of, ["x", "w", "y"])]);
