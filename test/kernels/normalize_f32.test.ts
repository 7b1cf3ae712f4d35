import { normalizeCases } from "../cases/statistics.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = normalizeCases();
const of = cases.find(({ name }) => name === "rows_5_c_7")!;

kernelSuite(cases, [...commonViolations(of, ["x", "x2", "w", "y"])]);
