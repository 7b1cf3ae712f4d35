import { gapCases8 } from "../cases/pool_s8.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = gapCases8();

kernelSuite(cases, commonViolations(cases.find(({ name }) => name === "n_4_h_2_w_2_c_17")!, ["x", "y"]));
