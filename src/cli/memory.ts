/**
 * The memory of a network as every subcommand tells it.
 * @module
 */
import type { MemoryUse } from "../index.ts";
import { megabytes } from "./table.ts";
import { TIED } from "./width.ts";

/** What help says of it. */
export const MEMORY_JSON = "memory: {module, steps, weights, arena, total}";

/** The parts in a fixed order; all but the last sum to it. */
export function memoryJson({ module, steps, weights, arena, total }: MemoryUse): MemoryUse {
  return { module, steps, weights, arena, total };
}

/**
 * "1.70 MB = weights 1.38 MB + arena 310.6 KB + steps 4.9 KB + module 2.1 KB", to be wrapped: lines may be broken
 * between the parts only.
 */
export function memoryText({ module, steps, weights, arena, total }: MemoryUse): string {
  const parts = Object.entries({ weights, arena, steps, module }).map(([name, bytes]) => `${name} ${megabytes(bytes)}`);
  const tied = [`${megabytes(total)} =`, ...parts.join(" +\n").split("\n")].map((part) => part.replaceAll(" ", TIED));
  return tied.join(" ");
}
