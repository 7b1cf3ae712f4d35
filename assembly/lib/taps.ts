/** Which taps of a window lie inside the image. */

/** First tap whose position start + tap·dilation is not negative. */
// @ts-ignore: decorator
@inline
export function firstTap(start: i32, dilation: i32): i32 {
  return start < 0 ? (dilation - 1 - start) / dilation : 0;
}

/** One past the last of `count` taps whose position lies below `size`. */
// @ts-ignore: decorator
@inline
export function lastTap(start: i32, dilation: i32, count: i32, size: i32): i32 {
  return start < size ? min(count, (size - 1 - start) / dilation + 1) : 0;
}
