/**
 * Writing flatbuffers field by field, by the numbers of a schema.
 * @module
 */
import type { Builder } from "flatbuffers";

/**
 * A field of a table: its number in the schema, its kind, its value. Values that equal the schema's default, 0, are
 * left out.
 */
export type Field = readonly [index: number, kind: "Int8" | "Int32" | "Float32" | "Offset", value: number];

export function table(builder: Builder, fields: readonly Field[]): number {
  builder.startObject(Math.max(0, ...fields.map(([index]) => index + 1)));
  for (const [index, kind, value] of fields) {
    if (kind === "Int8") builder.addFieldInt8(index, value, 0);
    else if (kind === "Int32") builder.addFieldInt32(index, value, 0);
    else if (kind === "Float32") builder.addFieldFloat32(index, value, 0);
    else builder.addFieldOffset(index, value, 0);
  }
  return builder.endObject();
}

export function vector(
  builder: Builder,
  kind: "Int32" | "Float32" | "Int64" | "Offset",
  items: readonly number[],
): number {
  const size = kind === "Int64" ? 8 : 4;
  builder.startVector(size, items.length, size);
  for (const item of items.toReversed()) {
    if (kind === "Int32") builder.addInt32(item);
    else if (kind === "Float32") builder.addFloat32(item);
    else if (kind === "Int64") builder.addInt64(BigInt(item));
    else builder.addOffset(item);
  }
  return builder.endVector();
}

/** A vector of bytes, aligned to 16 for whoever uses it in place. */
export function bytesVector(builder: Builder, { buffer, byteOffset, byteLength }: ArrayBufferView): number {
  builder.startVector(1, byteLength, 16);
  const inner = builder as unknown as { space: number; bb: { setPosition(at: number): void; bytes(): Uint8Array } };
  inner.space -= byteLength;
  inner.bb.setPosition(inner.space);
  inner.bb.bytes().set(new Uint8Array(buffer, byteOffset, byteLength), inner.space);
  return builder.endVector();
}
