/**
 * Weights of 8 bits into the order of the kernels that multiply them, and questions to the host. What the packed ones
 * look like: docs/abi.md, of pwconv_s8 and dwconv_s8.
 */
import { headS8 } from "../abi";
import { prove } from "../lib/requantize";
import { SIMD } from "../simd/f32";
import {
  FOURS, add32, bytePairs, clamp16, differs, dot4, fourSums, highPairs, highSums, loadEight, loadWords, lowPairs,
  lowSums, splat16, splat32, sub16, sub32, times32,
} from "../simd/s8";
import { flipOf } from "./pwconv_s8";

/**
 * Packs rows k0…k1 of a row-major i8 [k][n] matrix, the first of which is at src, into panels; k0 is a multiple of 4,
 * k1 too, or k. All of dst is zero before.
 */
export function pwconv_s8_pack(dst: usize, src: usize, k: i32, n: i32, k0: i32, k1: i32): void {
  assert(0 <= k0 && k0 <= k1 && k1 <= k && (k0 & 3) == 0);
  const k4 = (k + 3) & ~3;
  for (let o = 0; o < n; o += 8) {
    const columns = min(8, n - o);
    let row = src + o;
    let d = dst + <usize>(o * k4 + 8 * k0);
    let i = k0;
    if (SIMD && columns == 8) {
      for (; i + 4 <= k1; i += 4, row += 4 * n, d += 32) {
        const first = bytePairs(loadEight(row), loadEight(row + n));
        const second = bytePairs(loadEight(row + 2 * n), loadEight(row + 3 * n));
        store<v128>(d, lowPairs(first, second));
        store<v128>(d, highPairs(first, second), 16);
      }
    }
    for (; i < k1; ++i, row += n) {
      for (let c = 0; c < columns; ++c) store<i8>(d + 4 * c, load<i8>(row + c));
      d += (i & 3) == 3 ? 29 : 1;
    }
  }
}

/**
 * Adds up k rows of weights i8 [k][pitch], their zero point taken off: of each of n columns, what is above it to the
 * i32 at d, what is below to the i32 N8 further on. Reads up to 7 columns more, and writes as many.
 */
export function pwconv_s8_sums(d: usize, w: usize, k: i32, n: i32, pitch: i32, zw: i32): void {
  const below = <usize>(4 * ((n + 7) & ~7));
  for (let o = 0; o < n; o += 8, d += 32, w += 8) {
    let p = w;
    if (SIMD) {
      const z = splat16(zw), zero = splat16(0), most = splat16(i16.MAX_VALUE);
      let a0 = load<v128>(d), a1 = load<v128>(d, 16);
      let b0 = load<v128>(d + below), b1 = load<v128>(d + below, 16);
      for (let i = k; i > 0; --i, p += pitch) {
        const words = sub16(loadWords(p), z);
        const positive = clamp16(words, zero, most);
        const negative = sub16(words, positive);
        a0 = add32(a0, lowSums(positive));
        a1 = add32(a1, highSums(positive));
        b0 = add32(b0, lowSums(negative));
        b1 = add32(b1, highSums(negative));
      }
      store<v128>(d, a0);
      store<v128>(d, a1, 16);
      store<v128>(d + below, b0);
      store<v128>(d + below, b1, 16);
    } else {
      for (let i = k; i > 0; --i, p += pitch) {
        for (let c: usize = 0; c < 8; ++c) {
          const value = <i32>load<i8>(p + c) - zw;
          const at = value > 0 ? d + 4 * c : d + 4 * c + below;
          store<i32>(at, load<i32>(at) + value);
        }
      }
    }
  }
}

/**
 * Marks those of n columns, of a matrix or of depthwise weights, whose sums become 8 bits in single precision too;
 * results lie between lo and hi, their zero point taken off. Builds without vectors have no use for it.
 */
export function pwconv_s8_prove(m: usize, e: usize, marks: usize, n: i32, lo: i32, hi: i32): void {
  if (SIMD) prove(m, e, marks, n, lo, hi);
}

/** Makes packed weights [k,n] that were for one product ready for another one: biases have a part for unsigned x. */
export function pwconv_s8_suit(w: usize, k: i32, n: i32, zw: i32, was: i32, is: i32): void {
  if (!FOURS) return;
  const n8 = (n + 7) & ~7;
  const k4 = (k + 3) & ~3;
  const by = splat32<v128>(flipOf(was) - flipOf(is)), zeros = splat32<v128>(k * zw);
  let panel = w + headS8(n8);
  for (let bias = w, end = w + <usize>(4 * n8); bias < end; bias += 32) {
    let sum0 = splat32<v128>(0), sum1 = sum0;
    for (const next = panel + 8 * <usize>k4; panel < next; panel += 32) {
      sum0 = add32(sum0, fourSums(load<v128>(panel)));
      sum1 = add32(sum1, fourSums(load<v128>(panel, 16)));
    }
    store<v128>(bias, add32(load<v128>(bias), times32(sub32<v128>(sum0, zeros), by)));
    store<v128>(bias, add32(load<v128>(bias, 16), times32(sub32<v128>(sum1, zeros), by)), 16);
  }
}

/**
 * Asks the host how it multiplies bytes: y[i] += Σ w[4i…]·x[4i…] of `vectors` vectors, and then the same `times` times
 * over. Answers how often a sum was not the one of the first time: compilers of one engine may differ. `product` is for
 * the debug build, which answers as a host of that kind.
 */
export function pwconv_s8_ask(w: usize, x: usize, y: usize, vectors: i32, times: i32, product: i32): i32 {
  let changed = 0;
  if (FOURS) {
    const bytes = <usize>vectors << 4;
    memory.copy(y + bytes, y, bytes);
    for (let i: usize = 0; i < bytes; i += 16) {
      store<v128>(y + i, dot4(load<v128>(w + i), load<v128>(x + i), load<v128>(y + i), product));
    }
    for (; times > 0; --times) {
      for (let i: usize = 0; i < bytes; i += 16) {
        const again = dot4(load<v128>(w + i), load<v128>(x + i), load<v128>(y + bytes + i), product);
        changed += <i32>differs(again, load<v128>(y + i));
      }
    }
  }
  return changed;
}
