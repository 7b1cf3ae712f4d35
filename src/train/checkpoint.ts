/**
 * Checkpoints: all that training needs to go on as if it had not stopped.
 *
 *     "sepcTRN1" · length of the description · description (JSON) · weights and optimizer, as they lie · checksum of all
 * @module
 */
import { checksum } from "../engine/builds.ts";
import { FormatError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import { TRAIN_ABI_VERSION } from "./abi.ts";
import type { PlanSettings } from "./options.ts";

const MAGIC = "sepcTRN1";

/** How far training is. */
export interface Advance {
  readonly steps: number;
  readonly epochs: number;
}

/** What is trained: a graph, and a checksum of the weights in front of it that are not. */
export interface Subject {
  readonly graph: Graph;
  readonly frozen: number;
}

interface Description extends Advance {
  readonly version: number;
  readonly graph: string;
  readonly fingerprint: number;
  readonly frozen: number;
  readonly optimizer: string;
  readonly lengths: readonly number[];
}

/** Tells graphs apart by all but their numbers. */
function fingerprint({ nodes, constants, inputs, outputs }: Graph): number {
  const shapes = [...constants.values()].map(({ name, shape }) => [name, shape]);
  // How many images a step has is no matter of the weights.
  const images = inputs.map(({ name, shape }) => [name, shape.slice(1)]);
  return checksum(new TextEncoder().encode(JSON.stringify([nodes, shapes, images, outputs], finite)));
}

/** JSON has no infinities: ReLU's upper bound is written as a word. */
function finite(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

export function writeCheckpoint(
  { graph, frozen }: Subject,
  { optimizer }: PlanSettings,
  { steps, epochs }: Advance,
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const description: Description = {
    version: TRAIN_ABI_VERSION,
    graph: graph.name,
    fingerprint: fingerprint(graph),
    frozen,
    ...{ optimizer, steps, epochs, lengths: parts.map(({ length }) => length) },
  };
  const text = new TextEncoder().encode(JSON.stringify(description));
  const bytes = new Uint8Array(12 + text.length + parts.reduce((sum, { length }) => sum + length, 0) + 4);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  view.setUint32(8, text.length, true);
  bytes.set(text, 12);
  let at = 12 + text.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  view.setUint32(at, checksum(bytes.subarray(0, at)), true);
  return bytes;
}

/**
 * @param lengths bytes of the parts that are expected
 * @throws FormatError for a checkpoint that is damaged, or of another graph, optimizer or version
 */
export function readCheckpoint(
  { graph, frozen }: Subject,
  { optimizer }: PlanSettings,
  bytes: Uint8Array,
  lengths: readonly number[],
): Advance & { readonly parts: readonly Uint8Array[] } {
  const fail = (expected: string, got: unknown) => new FormatError(`checkpoint: expected ${expected}, got ${got}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 8));
  if (bytes.length < 16 || head !== MAGIC) throw fail(`a file that begins with ${MAGIC}`, JSON.stringify(head));
  const end = bytes.length - 4;
  const length = view.getUint32(8, true);
  if (12 + length > end) throw fail(`a description of ${length} bytes`, `a file of ${bytes.length}`);
  if (view.getUint32(end, true) !== checksum(bytes.subarray(0, end))) throw fail("its checksum", "another");
  const description = JSON.parse(new TextDecoder().decode(bytes.subarray(12, 12 + length))) as Description;
  const { version, steps, epochs } = description;
  if (version !== TRAIN_ABI_VERSION) throw fail(`version ${TRAIN_ABI_VERSION}`, version);
  if (description.fingerprint !== fingerprint(graph)) {
    throw fail(`one of this graph, "${graph.name}"`, `one of another, "${description.graph}"`);
  }
  if (description.frozen !== frozen) throw fail("one with the same frozen weights", "one with others");
  if (description.optimizer !== optimizer) throw fail(`one of optimizer ${optimizer}`, description.optimizer);
  if (JSON.stringify(description.lengths) !== JSON.stringify(lengths)) {
    throw fail("one with the same layers frozen", "one with others");
  }
  let at = 12 + length;
  const parts = lengths.map((length) => {
    at += length;
    return bytes.subarray(at - length, at);
  });
  if (at !== end) throw fail(`${at + 4} bytes`, bytes.length);
  return { steps, epochs, parts };
}
