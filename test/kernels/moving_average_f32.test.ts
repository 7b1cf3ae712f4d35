import { movingAverageCases } from "../cases/statistics.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = movingAverageCases();
const of = cases.find(({ name }) => name === "c_7_momentum_0.99_factor_1")!;

kernelSuite(cases, [...commonViolations(of, ["x", "w", "y"])]);
