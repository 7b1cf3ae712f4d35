/**
 * Updates of the weights, in place. Formulas: docs/gradients.md.
 */
import { SIMD, add, div, mul, splat, sqrt, sub } from "../simd/f32";
import { Flag, State, Step } from "./abi";

/**
 * The length of all gradients, x [count], together, in double precision; what they are to be multiplied by. Answers
 * whether it is a finite number.
 */
export function norm(s: Step, state: State): bool {
  let a: f64 = 0;
  let b: f64 = 0;
  let c: f64 = 0;
  let d: f64 = 0;
  let p = s.x;
  const end = p + (<usize>s.count << 2);
  for (; p + 16 <= end; p += 16) {
    const x0 = <f64>load<f32>(p);
    const x1 = <f64>load<f32>(p, 4);
    const x2 = <f64>load<f32>(p, 8);
    const x3 = <f64>load<f32>(p, 12);
    a += x0 * x0;
    b += x1 * x1;
    c += x2 * x2;
    d += x3 * x3;
  }
  for (; p < end; p += 4) {
    const x = <f64>load<f32>(p);
    a += x * x;
  }
  const length = sqrt64(a + b + (c + d));
  state.length = <f32>length;
  state.factor = length > <f64>state.clip ? <f32>(<f64>state.clip / length) : 1;
  return isFinite<f64>(length);
}

// @ts-ignore: decorator
@inline
function sqrt64(x: f64): f64 {
  return f64.sqrt(x);
}

/** w [count] weights · dw gradients · s what is kept of the steps before. */
export function sgd(s: Step, state: State): void {
  const bytes = <usize>s.count * sizeof<f32>();
  let o: usize = 0;
  if (SIMD) for (; o + 16 <= bytes; o += 16) descended<v128>(s, state, o);
  for (; o < bytes; o += 4) descended<f32>(s, state, o);
}

// No fused operations in what is written to a file: relaxed, too, rounds after each.

// @ts-ignore: decorator
@inline
function descended<V>(s: Step, state: State, o: usize): void {
  const w = load<V>(s.w + o);
  let g = mul<V>(load<V>(s.dw + o), splat<V>(state.factor));
  if (s.flags & Flag.DECAY) g = add<V>(g, mul<V>(w, splat<V>(state.decay)));
  const momentum = splat<V>(state.momentum);
  const m = add<V>(mul<V>(load<V>(s.s + o), momentum), g);
  store<V>(s.s + o, m);
  const way = s.flags & Flag.NESTEROV ? add<V>(g, mul<V>(m, momentum)) : m;
  store<V>(s.w + o, sub<V>(w, mul<V>(way, splat<V>(state.rate))));
}

/** w [count] weights · dw gradients · s the gradients' moving average · s1 that of their squares. */
export function adam(s: Step, state: State): void {
  const bytes = <usize>s.count * sizeof<f32>();
  let o: usize = 0;
  if (SIMD) for (; o + 16 <= bytes; o += 16) adapted<v128>(s, state, o);
  for (; o < bytes; o += 4) adapted<f32>(s, state, o);
}

// @ts-ignore: decorator
@inline
function adapted<V>(s: Step, state: State, o: usize): void {
  const w = load<V>(s.w + o);
  const decays = (s.flags & Flag.DECAY) != 0;
  const beside = (s.flags & Flag.DECOUPLED) != 0;
  let g = mul<V>(load<V>(s.dw + o), splat<V>(state.factor));
  if (decays && !beside) g = add<V>(g, mul<V>(w, splat<V>(state.decay)));
  const m = add<V>(mul<V>(load<V>(s.s + o), splat<V>(state.momentum)), mul<V>(g, splat<V>(<f32>1 - state.momentum)));
  const v = add<V>(
    mul<V>(load<V>(s.s1 + o), splat<V>(state.beta2)),
    mul<V>(mul<V>(g, g), splat<V>(<f32>1 - state.beta2)),
  );
  store<V>(s.s + o, m);
  store<V>(s.s1 + o, v);
  const height = add<V>(sqrt<V>(mul<V>(v, splat<V>(state.correction2))), splat<V>(state.epsilon));
  let way = div<V>(mul<V>(m, splat<V>(state.correction1)), height);
  if (decays && beside) way = add<V>(way, mul<V>(w, splat<V>(state.decay)));
  store<V>(s.w + o, sub<V>(w, mul<V>(way, splat<V>(state.rate))));
}
