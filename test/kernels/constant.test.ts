import { constantCases } from "../cases/gather-nd.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = constantCases();

kernelSuite(cases, commonViolations(cases.find(({ name }) => name === "rows_3_c_5")!, ["w", "y"]));
