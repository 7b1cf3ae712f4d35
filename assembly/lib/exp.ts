/**
 * exp(x) of every lane, to within 2 units in the last place; +∞ above 88.73, gradually 0 below −87.4 (subnormal results
 * to within half a unit more), NaN passes. Without `madd`: all variants, `relaxed` too, give the same bits, so a
 * sigmoid does not depend on where the vectors end.
 *
 * x = n·ln 2 + r with |r| ≤ ½·ln 2, exp(r) = 1 + r + r²·q(r), where q is the minimax polynomial of degree 4 (its error
 * is 0.05 of a unit), and 2^n is multiplied on in two halves, since n reaches beyond the exponents of normal numbers at
 * both ends.
 */
import { add, clamp, mul, nearest, pow2, splat, sub } from "../simd/f32";

// @ts-ignore: decorator
@inline
export function exp<V>(x: V): V {
  // Beyond these bounds the result is infinite or 0 anyway.
  x = clamp<V>(x, splat<V>(-104), splat<V>(89));
  const n = nearest<V>(mul<V>(x, splat<V>(1.44269504)));
  // ln 2 in two parts, of which the first has so few bits that n times it is exact.
  let r = sub<V>(x, mul<V>(n, splat<V>(0.693359375)));
  r = sub<V>(r, mul<V>(n, splat<V>(-2.12194440e-4)));

  let q = add<V>(mul<V>(splat<V>(0.00138146104), r), splat<V>(0.00836871099));
  q = add<V>(mul<V>(q, r), splat<V>(0.041668389));
  q = add<V>(mul<V>(q, r), splat<V>(0.166665211));
  q = add<V>(mul<V>(q, r), splat<V>(0.49999994));
  const p = add<V>(add<V>(mul<V>(q, mul<V>(r, r)), r), splat<V>(1));

  const half = nearest<V>(mul<V>(n, splat<V>(0.5)));
  return mul<V>(mul<V>(p, pow2<V>(half)), pow2<V>(sub<V>(n, half)));
}
