import { poolCases } from "../cases/pool.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = poolCases("maxpool_f32");
const of = cases.find(({ name }) => name === "channels_7")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "y"]),
  { name: "no stride at all", of, fields: () => ({ strideW: 0 }) },
]);
