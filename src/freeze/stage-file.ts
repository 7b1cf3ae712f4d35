/**
 * What a frozen file says of a stage before its network: whoever runs the module sees pictures as its input; whoever
 * reads the network, the input that they become.
 * @module
 */
import type { Manifest } from "../engine/manifest.ts";
import type { Stage, StageDescription } from "./image-stage.ts";

interface Head {
  readonly manifest: Manifest;
  readonly image?: StageDescription;
}

/** A description of the network, with a stage before it. */
export function withStage(head: Uint8Array, { description, value, end }: Stage): Uint8Array {
  const { manifest, ...rest } = JSON.parse(new TextDecoder().decode(head)) as Head;
  const memory = { ...manifest.memory, picture: description.bytes, total: end };
  const inputs = [value, ...manifest.inputs.slice(1)];
  return json({ ...rest, image: description, manifest: { ...manifest, memory, inputs } });
}

/**
 * The description of the network itself, and that of the stage before it.
 * @throws whatever comes of a description that is none
 */
export function withoutStage(head: Uint8Array): { readonly head: Uint8Array; readonly image?: StageDescription } {
  const { manifest, image, ...rest } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(head)) as Head;
  if (image === undefined) return { head };
  const { picture: _, ...memory } = manifest.memory as Manifest["memory"] & { readonly picture: number };
  const own = { ...memory, total: memory.total - image.bytes };
  const inputs = [image.input, ...manifest.inputs.slice(1)];
  return { head: json({ ...rest, manifest: { ...manifest, memory: own, inputs } }), image };
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
