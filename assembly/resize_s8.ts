/**
 * Bilinear resizing in 8 bits; x i8 [n,inH,inW,C] → y i8 [n,outH,outW,C] of one meaning; row units are the n·outH rows, [y0,y1) are written
 * int8: positions in 1024ths, p = oy·m1, or oy·m1 + m1/2 − 512 where flags bit 0 is set; y0 = max(p/1024, 0), y1 = min((p + 1023)/1024, inH − 1),
 *   quotients truncated; columns alike, by m2; the sum of products by both distances, in 2⁻²⁰, to the nearest, ties away from zero
 * once uint8 (flags bit 1): positions and sums in float32, as in resize_f32 by a and b, ½ added, truncated
 * needs: all pointers % ALIGN = 0; x and y apart; writes nothing past y · scratch: none · exact: TFLite's reference kernels, in every variant
 */
import { first, last, position } from "./resize_f32";
import { Flag, Step, expect_resize_s8 } from "./abi";

export function resize_s8(s: Step, y0: i32, y1: i32): void {
  expect_resize_s8(s, y0, y1);
  const half = (s.flags & Flag.HALF_PIXELS) != 0;
  const float = (s.flags & Flag.UNSIGNED) != 0;
  const channels = s.inC;
  for (let r = y0; r < y1; ++r) {
    const image = r / s.outH;
    const oy = r - image * s.outH;
    const p = oy * s.m1 + (half ? s.m1 / 2 - 512 : 0);
    const u = position(oy, s.a, half);
    const top = float ? first(u, s.inH) : min(max(p / 1024, 0), s.inH - 1);
    const bottom = float ? last(u, s.inH) : max(min((p + 1023) / 1024, s.inH - 1), 0);
    const rows = s.x + <usize>((image * s.inH + top) * s.inW * channels);
    const down = (bottom - top) * s.inW * channels;
    let y = s.y + <usize>(r * s.outW * channels);
    for (let ox = 0; ox < s.outW; ++ox) {
      const q = ox * s.m2 + (half ? s.m2 / 2 - 512 : 0);
      const v = position(ox, s.b, half);
      const left = float ? first(v, s.inW) : min(max(q / 1024, 0), s.inW - 1);
      const right = ((float ? last(v, s.inW) : max(min((q + 1023) / 1024, s.inW - 1), 0)) - left) * channels;
      let x = rows + <usize>(left * channels);
      for (let c = 0; c < channels; ++c, ++x, ++y) {
        const x00 = <i32>load<i8>(x);
        const x10 = <i32>load<i8>(x + down);
        const x01 = <i32>load<i8>(x + right);
        const x11 = <i32>load<i8>(x + down + right);
        if (float) {
          const dy = u - <f32>top;
          const dx = v - <f32>left;
          const sum =
            <f32>(x00 + 128) * (1 - dy) * (1 - dx) + <f32>(x10 + 128) * dy * (1 - dx) + <f32>(x01 + 128) * (1 - dy) * dx + <f32>(x11 + 128) * dy * dx;
          store<i8>(y, <i8>(<i32>(sum + 0.5) - 128));
        } else {
          const dy = p - 1024 * top;
          const dx = q - 1024 * left;
          const sum = x00 * (1024 - dy) * (1024 - dx) + x10 * dy * (1024 - dx) + x01 * (1024 - dy) * dx + x11 * dy * dx;
          store<i8>(y, <i8>((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20)));
        }
      }
    }
  }
}
