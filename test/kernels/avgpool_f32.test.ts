import { poolCases } from "../cases/pool.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = poolCases("avgpool_f32");
const of = cases.find(({ name }) => name === "channels_7")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "y"]),
  { name: "padding below 0", of, fields: () => ({ padT: -1 }) },
]);
