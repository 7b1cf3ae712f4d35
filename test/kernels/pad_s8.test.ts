import { padCases8 } from "../cases/move_s8.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = padCases8();
const of = cases.find(({ name }) => name === "1x3x4x7_by_1_1_1_1_zero_-5")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "y"]),
  { name: "an output of too few channels", of, fields: ({ outC }) => ({ outC: outC! - 1 }) },
  { name: "channels that begin too far back", of, fields: () => ({ padC: 1 }) },
  { name: "channels that begin before the first", of, fields: () => ({ padC: -1 }) },
  { name: "rows that are not the images' rows", of, fields: ({ rows }) => ({ rows: rows! + 1 }) },
]);
