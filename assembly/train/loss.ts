/**
 * Softmax with cross-entropy. Formulas: docs/gradients.md.
 */
import { exp } from "../lib/exp";
import { log } from "../lib/log";
import { Flag, State, Step } from "./abi";

/**
 * x [n][inC] logits · w [n] labels (i32; below 0: an image that does not count) · y [n][inC] probabilities · gx the
 * logits' gradient · a label smoothing. Answers whether the loss is a finite number.
 */
export function cross_entropy(s: Step, n: i32, state: State): bool {
  const classes = s.inC;
  const bytes = <usize>classes * sizeof<f32>();
  const off: f32 = s.a / <f32>classes;
  const on: f32 = <f32>1 - s.a + off;
  let seen = 0;
  let hits = 0;
  let total: f64 = 0;
  for (let i = 0; i < n; ++i) if (load<i32>(s.w + (<usize>i << 2)) >= 0) seen++;
  const part: f32 = seen ? <f32>1 / <f32>seen : 0;
  for (let i = 0; i < n; ++i) {
    const x = s.x + <usize>i * bytes;
    const y = s.y + <usize>i * bytes;
    const label = load<i32>(s.w + (<usize>i << 2));
    let best = 0;
    let largest = load<f32>(x);
    for (let c = 1; c < classes; ++c) {
      const value = load<f32>(x + (<usize>c << 2));
      if (value > largest) {
        largest = value;
        best = c;
      }
    }
    let sum: f32 = 0;
    for (let c = 0; c < classes; ++c) {
      const e = exp<f32>(load<f32>(x + (<usize>c << 2)) - largest);
      store<f32>(y + (<usize>c << 2), e);
      sum += e;
    }
    const down: f32 = <f32>1 / sum;
    const height = log<f32>(sum);
    for (let c = 0; c < classes; ++c) {
      const o = <usize>c << 2;
      const probability: f32 = load<f32>(y + o) * down;
      store<f32>(y + o, probability);
      if (label < 0) {
        if (s.flags & Flag.INPUT) store<f32>(s.gx + <usize>i * bytes + o, 0);
        continue;
      }
      const target: f32 = c == label ? on : off;
      if (target != 0) total += <f64>target * <f64>(height - (load<f32>(x + o) - largest));
      if (s.flags & Flag.INPUT) store<f32>(s.gx + <usize>i * bytes + o, (probability - target) * part);
    }
    if (best == label) hits++;
  }
  state.seen = seen;
  state.hits = hits;
  state.loss = seen ? <f32>(total / <f64>seen) : 0;
  return isFinite<f32>(state.loss);
}
