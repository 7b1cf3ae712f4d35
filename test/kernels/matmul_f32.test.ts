import { matMulCases } from "../cases/matrix.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = matMulCases();
const of = cases.find(({ name }) => name === "3x1x8x6")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "x2", "y"]),
  { name: "rows that are no whole matrices", of, fields: ({ inH }) => ({ inH: inH! + 1 }) },
]);
