/**
 * What is computed element by element, and the mean of an image. Formulas: docs/gradients.md.
 */
import { SIMD, add, mul, splat } from "../simd/f32";
import { Flag, State, Step, View } from "./abi";
import {
  column_sums, gradient_begin, gradient_end, gradient_take, statistics_begin, statistics_end, statistics_take,
  view_apply,
} from "./view";

/** to += from, `count` floats. */
export function accumulate(to: usize, from: usize, count: i32): void {
  const bytes = <usize>count * sizeof<f32>();
  let o: usize = 0;
  if (SIMD) for (; o + 16 <= bytes; o += 16) store<v128>(to + o, add<v128>(load<v128>(to + o), load<v128>(from + o)));
  for (; o < bytes; o += 4) store<f32>(to + o, load<f32>(to + o) + load<f32>(from + o));
}

/** to = from·by [+ to], `count` floats. */
function multiplied(to: usize, from: usize, by: f32, count: i32, more: bool): void {
  const bytes = <usize>count * sizeof<f32>();
  let o: usize = 0;
  if (SIMD) {
    for (; o + 16 <= bytes; o += 16) {
      const x = mul<v128>(load<v128>(from + o), splat<v128>(by));
      store<v128>(to + o, more ? add<v128>(load<v128>(to + o), x) : x);
    }
  }
  for (; o < bytes; o += 4) {
    const x: f32 = load<f32>(from + o) * by;
    store<f32>(to + o, more ? load<f32>(to + o) + x : x);
  }
}

/** y = view(x), or x where it has none. */
export function seen(view: usize, x: usize, rows: i32, channels: i32, y: usize): void {
  const bytes = <usize>channels * sizeof<f32>();
  if (view) view_apply(changetype<View>(view), x, rows, y, bytes);
  else memory.copy(y, x, <usize>rows * bytes);
}

/** s1 an image, where x has a view. */
export function mean(s: Step, n: i32): void {
  const bytes = <usize>(s.rows * s.inC) * sizeof<f32>();
  const channelBytes = <usize>s.inC * sizeof<f32>();
  const part: f32 = <f32>1 / <f32>s.rows;
  for (let i = 0; i < n; ++i) {
    let x = s.x + <usize>i * bytes;
    if (s.xv) {
      seen(s.xv, x, s.rows, s.inC, s.s1);
      x = s.s1;
    }
    const y = s.y + <usize>i * channelBytes;
    memory.fill(y, 0, channelBytes);
    column_sums(x, s.rows, channelBytes, y);
    multiplied(y, y, part, s.inC, false);
  }
}

export function mean_gradient(s: Step, n: i32): void {
  const bytes = <usize>(s.rows * s.inC) * sizeof<f32>();
  const channelBytes = <usize>s.inC * sizeof<f32>();
  const part: f32 = <f32>1 / <f32>s.rows;
  const more = (s.flags & Flag.ACCUMULATE) != 0;
  const reduce = (s.flags & Flag.REDUCE) != 0;
  if (reduce) gradient_begin(changetype<View>(s.xv));
  for (let i = 0; i < n; ++i) {
    const gx = s.gx + <usize>i * bytes;
    for (let r = 0; r < s.rows; ++r) {
      multiplied(gx + <usize>r * channelBytes, s.gy + <usize>i * channelBytes, part, s.inC, more);
    }
    if (reduce) gradient_take(changetype<View>(s.xv), gx, s.x + <usize>i * bytes, s.rows);
  }
  if (reduce) gradient_end(changetype<View>(s.xv), n * s.rows);
}

export function copy(s: Step, n: i32): void {
  seen(s.xv, s.x, n * s.rows, s.inC, s.y);
}

export function copy_gradient(s: Step, n: i32): void {
  multiplied(s.gx, s.gy, 1, n * s.rows * s.inC, (s.flags & Flag.ACCUMULATE) != 0);
  reduced(s, n);
}

function reduced(s: Step, n: i32): void {
  if (s.flags & Flag.REDUCE) view_gradient(s, n);
}

/** The sums of x's batch norm, where no other kernel takes them on the way. */
export function view_gradient(s: Step, n: i32): void {
  const v = changetype<View>(s.xv);
  gradient_begin(v);
  for (let i = 0; i < n; ++i) {
    const o = <usize>(i * v.rows * v.channels) * sizeof<f32>();
    gradient_take(v, s.gx + o, s.x + o, v.rows);
  }
  gradient_end(v, n * v.rows);
}

/** The batch's statistics of y, where no other kernel takes them on the way. */
export function view_statistics(s: Step, n: i32): void {
  const v = changetype<View>(s.yv);
  statistics_begin(v);
  for (let i = 0; i < n; ++i) {
    statistics_take(v, s.y + <usize>(i * v.rows * v.channels) * sizeof<f32>(), v.rows, i * v.rows);
  }
  statistics_end(v, n * v.rows);
}

/** s2 `block` rows of x2, where that has a view. */
export function sum(s: Step, n: i32): void {
  const rows = n * s.rows;
  const bytes = <usize>s.inC * sizeof<f32>();
  for (let r = 0; r < rows; r += s.block) {
    const some = min(s.block, rows - r);
    const o = <usize>r * bytes;
    seen(s.xv, s.x + o, some, s.inC, s.y + o);
    if (s.x2v) seen(s.x2v, s.x2 + o, some, s.inC, s.s2);
    accumulate(s.y + o, s.x2v ? s.s2 : s.x2 + o, some * s.inC);
  }
}

/**
 * 32 bits that look random, of two numbers: the step, and which element. Integers only: the same in every build, on
 * every host, and the way back draws them again instead of keeping them.
 */
function drawn(seed: i32, at: i32): u32 {
  let h: u32 = <u32>seed ^ (<u32>at * 0x9e3779b9);
  h = (h ^ (h >> 16)) * 0x85ebca6b;
  h = (h ^ (h >> 13)) * 0xc2b2ae35;
  return h ^ (h >> 16);
}

/** Which of `count` floats stay is drawn; they are multiplied by 1/(1 − rate), and the others 0. a rate. */
function dropped(to: usize, from: usize, s: Step, state: State, count: i32, more: bool): void {
  const seed = <i32>drawn(s.seed, state.step);
  const by: f32 = <f32>1 / (<f32>1 - s.a);
  for (let i = 0; i < count; ++i) {
    const o = <usize>i * sizeof<f32>();
    const stays = <f32>(drawn(seed, i) >> 8) * <f32>5.9604644775390625e-8 >= s.a;
    const x: f32 = stays ? load<f32>(from + o) * by : 0;
    store<f32>(to + o, more ? load<f32>(to + o) + x : x);
  }
}

export function dropout(s: Step, n: i32, state: State): void {
  seen(s.xv, s.x, n * s.rows, s.inC, s.y);
  dropped(s.y, s.y, s, state, n * s.rows * s.inC, false);
}

export function dropout_gradient(s: Step, n: i32, state: State): void {
  dropped(s.gx, s.gy, s, state, n * s.rows * s.inC, (s.flags & Flag.ACCUMULATE) != 0);
  reduced(s, n);
}
