import { binaryCases } from "../cases/binary.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = binaryCases();
const of = cases.find(({ name }) => name === "add_gate_c_7")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "x2", "y"]),
  { name: "an operator that there is not", of, fields: () => ({ operator: 8 }) },
  { name: "another number of rows than the axes have", of, fields: () => ({ outH: 2 }) },
]);
