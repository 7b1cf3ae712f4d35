/**
 * The natural logarithm of every lane, to within 2 units in the last place; −∞ of 0, NaN below, NaN passes. Without
 * `madd`: all variants give the same bits.
 *
 * x = m·2^e with m from √½ on and below √2. With s = (m − 1)/(m + 1) ln m = 2·(s + s³/3 + s⁵/5 + …), and s² < 0.0295,
 * so that what is left out behind s⁹ is 0.04 of a unit at most.
 */
import { add, div, exponent, mantissa, mul, splat, sub, whereNegative } from "../simd/f32";

// @ts-ignore: decorator
@inline
export function log<V>(x: V): V {
  // Numbers below the normal ones have their exponent in their mantissa: they are moved up first.
  const tiny = sub<V>(x, splat<V>(1.1754943508222875e-38));
  const y = whereNegative<V>(tiny, mul<V>(x, splat<V>(8388608)), x);
  const e = sub<V>(exponent<V>(y), whereNegative<V>(tiny, splat<V>(23), splat<V>(0)));
  const m = mantissa<V>(y);
  const s = div<V>(sub<V>(m, splat<V>(1)), add<V>(m, splat<V>(1)));
  const z = mul<V>(s, s);
  let p = add<V>(mul<V>(splat<V>(0.22222222), z), splat<V>(0.2857143));
  p = add<V>(mul<V>(p, z), splat<V>(0.4));
  p = add<V>(mul<V>(p, z), splat<V>(0.6666667));
  // ln 2 in two parts, of which the first has so few bits that e times it is exact.
  const small = add<V>(mul<V>(mul<V>(p, z), s), mul<V>(e, splat<V>(-2.12194440e-4)));
  const ln = add<V>(mul<V>(e, splat<V>(0.693359375)), add<V>(small, add<V>(s, s)));

  // x − x is NaN of what is no number or infinite, and 0 of all others.
  const finite = add<V>(ln, sub<V>(x, x));
  const above = whereNegative<V>(sub<V>(splat<V>(3.4028234663852886e38), x), x, finite);
  const zero = whereNegative<V>(sub<V>(x, splat<V>(1.401298464324817e-45)), splat<V>(-Infinity), above);
  return whereNegative<V>(x, splat<V>(NaN), zero);
}
