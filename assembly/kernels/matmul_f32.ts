/** Products of two matrices that are both computed. What it asks of a step: docs/abi.md. */
import { Step, expect_matmul_f32 } from "../abi";
import { SIMD, lanes, loadSplat, madd, splat } from "../simd/f32";

export function matmul_f32(s: Step, y0: i32, y1: i32): void {
  expect_matmul_f32(s, y0, y1);
  const matrix = <usize>s.inC * <usize>s.outC * 4;
  for (let r = y0; r < y1; ++r) {
    const a = s.x + <usize>r * <usize>s.inC * 4;
    const b = s.x2 + <usize>(r / s.inH) * matrix;
    const y = s.y + <usize>r * <usize>s.outC * 4;
    let j = 0;
    if (SIMD) {
      j = four<v128>(s, a, b, y, j);
      j = one<v128>(s, a, b, y, j);
    }
    if (!SIMD) j = four<f32>(s, a, b, y, j);
    one<f32>(s, a, b, y, j);
  }
}

/** Four V's of columns at a time from j on; answers with the first column not done. Terms are added in their order. */
// @ts-ignore: decorator
@inline
function four<V>(s: Step, a: usize, b: usize, y: usize, j: i32): i32 {
  const pitch = <usize>s.outC * 4;
  const T = sizeof<V>();
  for (; j + 4 * lanes<V>() <= s.outC; j += 4 * lanes<V>()) {
    let c0 = splat<V>(0), c1 = c0, c2 = c0, c3 = c0;
    let p = b + <usize>j * 4;
    for (let k = 0; k < s.inC; ++k, p += pitch) {
      const t = loadSplat<V>(a + <usize>k * 4);
      c0 = madd<V>(t, load<V>(p), c0);
      c1 = madd<V>(t, load<V>(p, T), c1);
      c2 = madd<V>(t, load<V>(p, 2 * T), c2);
      c3 = madd<V>(t, load<V>(p, 3 * T), c3);
    }
    const q = y + <usize>j * 4;
    store<V>(q, c0);
    store<V>(q, c1, T);
    store<V>(q, c2, 2 * T);
    store<V>(q, c3, 3 * T);
  }
  return j;
}

// @ts-ignore: decorator
@inline
function one<V>(s: Step, a: usize, b: usize, y: usize, j: i32): i32 {
  const pitch = <usize>s.outC * 4;
  for (; j + lanes<V>() <= s.outC; j += lanes<V>()) {
    let c = splat<V>(0);
    let p = b + <usize>j * 4;
    for (let k = 0; k < s.inC; ++k, p += pitch) c = madd<V>(loadSplat<V>(a + <usize>k * 4), load<V>(p), c);
    store<V>(y + <usize>j * 4, c);
  }
  return j;
}
