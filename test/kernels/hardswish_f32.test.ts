import { unaryCases } from "../cases/elementwise.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = unaryCases("hardswish_f32");
const of = cases.find(({ name }) => name === "rows_3_c_7")!;

kernelSuite(cases, [...commonViolations(of, ["x", "y"])]);
