import { castCases } from "../cases/gather-nd.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = castCases();

kernelSuite(cases, commonViolations(cases.find(({ name }) => name === "rows_3_c_5")!, ["x", "y"]));
