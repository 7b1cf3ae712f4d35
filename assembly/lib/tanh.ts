/**
 * tanh(x) of every lane, to within 3 units in the last place; NaN passes, −0 stays −0. Without `madd`: all variants
 * give the same bits.
 *
 * Below 0.625 in size tanh(x) = x + x·z·p(z), z = x², where p is fitted at Chebyshev's points (its error is 0.3 of a
 * unit); beyond, 1 − 2/(exp(2|x|) + 1), whose second term is less than half of the first.
 */
import { abs, add, div, mul, neg, splat, sub, whereNegative } from "../simd/f32";
import { exp } from "./exp";

// @ts-ignore: decorator
@inline
export function tanh<V>(x: V): V {
  const size = abs<V>(x);
  const z = mul<V>(x, x);
  let p = add<V>(mul<V>(splat<V>(-0.006104945670813322), z), splat<V>(0.021003639325499535));
  p = add<V>(mul<V>(p, z), splat<V>(-0.05385249853134155));
  p = add<V>(mul<V>(p, z), splat<V>(0.13332782685756683));
  p = add<V>(mul<V>(p, z), splat<V>(-0.333333283662796));
  const near = add<V>(x, mul<V>(mul<V>(x, z), p));

  const one = splat<V>(1);
  const far = sub<V>(one, div<V>(splat<V>(2), add<V>(exp<V>(add<V>(size, size)), one)));
  const signed = whereNegative<V>(x, neg<V>(far), far);
  return whereNegative<V>(sub<V>(size, splat<V>(0.625)), near, signed);
}
