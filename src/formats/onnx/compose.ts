/**
 * ONNX's functions of one number that come of several ops here.
 * @module
 */

import { RELU } from "../../graph/clamp.ts";
import type { Arithmetic, Unary } from "../../graph/graph.ts";
import type { NodeCall } from "./call.ts";
import type { Operand, Value } from "./operand.ts";

/** Steps on the way from a value to what a node computes; the last one has no name of its own. */
class Steps {
  readonly #call: NodeCall;
  readonly #x: Value;

  constructor(call: NodeCall) {
    this.#call = call;
    this.#x = call.value(0);
  }

  get x(): string {
    return this.#x.name;
  }

  map(x: string, of: Unary["of"], as?: string): string {
    return this.#call.emit({ op: "unary", of }, [x], as);
  }

  /** factor·x + term */
  affine(x: string, factor: number, term: number, as?: string): string {
    const channels = this.#call.draft.shapeOf(x).at(-1);
    if (channels === undefined) throw this.#call.unsupported("a value with dimensions", "a scalar");
    const { output, draft } = this.#call;
    const [scale, shift] = [
      draft.filled(output, `factor ${factor}`, channels, factor),
      draft.filled(output, `term ${term}`, channels, term),
    ];
    return this.#call.emit({ op: "scaleShift", scale, shift }, [x], as);
  }

  held(x: string, lo: number, hi: number, as?: string): string {
    return this.#call.emit({ op: "clamp", lo, hi }, [x], as);
  }

  both(a: string, op: Arithmetic["op"], b: string, as?: string): string {
    return this.#call.emit({ op }, [a, b], as);
  }

  /** What the node computes, of the dimensions that it reads. */
  result(name: string): Operand {
    return { value: { ...this.#x, name } };
  }
}

/** ln(1 + eˣ), as max(x, 0) + ln(1 + exp(−|x|)): no exponential overflows. */
function softplusOf(steps: Steps, as?: string): string {
  const size = steps.map(steps.x, "abs", "size");
  const small = steps.map(steps.map(size, "neg", "negative"), "exp", "exponential");
  const rest = steps.map(steps.affine(small, 1, 1, "above one"), "log", "logarithm");
  return steps.both(rest, "add", steps.held(steps.x, RELU.lo, RELU.hi, "positive"), as);
}

export function softplus(call: NodeCall): Operand {
  const steps = new Steps(call);
  return steps.result(softplusOf(steps));
}

/** x·tanh(ln(1 + eˣ)) */
export function mish(call: NodeCall): Operand {
  const steps = new Steps(call);
  const gate = steps.map(softplusOf(steps, "softplus"), "tanh", "gate");
  return steps.result(steps.both(gate, "mul", steps.x));
}

/** x/(1 + |x|) */
export function softsign(call: NodeCall): Operand {
  const steps = new Steps(call);
  const above = steps.affine(steps.map(steps.x, "abs", "size"), 1, 1, "above one");
  return steps.result(steps.both(steps.x, "div", above));
}

/** gamma·(max(x, 0) + alpha·(exp(min(x, 0)/bend) − 1)) */
function exponentialUnit(call: NodeCall, alpha: number, gamma: number, bend = 1): Operand {
  const steps = new Steps(call);
  const infinity = Number.POSITIVE_INFINITY;
  const below = steps.held(steps.x, -infinity, 0, "below");
  const exponential = steps.map(bend === 1 ? below : steps.affine(below, 1 / bend, 0, "bent"), "exp", "exponential");
  const negative = steps.affine(exponential, gamma * alpha, -gamma * alpha, "negative");
  const positive = steps.held(steps.x, 0, infinity, "positive");
  const scaled = gamma === 1 ? positive : steps.affine(positive, gamma, 0, "scaled");
  return steps.result(steps.both(negative, "add", scaled));
}

export function elu(call: NodeCall): Operand {
  return exponentialUnit(call, call.float("alpha", 1), 1);
}

export function selu(call: NodeCall): Operand {
  return exponentialUnit(call, call.float("alpha", 1.6732632423543772), call.float("gamma", 1.0507009873554805));
}

export function celu(call: NodeCall): Operand {
  const alpha = call.float("alpha", 1);
  if (alpha === 0) throw call.wrong("alpha other than 0", "0");
  return exponentialUnit(call, alpha, 1, alpha);
}

/** Exponents by which a power is a product, or a root. */
const MOST_FACTORS = 8;

/** Powers by one exponent that is known beforehand: products for small whole ones, roots, and else exp(e·ln x). */
export function power(call: NodeCall): Operand {
  const found = call.operand(1);
  if (!("tensor" in found) || found.tensor.values?.length !== 1) {
    throw call.unsupported("one exponent that is known beforehand", `"${call.node.inputs[1]}"`);
  }
  const [exponent] = found.tensor.values as [number];
  const steps = new Steps(call);
  if (found.tensor.dims.length > call.value(0).layout.dims.length) {
    throw call.unsupported("an exponent of no more dimensions than the value", `[${found.tensor.dims}]`);
  }
  if (exponent === 1) return call.operand(0);
  const root = new Map<number, Unary["of"]>([
    [0.5, "sqrt"],
    [-0.5, "rsqrt"],
    [-1, "reciprocal"],
    [2, "square"],
  ]).get(exponent);
  if (root) return steps.result(steps.map(steps.x, root));
  if (Number.isInteger(exponent) && exponent > 2 && exponent <= MOST_FACTORS) {
    let product = steps.map(steps.x, "square", "power of 2");
    for (let i = 3; i < exponent; i++) product = steps.both(product, "mul", steps.x, `power of ${i}`);
    return steps.result(steps.both(product, "mul", steps.x));
  }
  if (Number.isInteger(exponent)) {
    throw call.unsupported(`whole exponents from 1 to ${MOST_FACTORS}, and −1`, `${exponent}`);
  }
  const logarithm = steps.affine(steps.map(steps.x, "log", "logarithm"), exponent, 0, "times exponent");
  return steps.result(steps.map(logarithm, "exp"));
}
