import { dwconv3x3Cases } from "../cases/depthwise.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = dwconv3x3Cases();
const of = cases.find(({ name }) => name === "channels_7_stride_1")!;

kernelSuite(cases, [
  ...commonViolations(of, ["x", "w", "y"]),
  { name: "stride 3", of, fields: () => ({ strideH: 3, strideW: 3 }) },
  { name: "strides that differ", of, fields: () => ({ strideH: 2 }) },
  { name: "dilation", of, fields: () => ({ dilationW: 2 }) },
  { name: "two columns of padding on the left", of, fields: () => ({ padL: 2 }) },
  { name: "two columns of padding on the right", of, fields: ({ outW }) => ({ outW: outW! + 1 }) },
  { name: "a depth multiplier", of, fields: () => ({ multiplier: 2 }) },
  { name: "another kernel size", of, fields: () => ({ kH: 5 }) },
]);
