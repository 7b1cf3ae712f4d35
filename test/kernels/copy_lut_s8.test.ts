import { bytes8 } from "../cases/bytes.ts";
import { copyCases8 } from "../cases/move_s8.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = copyCases8(Int8Array.from(bytes8("copied by a table", 256)));
const of = cases.find(({ name }) => name === "rows_3_c_7_before_0_after_0_gap_0")!;

kernelSuite(cases, [...commonViolations(of, ["x", "w"])]);
