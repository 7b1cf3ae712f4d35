/**
 * y[n,oy,ox,c] = Σ x[n, y0 … y1, x0 … x1, c] by distance: bilinear resizing
 * p = oy·a, or (oy + ½)·a − ½ where flags bit 0 is set; y0 = max(⌊p⌋, 0), y1 = min(⌈p⌉, inH − 1), the weight of y1 is p − y0; columns alike, by b
 * x f32 [n,inH,inW,C] NHWC, C = inC · y f32 [n,outH,outW,C] · rows [y0,y1) of n·outH are written
 * needs: all pointers % ALIGN = 0, a, b ≥ 0; x and y apart; reads and writes nothing past them · scratch: none · error: |Δ| ≤ 8·2⁻²⁴·Σ|terms|
 * source: TFLite's reference kernel; positions are rounded as there, so that both take the same pixels
 */
import { Flag, Step, expect_resize_f32 } from "./abi";
import { SIMD, madd, mul, splat } from "./vec";

export function resize_f32(s: Step, y0: i32, y1: i32): void {
  expect_resize_f32(s, y0, y1);
  const half = (s.flags & Flag.HALF_PIXELS) != 0;
  const pixel = <usize>s.inC * 4;
  for (let r = y0; r < y1; ++r) {
    const image = r / s.outH;
    const p = position(r - image * s.outH, s.a, half);
    const top = first(p, s.inH);
    const rows = s.x + <usize>(image * s.inH + top) * <usize>s.inW * pixel;
    const down = <usize>(last(p, s.inH) - top) * <usize>s.inW * pixel;
    const dy = p - <f32>top;
    let y = s.y + <usize>r * <usize>s.outW * pixel;
    for (let ox = 0; ox < s.outW; ++ox, y += pixel) {
      const q = position(ox, s.b, half);
      const left = first(q, s.inW);
      const x = rows + <usize>left * pixel;
      const right = <usize>(last(q, s.inW) - left) * pixel;
      const dx = q - <f32>left;
      let i: usize = 0;
      if (SIMD) i = blend<v128>(y, x, down, right, dy, dx, i, pixel);
      blend<f32>(y, x, down, right, dy, dx, i, pixel);
    }
  }
}

/** Where output `o` lies on the input's axis. */
// @ts-ignore: decorator
@inline
export function position(o: i32, scale: f32, half: bool): f32 {
  return half ? (<f32>o + 0.5) * scale - 0.5 : <f32>o * scale;
}

/** The input before position p. */
// @ts-ignore: decorator
@inline
export function first(p: f32, size: i32): i32 {
  return min(max(<i32>Mathf.floor(p), 0), size - 1);
}

/** The input behind position p. */
// @ts-ignore: decorator
@inline
export function last(p: f32, size: i32): i32 {
  return max(min(<i32>Mathf.ceil(p), size - 1), 0);
}

// @ts-ignore: decorator
@inline
function blend<V>(y: usize, x: usize, down: usize, right: usize, dy: f32, dx: f32, i: usize, end: usize): usize {
  const w00 = splat<V>((1 - dy) * (1 - dx));
  const w10 = splat<V>(dy * (1 - dx));
  const w01 = splat<V>((1 - dy) * dx);
  const w11 = splat<V>(dy * dx);
  for (; i + sizeof<V>() <= end; i += sizeof<V>()) {
    const p = x + i;
    const left = madd<V>(load<V>(p + down), w10, mul<V>(load<V>(p), w00));
    store<V>(y + i, madd<V>(load<V>(p + down + right), w11, madd<V>(load<V>(p + right), w01, left)));
  }
  return i;
}
