/** Where the pixels of a resized image lie in the one that it is made of. */

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
