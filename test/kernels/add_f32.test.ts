import { addCases } from "../cases/elementwise.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = addCases();
const of = cases.find(({ name }) => name === "rows_3_c_7")!;

kernelSuite(cases, [...commonViolations(of, ["x", "x2", "y"])]);
