import { separableCases8 } from "../cases/convolution_s8.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = separableCases8();
const of = cases.find(({ name }) => name === "multiplier_2")!;

kernelSuite(cases, [
  { name: "a product that there is none of", of, fields: () => ({ product: 3 }) },
  ...commonViolations(of, ["x", "w", "w2", "y", "s"]),
  { name: "rows that are not the images' rows", of, fields: ({ rows }) => ({ rows: rows! + 1 }) },
  { name: "a panel that ends within a row", of, fields: ({ tile }) => ({ tile: tile! + 1 }) },
  { name: "a panel of less than a row", of, fields: () => ({ tile: 0 }) },
  { name: "channels between that are not inC·multiplier", of, fields: ({ midC }) => ({ midC: midC! + 1 }) },
]);
