/**
 * The index of the largest number: argmax_f32, argmax_s8. What they ask of a step: docs/abi.md.
 */
import { Flag, Step, expect_argmax_f32, expect_argmax_s8 } from "../abi";

export function argmax_f32(s: Step, y0: i32, y1: i32): void {
  expect_argmax_f32(s, y0, y1);
  rows<f32>(s, y0, y1);
}

export function argmax_s8(s: Step, y0: i32, y1: i32): void {
  expect_argmax_s8(s, y0, y1);
  rows<i8>(s, y0, y1);
}

// @ts-ignore: decorator
@inline
function rows<T>(s: Step, y0: i32, y1: i32): void {
  const N = s.outC;
  const last = s.flags == Flag.LAST;
  const next = <usize>N * sizeof<T>();
  for (let row = y0; row < y1; ++row) {
    const x = s.x + <usize>(row * s.inC) * next;
    const y = s.y + <usize>(row * N) * sizeof<i32>();
    for (let i = 0; i < N; ++i) {
      let p = x + <usize>i * sizeof<T>();
      let most = load<T>(p);
      let at = 0;
      for (let k = 1; k < s.inC; ++k) {
        p += next;
        const value = load<T>(p);
        if (value > most || (last && value == most)) {
          most = value;
          at = k;
        }
      }
      store<i32>(y + <usize>i * sizeof<i32>(), at);
    }
  }
}
