import { softmaxCases8 } from "../cases/softmax_s8.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = softmaxCases8();
const of = cases.find(({ name }) => name === "rows_3_c_7")!;

kernelSuite(cases, [...commonViolations(of, ["x", "y"])]);
