/**
 * Runs a file of one input and compares what comes out.
 * @module
 */

import { expect } from "vitest";
import { load } from "../../../src/index.ts";
import { type Array4, channelsLast } from "./reference.ts";
import type { OnnxFile } from "./writer.ts";

/** What a file computes of an input that its loops have channels first. */
export async function run(file: OnnxFile, x: Array4): Promise<{ dims: readonly number[]; data: readonly number[] }> {
  const session = await load(file.bytes());
  const given = x.dims.length === 4 ? channelsLast(x) : x;
  expect(session.inputs[0]!.shape).toEqual(given.dims);
  const { output } = session.run(Float32Array.from(given.data));
  const dims = session.outputs[0]!.shape;
  session.dispose();
  return { dims, data: Array.from(output) };
}

/** Holds what a file computes against what it should; images are compared channels last. */
export async function expectSame(file: OnnxFile, x: Array4, expected: Array4, held = expected): Promise<void> {
  const got = await run(file, x);
  expect(got.dims).toEqual(held.dims);
  const largest = Math.max(1, ...held.data.map(Math.abs));
  got.data.forEach((n, i) => {
    expect(Math.abs(n - held.data[i]!), `number ${i}`).toBeLessThanOrEqual(2e-6 * largest);
  });
}

/** The same for a result that is an image. */
export function expectImage(file: OnnxFile, x: Array4, expected: Array4): Promise<void> {
  return expectSame(file, x, expected, channelsLast(expected));
}
