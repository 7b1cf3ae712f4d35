import { softmaxCases } from "../cases/elementwise.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = softmaxCases();
const of = cases.find(({ name }) => name === "rows_3_c_7")!;

kernelSuite(cases, [...commonViolations(of, ["x", "y"]), { name: "beta 0", of, fields: () => ({ a: 0 }) }]);
