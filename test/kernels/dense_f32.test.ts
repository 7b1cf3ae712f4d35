import { denseCases } from "../cases/matrix.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = denseCases();
const of = cases.find(({ name }) => name === "k_9_n_54")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "w", "y"]),
  { name: "a row without a column", of, fields: () => ({ inC: 0 }) },
  { name: "a unit too few", of, rows: [0, 3], fields: () => ({ rows: 3 }) },
  { name: "a unit too many", of, rows: [0, 5], fields: () => ({ rows: 5 }) },
]);
