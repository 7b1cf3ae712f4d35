/**
 * What a frozen file says of itself: which version of the interface it has, and of a stage before its network. Whoever
 * runs the module sees pictures as its input; whoever reads the network, the input that they become.
 * @module
 */
import type { Manifest } from "../engine/manifest.ts";
import { FormatError, UnsupportedError } from "../errors.ts";
import { decoded } from "../text.ts";
import type { Stage, StageDescription } from "./image-stage.ts";

/** Version of the interface of frozen modules; raised when something in it changes its meaning. */
export const FROZEN_ABI = 1;

/** Name of the section that holds what the network is, as JSON. */
export const FROZEN_SECTION = "sepconv";

interface Head {
  /** Version of the interface. */
  readonly frozen?: number;
  readonly manifest: Manifest;
  readonly image?: StageDescription;
}

/** The description of a frozen network: that of a saved one, the version, and the stage before it. */
export function frozenHead(head: Uint8Array, stage?: Stage): Uint8Array {
  const { manifest, ...rest } = parsed(head);
  const all = { frozen: FROZEN_ABI, ...rest };
  if (stage === undefined) return json({ ...all, manifest });
  const { description, value, end } = stage;
  const memory = { ...manifest.memory, picture: description.bytes, total: end };
  const inputs = [value, ...manifest.inputs.slice(1)];
  return json({ ...all, image: description, manifest: { ...manifest, memory, inputs } });
}

/**
 * The description of the saved network itself, and that of the stage before it.
 * @throws {@link FormatError} for one that is damaged, {@link UnsupportedError} for one of a newer version
 */
export function networkOf(head: Uint8Array): {
  readonly head: Uint8Array;
  readonly manifest: Manifest;
  readonly image?: StageDescription;
} {
  const { frozen, manifest, image, ...rest } = parsed(head);
  if (frozen !== FROZEN_ABI) {
    const Wrong = Number.isInteger(frozen) ? UnsupportedError : FormatError;
    throw new Wrong(`frozen network: expected version ${FROZEN_ABI} of its interface, got ${String(frozen)}`);
  }
  if (image === undefined) return { head: json({ ...rest, manifest }), manifest };
  try {
    const { picture: _, ...memory } = manifest.memory as Manifest["memory"] & { readonly picture: number };
    const own = { ...memory, total: memory.total - image.bytes };
    const inputs = [image.input, ...manifest.inputs.slice(1)];
    return { head: json({ ...rest, manifest: { ...manifest, memory: own, inputs } }), manifest, image: checked(image) };
  } catch (cause) {
    throw new FormatError(`frozen network: expected pictures that make sense, got: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** What is told of the pictures, and no more. @throws for what is not as it should be */
function checked(image: StageDescription): StageDescription {
  const { format, width, height, bytes } = image;
  const sizes = [width, height, bytes].every((n) => Number.isInteger(n) && n >= 1 && n <= 2 ** 32);
  if (!["rgba8", "rgb8", "gray8"].includes(format) || !sizes) throw new Error("another format or size");
  return image;
}

function parsed(head: Uint8Array): Head {
  try {
    const value = JSON.parse(decoded(head));
    if (typeof value !== "object" || value === null) throw new Error(typeof value);
    return value;
  } catch (cause) {
    throw new FormatError(`frozen network: expected a description in JSON, got ${(cause as Error).message}`, { cause });
  }
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
