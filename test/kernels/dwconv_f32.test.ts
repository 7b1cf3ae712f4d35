import { dwconvCases } from "../cases/depthwise.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = dwconvCases();
const of = cases.find(({ name }) => name === "multiplier_3")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "w", "y"]),
  { name: "rows that are not the images' rows", of, fields: ({ rows }) => ({ rows: rows! + 1 }) },
  { name: "no dilation at all", of, fields: () => ({ dilationH: 0 }) },
]);
