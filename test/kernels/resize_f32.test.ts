import { resizeCases } from "../cases/resize.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = resizeCases();
const of = cases.find(({ name }) => name === "centers_3x4_to_6x8")!;

kernelSuite(cases, commonViolations(of, ["x", "y"]));
