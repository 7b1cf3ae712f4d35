/**
 * Arithmetic of Keras models that has no weights, or none but constants: scaling pixels, sums, TensorFlow functions
 * called between layers.
 * @module
 */
import { FormatError } from "../../errors.ts";
import { RELU, RELU6 } from "../../graph/clamp.ts";
import type { Arithmetic } from "../../graph/graph.ts";
import { affineForm } from "../../graph/ops/scale-shift.ts";
import type { LayerCall } from "./call.ts";
import type { Literal } from "./calls.ts";
import type { Value } from "./draft.ts";

/** Keras's `epsilon()`, below which Normalization lets no deviation fall. */
const KERAS_EPSILON = 1e-7;

/** Layers that join values, as many as there are; or, as functions, a value and a constant. */
export function merge(op: Exclude<Operator, "sub" | "div">): (call: LayerCall) => string {
  return (call) => {
    const constant = constantOf(call);
    if (constant !== undefined) return withConstant(call, op, constant);
    const inputs = aligned(call);
    const [first, second, ...rest] = inputs;
    if (first === undefined || second === undefined) {
      throw new FormatError(`${call.where}: expected at least 2 inputs, got ${call.inputs.length}`);
    }
    const last = rest.pop();
    if (last === undefined) return call.node({ op }, [first, second]);
    let joined: Value = call.node({ op }, [first, second], op === "add" ? "sum" : op);
    for (const term of rest) joined = call.node({ op }, [joined, term], op === "add" ? "sum" : op);
    return call.node({ op }, [joined, last]);
  };
}

/** Values of lower rank get axes of 1 behind the batch, as in Keras's layers. */
function aligned(call: LayerCall): readonly Value[] {
  const rank = Math.max(0, ...call.inputs.map((value) => call.draft.shapeOf(value).length));
  return call.inputs.map((value) => {
    const [, ...sizes] = call.draft.shapeOf(value);
    if (sizes.length + 1 >= rank) return value;
    const shape = [-1, ...new Array<number>(rank - 1 - sizes.length).fill(1), ...sizes];
    return call.node({ op: "reshape", shape }, [value], "expanded");
  });
}

/** The constant of a value and a constant; undefined where the arguments are others. */
function constantOf(call: LayerCall): Literal | undefined {
  const constants = call.args.filter((arg) => typeof arg === "number" || typeof arg === "object");
  if (constants.length === 0) return undefined;
  if (constants.length === 1 && call.inputs.length === 1) return constants[0];
  throw call.unsupported("arguments", "a value and a constant", call.args.map(String));
}

/** x·scale + shift; numbers, or one of each a channel. */
function affine(call: LayerCall, scale: Literal, shift: Literal): string {
  const { channels } = call;
  const [factor, term] = [scale, shift].map((values, i) => {
    const numbers = typeof values === "number" ? repeated(call, values, channels) : values;
    return call.constant(i === 0 ? "scale" : "shift", [channels], numbers);
  }) as [string, string];
  return call.node({ op: "scaleShift", scale: factor, shift: term }, [call.input]);
}

function repeated(call: LayerCall, value: number, count: number): Float32Array {
  call.draft.budget.unpack(4 * count, call.where);
  return new Float32Array(count).fill(value);
}

/** A setting of one number, or of a list as of one per channel, however deep it lies in others. */
function literal(call: LayerCall, setting: string, fallback: number): Literal {
  const value = call.setting(setting) ?? fallback;
  const flat: unknown[] = Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value];
  if (flat.length === 0 || !flat.every((n) => typeof n === "number" && Number.isFinite(n))) {
    throw call.wrong(setting, "numbers", value);
  }
  const numbers = flat as number[];
  return numbers.length === 1 ? numbers[0]! : numbers;
}

/** x·scale + offset. */
export function rescaling(call: LayerCall): string {
  return affine(call, literal(call, "scale", 1), literal(call, "offset", 0));
}

/** (x − mean)/max(√variance, ε); the statistics stand in the configuration or, after `adapt`, in the weights. */
export function normalization(call: LayerCall): string {
  if (call.flag("invert", false)) throw call.unsupported("invert", "false", true);
  const axes = [call.config.axis === undefined ? -1 : call.config.axis].flat();
  const single = axes.length === 0 || axes[0] === null;
  const last = call.shape.length - 1;
  if (!single && (axes.length !== 1 || (axes[0] !== -1 && axes[0] !== last))) {
    throw call.unsupported("axis", "the last", call.config.axis);
  }
  const { channels } = call;
  const given = [call.setting("mean"), call.setting("variance")].map((value) => value !== undefined && value !== null);
  if (given[0] !== given[1])
    throw call.wrong(given[0] ? "variance" : "mean", "numbers as there are for the other", null);
  if (given[0]) {
    const [mean, variance] = ["mean", "variance"].map((setting) => {
      const value = literal(call, setting, 0);
      if (typeof value === "object" && value.length !== channels) {
        throw call.wrong(setting, `1 or ${channels} numbers`, value);
      }
      return value;
    }) as [Literal, Literal];
    const at = (values: Literal, i: number) => (typeof values === "number" ? values : values[i]!);
    call.draft.budget.unpack(16 * channels, call.where);
    const scale = Array.from({ length: channels }, (_, i) => reciprocal(at(variance, i)));
    return affine(
      call,
      scale,
      scale.map((factor, i) => -at(mean, i) * factor),
    );
  }
  const shape = single ? [] : [channels];
  const needs = [call.need(["mean"], shape), call.need(["variance"], shape)];
  call.draft.budget.unpack(8 * channels, call.where);
  const spread = (value: (mean: number, variance: number) => number) => {
    return ([mean, variance]: readonly Float32Array[]) =>
      Float32Array.from({ length: channels }, (_, i) => value(mean![single ? 0 : i]!, variance![single ? 0 : i]!));
  };
  const scale = call.draft.addConstant(`${call.name}/scale`, [channels], {
    needs,
    make: spread((_, variance) => reciprocal(variance)),
  });
  const shift = call.draft.addConstant(`${call.name}/shift`, [channels], {
    needs,
    make: spread((mean, variance) => -mean * reciprocal(variance)),
  });
  return call.node({ op: "scaleShift", scale, shift }, [call.input]);
}

function reciprocal(variance: number): number {
  return 1 / Math.max(Math.sqrt(variance), KERAS_EPSILON);
}

type Operator = Arithmetic["op"];

/** Operators of two values, or of a value and a constant. */
export function arithmetic(call: LayerCall, op: Operator): string {
  const constant = constantOf(call);
  if (constant !== undefined) return withConstant(call, op, constant);
  if (call.inputs.length !== 2) throw new FormatError(`${call.where}: expected 2 inputs, got ${call.inputs.length}`);
  return call.node({ op }, call.inputs);
}

/** As a factor and a term per channel (`preprocess_input` leaves such), or as a bound, where there is such a form. */
function withConstant(call: LayerCall, op: Operator, constant: Literal): string {
  const operandFirst = typeof call.args[0] === "number" || typeof call.args[0] === "object";
  if (op === "div" && !operandFirst && [constant].flat().includes(0)) {
    throw call.wrong("divide", "a divisor other than 0", constant);
  }
  if (typeof constant === "number") {
    if (op === "maximum") return call.node({ op: "clamp", lo: constant, hi: Number.POSITIVE_INFINITY }, [call.input]);
    if (op === "minimum") return call.node({ op: "clamp", lo: Number.NEGATIVE_INFINITY, hi: constant }, [call.input]);
  }
  const form = op === "maximum" || op === "minimum" ? undefined : affineForm(op, operandFirst);
  if (form !== undefined) {
    const [scale, shift] = form.map((of): Literal => (typeof constant === "number" ? of(constant) : constant.map(of)));
    return affine(call, scale!, shift!);
  }
  const numbers = [constant].flat();
  const operand = call.constant("operand", [numbers.length], numbers);
  return call.node({ op, operand, ...(operandFirst && { operandFirst }) }, [call.input]);
}

const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ["math.add", "add"],
  ["__operators__.add", "add"],
  ["math.subtract", "sub"],
  ["math.multiply", "mul"],
  ["math.truediv", "div"],
  ["math.divide", "div"],
  ["math.maximum", "maximum"],
  ["math.minimum", "minimum"],
]);

/** A TensorFlow function that a Keras 2 model calls between its layers. */
export function lambda(call: LayerCall): string {
  const name = call.config.function;
  if (typeof name !== "string") throw call.wrong("function", "a name", name);
  if (name === "nn.relu") return call.node({ op: "clamp", ...RELU }, [call.input]);
  if (name === "nn.relu6") return call.node({ op: "clamp", ...RELU6 }, [call.input]);
  const operator = OPERATORS.get(name);
  if (operator === undefined) throw call.unsupported("function", [...OPERATORS.keys()].join(", "), name);
  return arithmetic(call, operator);
}
