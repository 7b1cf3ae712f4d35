import { resizeCases8 } from "../cases/resize_s8.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = resizeCases8();
const of = cases.find(({ name }) => name === "points_channels_7")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "y"]),
  { name: "rows that are not the images' rows", of, fields: ({ rows }) => ({ rows: rows! + 1 }) },
]);
