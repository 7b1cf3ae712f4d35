import { imageCases } from "../cases/image.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = imageCases();
const of = cases.find(({ name }) => name === "strip")!;

kernelSuite(cases, [
  ...commonViolations(of, []),
  { name: "a strip that begins behind the rows that are read", of, fields: ({ padT }) => ({ padT: padT! + 4 }) },
  { name: "a strip that ends before the rows that are read", of, fields: () => ({ inH: 3 }) },
  { name: "columns beyond the image", of, fields: () => ({ inW: 7 }) },
  { name: "two channels", of, fields: () => ({ inC: 2 }) },
]);
