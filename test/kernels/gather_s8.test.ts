import { gatherCases } from "../cases/strided.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = gatherCases(1);
const of = cases.find(({ name }) => name === "mirrored")!;

kernelSuite(cases, commonViolations(of, ["x", "w", "y"]));
