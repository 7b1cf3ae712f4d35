import { dequantizeCases8 } from "../cases/elementwise_s8.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = dequantizeCases8();

kernelSuite(cases, commonViolations(cases.find(({ name }) => name === "rows_3_c_7")!, ["x", "y"]));
