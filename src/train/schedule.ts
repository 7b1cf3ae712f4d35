/**
 * How the learning rate goes. Computed with sums and products alone, which every host rounds alike: its cosine may not.
 * @module
 */
import { kindOf } from "../arguments.ts";

/** A learning rate that rises in the first steps and falls in the others. */
export interface Course {
  /** Steps in which it rises evenly, the first with 1/warmUp of it. Default 0. */
  readonly warmUp?: number;
  /** How it falls from there on; "constant" (default): it doesn't. */
  readonly decay?: "constant" | "cosine" | "linear";
  /** All steps, those of warming up too: where it has fallen to `final`. Needed to fall. */
  readonly steps?: number;
  /** Part of the learning rate that is left in the end, 0 … 1. Default 0. */
  readonly final?: number;
}

/** "constant", a {@link Course}, or a function that answers a factor of the learning rate for a step from 0 on. */
export type Schedule = "constant" | Course | ((step: number) => number);

/** Whether something can be a rate. */
export function isRate(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY;
}

/** @throws TypeError, RangeError for what is no schedule */
export function checkSchedule(schedule: Schedule): void {
  if (schedule === "constant" || typeof schedule === "function") return;
  if (typeof schedule !== "object" || schedule === null) {
    throw new TypeError(`schedule: expected "constant", an object or a function, got ${kindOf(schedule)}`);
  }
  const { warmUp = 0, decay = "constant", steps, final = 0 } = schedule;
  if (!Number.isSafeInteger(warmUp) || warmUp < 0) {
    throw new RangeError(`schedule: expected warmUp to be a whole number from 0 on, got ${warmUp}`);
  }
  if (!["constant", "cosine", "linear"].includes(decay)) {
    throw new RangeError(`schedule: expected decay to be constant, cosine or linear, got ${String(decay)}`);
  }
  if (!(final >= 0 && final <= 1)) throw new RangeError(`schedule: expected final from 0 to 1, got ${final}`);
  if (decay !== "constant" && !(Number.isSafeInteger(steps) && steps! > warmUp)) {
    throw new RangeError(`schedule: expected steps, a whole number above warmUp, for decay ${decay}, got ${steps}`);
  }
}

/** The factor of the learning rate in a step, from 0 on. */
export function factorOf(schedule: Schedule, step: number): number {
  if (schedule === "constant") return 1;
  if (typeof schedule === "function") {
    const factor = schedule(step);
    if (!isRate(factor)) throw new RangeError(`schedule: expected a number from 0 on for step ${step}, got ${factor}`);
    return factor;
  }
  const { warmUp = 0, decay = "constant", steps = 0, final = 0 } = schedule;
  if (step < warmUp) return (step + 1) / warmUp;
  if (decay === "constant") return 1;
  const part = Math.min(1, (step - warmUp) / (steps - warmUp));
  return final + (1 - final) * (decay === "linear" ? 1 - part : (1 + cosine(part)) / 2);
}

/** cos(π·x) for x from 0 to 1. */
function cosine(x: number): number {
  if (x > 0.5) return -cosine(1 - x);
  const square = (x * Math.PI) ** 2;
  let [term, sum] = [1, 1];
  for (let i = 2; i <= 24; i += 2) {
    term *= -square / (i * (i - 1));
    sum += term;
  }
  return sum;
}
