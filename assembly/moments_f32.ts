/**
 * moments_f32: y[0,c] = mean[c] = Σ_p x[p,c]/P, y[1,c] = Σ_p (x[p,c] − mean[c])²/P − (Σ_p (x[p,c] − mean[c])/P)²
 * x f32 [P, C], P = inH pixels, C = inC · y f32 [2, C]: mean, biased variance
 * one row unit: there is nothing to split; NaN passes, an infinity may come out as NaN
 * needs: all pointers % ALIGN = 0, P ≥ 1; reads and writes nothing past x and y
 * scratch: none · error: |Δmean| ≤ 20·2⁻²⁴·Σ|x|/P, |Δvariance| ≤ 24·2⁻²⁴·Σ(x − mean)²/P, for any P
 *
 * Two passes, so that a mean far larger than the deviation does no harm; the second sum takes out what rounding the mean left. Sums of 16 pixels are
 * added up with Kahan's compensation, which keeps the error from growing with P.
 */
import { Step, expect_moments_f32 } from "./abi";
import { SIMD, add, div, lanes, madd, mul, splat, sub } from "./vec";

/** Pixels that are summed without compensation. */
const RUN: i32 = 16;

export function moments_f32(s: Step, y0: i32, y1: i32): void {
  expect_moments_f32(s, y0, y1);
  if (y0 >= y1) return;
  let c = 0;
  if (SIMD) c = channels<v128>(s, c);
  channels<f32>(s, c);
}

// @ts-ignore: decorator
@inline
function channels<V>(s: Step, c: i32): i32 {
  const C = s.inC;
  const P = s.inH;
  const count = splat<V>(<f32>P);
  const pixel = <usize>C * 4;
  for (; c + lanes<V>() <= C; c += lanes<V>()) {
    const x = s.x + <usize>c * 4;
    const y = s.y + <usize>c * 4;
    const mean = div<V>(sum<V>(x, P, pixel), count);
    store<V>(y, mean);
    store<V>(y + pixel, variance<V>(x, P, pixel, mean, count));
  }
  return c;
}

/** Σ_p x[p], compensated. */
// @ts-ignore: decorator
@inline
function sum<V>(x: usize, P: i32, pixel: usize): V {
  let total = splat<V>(0), lost = total;
  for (let p = 0; p < P; ) {
    let part = splat<V>(0);
    for (const end = min<i32>(p + RUN, P); p < end; ++p, x += pixel) part = add<V>(part, load<V>(x));
    const term = sub<V>(part, lost);
    const next = add<V>(total, term);
    lost = sub<V>(sub<V>(next, total), term);
    total = next;
  }
  return total;
}

// @ts-ignore: decorator
@inline
function variance<V>(x: usize, P: i32, pixel: usize, mean: V, count: V): V {
  let squares = splat<V>(0), lost = squares;
  let deviations = squares;
  for (let p = 0; p < P; ) {
    let part = splat<V>(0), drift = part;
    for (const end = min<i32>(p + RUN, P); p < end; ++p, x += pixel) {
      const d = sub<V>(load<V>(x), mean);
      part = madd<V>(d, d, part);
      drift = add<V>(drift, d);
    }
    deviations = add<V>(deviations, drift);
    const term = sub<V>(part, lost);
    const next = add<V>(squares, term);
    lost = sub<V>(sub<V>(next, squares), term);
    squares = next;
  }
  const shift = div<V>(deviations, count);
  return sub<V>(div<V>(squares, count), mul<V>(shift, shift));
}
