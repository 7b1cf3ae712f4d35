import { argMaxCases } from "../cases/argmax.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = argMaxCases("argmax_s8");

kernelSuite(cases, commonViolations(cases.find(({ name }) => name === "5x3x1")!, ["x", "y"]));
