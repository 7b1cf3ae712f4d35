/**
 * The kernels for threads: the same code, whose memory is imported and shared. A module says in a few bytes whether it
 * has a memory of its own, so these are rewritten, and no further build is needed.
 * @module
 */
import { LoadError } from "../../errors.ts";
import { Cursor, joined, moduleOf, SECTIONS, sectionsOf, text, u32, vector } from "./binary.ts";

/** Pages of the largest memory that 32 bits reach. */
const MOST_PAGES = 65536;
/** What is imported: a memory that is shared and has a maximum. */
const SHARED_MEMORY = [2, 3];

/**
 * A module that imports `env.memory`, shared, where the given one defines its memory.
 * @param bytes a build of the kernels: a whole module that imports nothing
 * @throws {@link LoadError} for another module
 */
export function withSharedMemory(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const sections = sectionsOf(bytes);
  const memory = sections.find(({ id }) => id === SECTIONS.memories);
  if (sections.some(({ id }) => id === SECTIONS.imports)) {
    throw new LoadError("wasm module: expected kernels that import nothing, got some that do");
  }
  if (memory === undefined) {
    throw new LoadError("wasm module: expected kernels with a memory of their own, got some without");
  }
  // One memory: flags, then the pages that it begins with.
  const pages = new Cursor(memory.body, 2).u32();
  const imported = joined([text("env"), text("memory"), SHARED_MEMORY, u32(pages), u32(MOST_PAGES)]);
  return moduleOf(
    sections.flatMap((section) => {
      if (section.id === SECTIONS.memories) return [];
      // Imports stand behind the types.
      return section.id === SECTIONS.types ? [section, { id: SECTIONS.imports, body: vector([imported]) }] : [section];
    }),
  );
}
