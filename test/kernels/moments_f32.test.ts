import { momentsCases } from "../cases/statistics.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = momentsCases();
const of = cases.find(({ name }) => name === "pixels_20_c_7_offset_0")!;

kernelSuite(cases, [...commonViolations(of, ["x", "y"]), { name: "no pixels", of, fields: () => ({ inH: 0 }) }]);
