/**
 * Where an operand's elements lie that is broadcast: of five axes [n, outH, outW, outC, inC], it has one element for
 * all along those whose bit is set in `spread`, bit 0 being the innermost one's. A group is what the inner two axes
 * hold: groups are found by division, the rows of a group by a step from one to the next.
 */
import { Step } from "../abi";

/** Elements of an operand before those of a group. */
export function groupOffset(s: Step, group: i32, spread: i32): i32 {
  const rest = group / s.outW;
  const image = rest / s.outH;
  let stride = (spread & 1 ? 1 : s.inC) * (spread & 2 ? 1 : s.outC);
  let offset = 0;
  if (!(spread & 4)) {
    offset = (group - rest * s.outW) * stride;
    stride *= s.outW;
  }
  if (!(spread & 8)) {
    offset += (rest - image * s.outH) * stride;
    stride *= s.outH;
  }
  return spread & 16 ? offset : offset + image * stride;
}

/** Elements of an operand from one row of a group to the next. */
// @ts-ignore: decorator
@inline
export function rowStep(s: Step, spread: i32): i32 {
  return spread & 2 ? 0 : spread & 1 ? 1 : s.inC;
}

/** Whether all rows are one run: one group, whose two axes an operand either has both or is the same along both. */
// @ts-ignore: decorator
@inline
export function isOneRun(s: Step): bool {
  const spread = s.spread, spread2 = s.spread2;
  return s.rows == s.outC && ((spread ^ (spread >> 1)) & 1) == 0 && ((spread2 ^ (spread2 >> 1)) & 1) == 0;
}
