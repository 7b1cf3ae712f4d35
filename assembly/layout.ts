/**
 * Byte offsets of the step record's fields, exported by the debug build only, so that a test can hold `src/engine/step.ts` against them.
 */
import { Step } from "./step";

export const OFFSET_kernel = offsetof<Step>("kernel");
export const OFFSET_rows = offsetof<Step>("rows");
export const OFFSET_x = offsetof<Step>("x");
export const OFFSET_x2 = offsetof<Step>("x2");
export const OFFSET_w = offsetof<Step>("w");
export const OFFSET_w2 = offsetof<Step>("w2");
export const OFFSET_y = offsetof<Step>("y");
export const OFFSET_s = offsetof<Step>("s");
export const OFFSET_n = offsetof<Step>("n");
export const OFFSET_inH = offsetof<Step>("inH");
export const OFFSET_inW = offsetof<Step>("inW");
export const OFFSET_inC = offsetof<Step>("inC");
export const OFFSET_outH = offsetof<Step>("outH");
export const OFFSET_outW = offsetof<Step>("outW");
export const OFFSET_outC = offsetof<Step>("outC");
export const OFFSET_kH = offsetof<Step>("kH");
export const OFFSET_kW = offsetof<Step>("kW");
export const OFFSET_strideH = offsetof<Step>("strideH");
export const OFFSET_strideW = offsetof<Step>("strideW");
export const OFFSET_dilationH = offsetof<Step>("dilationH");
export const OFFSET_dilationW = offsetof<Step>("dilationW");
export const OFFSET_padT = offsetof<Step>("padT");
export const OFFSET_padL = offsetof<Step>("padL");
export const OFFSET_multiplier = offsetof<Step>("multiplier");
export const OFFSET_midC = offsetof<Step>("midC");
export const OFFSET_tile = offsetof<Step>("tile");
export const OFFSET_xPitch = offsetof<Step>("xPitch");
export const OFFSET_yPitch = offsetof<Step>("yPitch");
export const OFFSET_lo = offsetof<Step>("lo");
export const OFFSET_hi = offsetof<Step>("hi");
export const OFFSET_lo2 = offsetof<Step>("lo2");
export const OFFSET_hi2 = offsetof<Step>("hi2");
export const OFFSET_a = offsetof<Step>("a");
export const OFFSET_b = offsetof<Step>("b");
