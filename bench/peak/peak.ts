/**
 * What one thread of the machine can do at most: multiply-adds on registers alone, in independent chains, with nothing
 * loaded or stored.
 *
 * `fused_N`: N chains c ← c·m + a: enough to hide the latency of a multiply-add, not more than there are registers.
 * `apart_N`: N chains x ← x·m beside N chains c ← c + a: as many multiplications and additions, none of which waits for
 * the other kind; what a host without a fused multiply-add can reach. The largest figure of all counts as the peak. A
 * call does 4·N·turns multiply-adds of vectors.
 */
import { SIMD, add, madd, mul, splat } from "../../assembly/simd/f32";

export { LANES } from "../../assembly/simd/f32";

export function fused_6(turns: i32, m: f32, a: f32, out: usize): void { fused(6, turns, m, a, out); }
export function fused_8(turns: i32, m: f32, a: f32, out: usize): void { fused(8, turns, m, a, out); }
export function fused_10(turns: i32, m: f32, a: f32, out: usize): void { fused(10, turns, m, a, out); }
export function fused_12(turns: i32, m: f32, a: f32, out: usize): void { fused(12, turns, m, a, out); }
export function apart_4(turns: i32, m: f32, a: f32, out: usize): void { apart(4, turns, m, a, out); }
export function apart_6(turns: i32, m: f32, a: f32, out: usize): void { apart(6, turns, m, a, out); }

// @ts-ignore: decorator
@inline
function fused(n: i32, turns: i32, m: f32, a: f32, out: usize): void {
  if (SIMD) fusedOf<v128>(n, turns, m, a, out);
  else fusedOf<f32>(n, turns, m, a, out);
}

// @ts-ignore: decorator
@inline
function apart(n: i32, turns: i32, m: f32, a: f32, out: usize): void {
  if (SIMD) apartOf<v128>(n, turns, m, a, out);
  else apartOf<f32>(n, turns, m, a, out);
}

/** `n` is a literal at every call, so that the compiler drops the chains beyond. */
// @ts-ignore: decorator
@inline
function fusedOf<V>(n: i32, turns: i32, factor: f32, term: f32, out: usize): void {
  const m = splat<V>(factor);
  const a = splat<V>(term);
  let c0 = a, c1 = a, c2 = a, c3 = a, c4 = a, c5 = a, c6 = a, c7 = a, c8 = a, c9 = a, c10 = a, c11 = a;
  for (let i = 4 * turns; i > 0; --i) {
    c0 = madd<V>(c0, m, a);
    c1 = madd<V>(c1, m, a);
    c2 = madd<V>(c2, m, a);
    c3 = madd<V>(c3, m, a);
    c4 = madd<V>(c4, m, a);
    c5 = madd<V>(c5, m, a);
    if (n > 6) {
      c6 = madd<V>(c6, m, a);
      c7 = madd<V>(c7, m, a);
    }
    if (n > 8) {
      c8 = madd<V>(c8, m, a);
      c9 = madd<V>(c9, m, a);
    }
    if (n > 10) {
      c10 = madd<V>(c10, m, a);
      c11 = madd<V>(c11, m, a);
    }
  }
  const low = add<V>(add<V>(c0, c1), add<V>(add<V>(c2, c3), add<V>(c4, c5)));
  const high = add<V>(add<V>(c6, c7), add<V>(add<V>(c8, c9), add<V>(c10, c11)));
  store<V>(out, add<V>(low, high));
}

// @ts-ignore: decorator
@inline
function apartOf<V>(n: i32, turns: i32, factor: f32, term: f32, out: usize): void {
  const m = splat<V>(factor);
  const a = splat<V>(term);
  let x0 = m, x1 = m, x2 = m, x3 = m, x4 = m, x5 = m;
  let c0 = a, c1 = a, c2 = a, c3 = a, c4 = a, c5 = a;
  for (let i = 4 * turns; i > 0; --i) {
    x0 = mul<V>(x0, m);
    c0 = add<V>(c0, a);
    x1 = mul<V>(x1, m);
    c1 = add<V>(c1, a);
    x2 = mul<V>(x2, m);
    c2 = add<V>(c2, a);
    x3 = mul<V>(x3, m);
    c3 = add<V>(c3, a);
    if (n > 4) {
      x4 = mul<V>(x4, m);
      c4 = add<V>(c4, a);
      x5 = mul<V>(x5, m);
      c5 = add<V>(c5, a);
    }
  }
  const products = add<V>(add<V>(x0, x1), add<V>(add<V>(x2, x3), add<V>(x4, x5)));
  const sums = add<V>(add<V>(c0, c1), add<V>(add<V>(c2, c3), add<V>(c4, c5)));
  store<V>(out, add<V>(products, sums));
}
