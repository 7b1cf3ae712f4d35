import { gapCases } from "../cases/pool.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = gapCases();
const of = cases.find(({ name }) => name === "n_2_h_1_w_9_c_5")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "y"]),
  { name: "an image without rows", of, fields: () => ({ inH: 0 }) },
]);
