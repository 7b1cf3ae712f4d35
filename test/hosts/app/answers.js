import * as sepconv from "sepconv";
import { fromTflite } from "sepconv/tflite";
import { conformance } from "./conformance.mjs";

/** What this host answers, or why it does not. */
export async function answers(base) {
  try {
    return await conformance({ sepconv, fromTflite, read: (name) => new URL(name, base) });
  } catch (error) {
    return `${error.name}: ${error.message}\n${error.stack}\n${error.cause}`;
  }
}
