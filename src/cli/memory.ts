/**
 * The memory of a network as every subcommand tells it.
 * @module
 */
import process from "node:process";
import { occupancy } from "../engine/build.ts";
import type { Graph, MemoryUse, PlanOptions } from "../index.ts";
import { printable } from "./output.ts";
import { megabytes } from "./table.ts";
import { columnsOf, elide, TIED, width } from "./width.ts";

/** What help says of it. */
export const MEMORY_JSON = "memory: {module, steps, weights, arena, total}";

/** The parts in a fixed order; all but the last sum to it. */
export function memoryJson({ module, steps, weights, arena, total }: MemoryUse): MemoryUse {
  return { module, steps, weights, arena, total };
}

/**
 * "1.70 MB = weights 1.38 MB + arena 310.6 KB + steps 4.9 KB + module 2.1 KB", to be wrapped: lines may be broken
 * between the parts only.
 * @param picture bytes that a frozen network has for pictures beside its plan
 */
export function memoryText({ module, steps, weights, arena, total }: MemoryUse, picture = 0): string {
  const own = { weights, arena, steps, module, ...(picture > 0 && { picture }) };
  const parts = Object.entries(own).map(([name, bytes]) => `${name} ${megabytes(bytes)}`);
  const tied = [`${megabytes(total + picture)} =`, ...parts.join(" +\n").split("\n")].map((part) =>
    part.replaceAll(" ", TIED),
  );
  return tied.join(" ");
}

/** Bytes of activations that live while a step is computed: as planned, and were each value whole. */
export interface MapRow {
  readonly name: string;
  readonly live: number;
  readonly whole: number;
}

/** The activations of a network, step by step. */
export function memoryMap(graph: Graph, layout: Pick<PlanOptions, "memory" | "threads">): MapRow[] {
  const whole = occupancy(graph, { memory: "fast" });
  return occupancy(graph, layout).map((step, i) => ({ ...step, whole: whole[i]!.live }));
}

/** A bar for each step: full as far as its activations go, light as far as they would go if each value were whole. */
export function mapText(map: readonly MapRow[]): string {
  const most = Math.max(...map.flatMap(({ live, whole }) => [live, whole]));
  const names = map.map(({ name }) => elide(printable(name), 24));
  const wide = Math.max(...names.map(width));
  const room = Math.max(10, columnsOf(process.stdout) - wide - 24);
  const cells = (bytes: number) => Math.round((bytes / most) * room);
  const lines = map.map(({ live, whole }, i) => {
    const bar = "█".repeat(cells(live)) + "░".repeat(Math.max(0, cells(whole) - cells(live)));
    return `${names[i]!.padEnd(wide)}  ${bar.padEnd(room)}  ${megabytes(live).padStart(9)}`;
  });
  const [peak, before] = [Math.max(...map.map(({ live }) => live)), Math.max(...map.map(({ whole }) => whole))];
  return [
    `activations that live at each step: ${megabytes(peak)} at most (█); were each value whole, ${megabytes(before)} (░)`,
    ...lines,
  ].join("\n");
}
