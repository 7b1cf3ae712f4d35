import { copyCases } from "../cases/elementwise.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = copyCases();
const of = cases.find(({ name }) => name === "rows_5_c_7_before_3_after_2_gap_2")!;

kernelSuite(cases, [
  ...commonViolations(of, []),
  { name: "rows longer than their pitch", of, fields: ({ yPitch }) => ({ inC: yPitch! + 1 }) },
]);
