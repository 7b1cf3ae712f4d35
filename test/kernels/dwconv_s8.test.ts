import { dwconvCases8 } from "../cases/convolution_s8.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = dwconvCases8();
const of = cases.find(({ name }) => name === "multiplier_3")!;

kernelSuite(cases, [
  { name: "a product that there is none of", of, fields: () => ({ product: 3 }) },
  ...commonViolations(of, ["x", "w", "y", "s"]),
  { name: "rows that are not the images' rows", of, fields: ({ rows }) => ({ rows: rows! + 1 }) },
]);
