/** Copies of rows between places that do not overlap, to the byte: nothing past them is written. */
import { SIMD } from "../simd/f32";

/** Rows of at least so many bytes are worth a call of the engine's own copy. */
const LONG: usize = 512;

/** Copies `bytes` bytes, a multiple of 4, between places that don't overlap. */
// @ts-ignore: decorator
@inline
export function copyRow(y: usize, x: usize, bytes: usize): void {
  if (bytes >= LONG) {
    memory.copy(y, x, bytes);
    return;
  }
  let i: usize = 0;
  if (SIMD) i = whole<v128>(y, x, i, bytes);
  whole<u32>(y, x, i, bytes);
}

// @ts-ignore: decorator
@inline
function whole<V>(y: usize, x: usize, i: usize, end: usize): usize {
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) store<V>(y + i, load<V>(x + i));
  return i;
}

/** Writes `count` zeros; returns the address behind them. */
// @ts-ignore: decorator
@inline
export function zeroFloats(d: usize, count: i32): usize {
  for (; count > 0; --count) {
    store<f32>(d, 0);
    d += sizeof<f32>();
  }
  return d;
}

/** Copies `count` floats; returns the address behind them. */
// @ts-ignore: decorator
@inline
export function copyFloats(d: usize, x: usize, count: i32): usize {
  if (SIMD && count >= 4) {
    const end = d + <usize>count * sizeof<f32>();
    do {
      store<v128>(d, load<v128>(x));
      d += 16;
      x += 16;
    } while (d + 16 <= end);
    // The last vector overlaps the one before, so that nothing is written past the end.
    if (d < end) store<v128>(end - 16, load<v128>(x - (d + 16 - end)));
    return end;
  }
  for (; count > 0; --count) {
    store<f32>(d, load<f32>(x));
    d += sizeof<f32>();
    x += sizeof<f32>();
  }
  return d;
}
