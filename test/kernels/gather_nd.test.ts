import { gatherNdCases } from "../cases/gather-nd.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = gatherNdCases();
const of = cases.find(({ name }) => name === "two_coordinates")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "x2", "y"]),
  { name: "five coordinates", of, fields: () => ({ kW: 5 }) },
  { name: "an axis without a coordinate", of, fields: () => ({ inH: 2 }) },
]);
