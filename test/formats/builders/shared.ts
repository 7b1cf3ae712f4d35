/**
 * Files beside the project that a checkout need not have, and what a reference implementation answered on them.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { parseNpy } from "../../../src/cli/npy.ts";
import type { Graph } from "../../../src/graph/graph.ts";
import { interpret } from "../../reference/interpreter.ts";

/** Path of a file in the shared folder. */
export function shared(name: string): string {
  return fileURLToPath(new URL(`../../../../shared/${name}`, import.meta.url));
}

/** Whether a test must be skipped for want of a file; says so. */
export function missingShared(path: string): boolean {
  const missing = !existsSync(path);
  if (missing) console.info(`skipped: ${path} is not there`);
  return missing;
}

/** Runs the graph through the naive interpreter on every reference input and compares its only output. */
export function expectReference(graph: Graph, name: string, tolerance: number): void {
  const folder = shared(`reference/${name}`);
  const cases = readdirSync(folder).filter((file) => file.endsWith(".input.npy"));
  expect(cases.length).toBeGreaterThan(0);
  for (const file of cases) {
    const input = parseNpy(new Uint8Array(readFileSync(`${folder}/${file}`)), file);
    const output = parseNpy(new Uint8Array(readFileSync(`${folder}/${file.replace(".input.", ".output.")}`)), file);
    const answer = interpret(graph, { [graph.inputs[0]!.name]: input.data }).get(graph.outputs[0]!)!;
    expect(answer.values).toHaveLength(output.data.length);
    const worst = Math.max(...answer.values.map((value, i) => Math.abs(value - output.data[i]!)));
    expect(worst, file).toBeLessThanOrEqual(tolerance);
  }
}
