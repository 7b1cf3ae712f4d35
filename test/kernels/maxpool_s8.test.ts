import { poolCases8 } from "../cases/pool_s8.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = poolCases8("maxpool_s8");
const of = cases.find(({ name }) => name === "channels_7")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "y"]),
  { name: "rows that are not the images' rows", of, fields: ({ rows }) => ({ rows: rows! + 1 }) },
]);
