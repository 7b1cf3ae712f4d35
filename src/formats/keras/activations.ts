/**
 * Activation functions of Keras, in all the ways in which they are written.
 * @module
 */
import { type Clamp, RELU, RELU6 } from "../../graph/clamp.ts";
import type { Activation, LayerCall } from "./call.ts";
import type { Json } from "./json.ts";

/** The layer's own activation. */
export function activationOf(call: LayerCall): Activation {
  return activation(call, call.setting("activation"));
}

/** A name, or `{ class_name, config }` as Keras 3 writes functions and layers. */
function activation(call: LayerCall, value: unknown): Activation {
  if (typeof value === "object" && value !== null) {
    const { class_name: className, config } = value as Json;
    const settings = (typeof config === "object" && config !== null ? config : {}) as Json;
    if (className === "ReLU") return { clamp: reluBounds(call, settings) };
    if (className === "Activation") return activation(call, settings.activation);
    if (className === "Softmax" && (settings.axis ?? -1) !== -1) {
      throw call.unsupported("activation", "a softmax over the last axis", settings.axis);
    }
    const name = typeof config === "string" ? config : className;
    if (typeof name !== "string") throw call.wrong("activation", "a name or an object with class_name", value);
    return activation(call, name);
  }
  switch (value ?? "linear") {
    case "linear":
      return undefined;
    case "relu":
      return { clamp: RELU };
    case "relu6":
      return { clamp: RELU6 };
    case "softmax":
    case "Softmax":
      return { op: "softmax" };
    case "sigmoid":
      return { op: "sigmoid" };
    case "hard_swish":
    case "hard_silu":
    case "hardSwish":
      return { op: "hardSwish" };
    default:
      if (typeof value !== "string") throw call.wrong("activation", "a name", value);
      throw call.unsupported("activation", "linear, relu, relu6, softmax, sigmoid or hard_swish", value);
  }
}

/** What `max_value`, `negative_slope` and `threshold` mean; several of them were lists of one number once. */
export function reluBounds(call: LayerCall, config: Json): Clamp {
  const number = (setting: string, fallback: number): number => {
    const value = config[setting] ?? fallback;
    const [first, ...more] = Array.isArray(value) ? value : [value];
    if (typeof first !== "number" || Number.isNaN(first) || more.length > 0)
      throw call.wrong(setting, "a number", value);
    return first;
  };
  for (const setting of ["negative_slope", "threshold"]) {
    const value = number(setting, 0);
    if (value !== 0) throw call.unsupported(setting, "0", value);
  }
  const hi = number(
    config.max_value === undefined && config.maxValue !== undefined ? "maxValue" : "max_value",
    Infinity,
  );
  if (hi < 0) throw call.wrong("max_value", "a number ≥ 0", hi);
  return { lo: 0, hi };
}
