import { binaryCases8 } from "../cases/binary_s8.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = binaryCases8();
const of = cases.find(({ name }) => name === "add_gate_c_7")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "x2", "y"]),
  { name: "an operator that there is not in 8 bits", of, fields: () => ({ operator: 6 }) },
  { name: "another number of rows than the axes have", of, fields: () => ({ outH: 2 }) },
]);
