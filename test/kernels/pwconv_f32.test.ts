import { matrixCases } from "../cases/matrix.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = matrixCases();
const of = cases.find(({ name }) => name === "m_3_k_5_n_29")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "w", "y"]),
  { name: "rows without a column", of, fields: () => ({ inC: 0 }) },
]);
