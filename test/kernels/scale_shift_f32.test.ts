import { scaleShiftCases } from "../cases/elementwise.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = scaleShiftCases();
const of = cases.find(({ name }) => name === "rows_3_c_7")!;

kernelSuite(cases, [...commonViolations(of, ["x", "w", "y"])]);
