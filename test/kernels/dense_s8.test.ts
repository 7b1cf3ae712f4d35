import { denseCases8 } from "../cases/convolution_s8.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = denseCases8();
const of = cases.find(({ name }) => name.includes("k_6_n_41"))!;

kernelSuite(cases, [
  { name: "a product that there is none of", of, fields: () => ({ product: 3 }) },
  ...commonViolations(of, ["x", "w", "y", "s"]),
  { name: "a panel of more than a row", of, fields: () => ({ tile: 2 }) },
  { name: "no input channels", of, fields: () => ({ inC: 0 }) },
  { name: "a unit too few", of, rows: [0, 2], fields: () => ({ rows: 2 }) },
  { name: "a unit too many", of, rows: [0, 4], fields: () => ({ rows: 4 }) },
]);
