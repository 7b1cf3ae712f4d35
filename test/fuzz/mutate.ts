/**
 * Changes to sound files, each decided by a number: the same number, the same change.
 * @module
 */
import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";
import { isModule, moduleOf, SECTIONS, type Section, sectionsOf } from "../../src/engine/host/binary.ts";
import type { Seed } from "./seeds.ts";

/** A generator of numbers in [0, 1) (a multiplicative congruential one). */
export function generator(seed: number): () => number {
  let state = (seed * 2654435761 + 1013904223) >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    state ^= state >>> 12;
    return (state >>> 0) / 2 ** 32;
  };
}

type Random = () => number;
const below = (random: Random, n: number) => Math.floor(random() * n);
const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)]!;

/** Numbers at which readers trip. */
const NUMBERS = [
  0,
  1,
  -1,
  2,
  3,
  7,
  127,
  128,
  255,
  256,
  32767,
  65535,
  2 ** 24,
  2 ** 30,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 32,
  2 ** 53,
  1e308,
  -0.5,
];
const NAMES = [
  "__proto__",
  "constructor",
  "toString",
  "",
  "\u0000",
  "é",
  "x".repeat(5000),
  "../up",
  "/abs",
  "a/b",
  "hasOwnProperty",
];
const VALUES: readonly unknown[] = [
  ...NUMBERS,
  ...NAMES,
  null,
  true,
  false,
  [],
  {},
  [[]],
  "NaN",
  "1e999",
  Number.MAX_VALUE,
];

/** One of the seed's files changed, in one to four places; `others` lend parts of themselves. */
export function mutated(seed: Seed, others: readonly Seed[], number: number): Seed {
  const random = generator(number);
  const names = Object.keys(seed);
  // The first file says what the others are, and is what readers trust.
  const name = random() < 0.85 ? names[0]! : pick(random, names);
  let bytes = seed[name]!;
  for (let changes = 1 + below(random, 4); changes > 0; changes--) bytes = change(bytes, others, random);
  return { ...seed, [name]: bytes };
}

function change(bytes: Uint8Array, others: readonly Seed[], random: Random): Uint8Array {
  if (bytes.length === 0) return bytes;
  const structured = structuredChange(bytes, random);
  // A wrong length at the head of a message says all there is to say of it.
  if (structured && random() < (isMessage(bytes) ? 0.95 : 0.7)) return structured;
  return pick(random, BYTES)(bytes, random, others);
}

/** A change that keeps what holds the file together: JSON stays JSON, a zip a zip, a PNG's check sums right. */
function structuredChange(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  const start = bytes[0];
  if (start === 0x7b || start === 0x5b) return jsonChange(bytes, random);
  if (start === 0x50 && bytes[1] === 0x4b) return zipChange(bytes, random);
  if (bytes[8] === 0x7b) return headerChange(bytes, random);
  if (start === 0x89 && bytes[1] === 0x50) return pngChange(bytes, random);
  if (start === 0x89 && bytes[1] === 0x48) return textChange(bytes, random);
  if (start === 0xff && bytes[1] === 0xd8) return segmentChange(bytes, random);
  if (isModule(bytes)) return moduleChange(bytes, random);
  if (isMessage(bytes)) return messageChange(bytes, random, 0);
  return wordChange(bytes, random);
}

const BYTES: readonly ((bytes: Uint8Array, random: Random, others: readonly Seed[]) => Uint8Array)[] = [
  (bytes, random) => {
    const copy = bytes.slice();
    for (let flips = 1 + below(random, 8); flips > 0; flips--)
      copy[below(random, copy.length)]! ^= 1 << below(random, 8);
    return copy;
  },
  (bytes, random) => wordChange(bytes, random),
  (bytes, random) => wordChange(bytes, random),
  (bytes, random) => bytes.slice(0, below(random, bytes.length + 1)),
  (bytes, random) => bytes.slice(below(random, Math.min(64, bytes.length))),
  (bytes, random) => {
    const [from, to, length] = [below(random, bytes.length), below(random, bytes.length), below(random, 256)];
    const copy = bytes.slice();
    copy.set(bytes.subarray(from, Math.min(from + length, bytes.length, from + bytes.length - to)), to);
    return copy;
  },
  (bytes, random) => {
    const at = below(random, bytes.length);
    const cut = below(random, 300);
    return joined(bytes.subarray(0, at), bytes.subarray(at + cut));
  },
  (bytes, random, others) => {
    const other = Object.values(pick(random, others))[0]!;
    const at = below(random, bytes.length);
    const from = below(random, other.length);
    return joined(bytes.subarray(0, at), other.subarray(from, from + below(random, 2000)), bytes.subarray(at));
  },
  (bytes, random) => bytes.map((byte, i) => (i >= bytes.length - 64 && random() < 0.1 ? below(random, 256) : byte)),
];

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * A number in place of one that stands at its own multiple: offsets, counts, sizes, codes. Nearer the beginning more
 * often.
 */
function wordChange(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const size = pick(random, [1, 2, 4, 4, 4, 8]);
  if (copy.length < size) return copy;
  const reach = random() < 0.6 ? Math.min(copy.length, 4096) : copy.length;
  const at = Math.min(size * below(random, Math.ceil(reach / size)), copy.length - size);
  const view = new DataView(copy.buffer);
  const value = random() < 0.3 ? Math.round((random() - 0.5) * 512) : pick(random, NUMBERS);
  if (size === 1) view.setInt8(at, value);
  else if (size === 2) view.setInt16(at, value, random() < 0.8);
  else if (size === 4) view.setInt32(at, random() < 0.3 ? view.getInt32(at, true) + value : value, random() < 0.8);
  else view.setBigInt64(at, BigInt(Math.trunc(Math.min(2 ** 62, Math.max(-(2 ** 62), value)))), true);
  return copy;
}

function jsonChange(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  let value: unknown;
  try {
    value = JSON.parse(strFromU8(bytes));
  } catch {
    return undefined;
  }
  return strToU8(JSON.stringify(valueChange(value, random)));
}

/** One place of a value of JSON changed. */
function valueChange(root: unknown, random: Random): unknown {
  const places: [holder: Record<string, unknown>, key: string][] = [];
  const walk = (value: unknown, depth: number) => {
    if (typeof value !== "object" || value === null || depth > 40 || places.length > 20_000) return;
    for (const key of Object.keys(value)) {
      places.push([value as Record<string, unknown>, key]);
      walk((value as Record<string, unknown>)[key], depth + 1);
    }
  };
  walk(root, 0);
  if (places.length === 0) return pick(random, VALUES);
  const [holder, key] = pick(random, places);
  const [, other] = pick(random, places);
  switch (below(random, 7)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      break;
    case 1:
      {
        const [from, name] = pick(random, places);
        holder[key] = structuredClone(Object.hasOwn(from, other) ? from[other] : from[name]);
      }
      break;
    case 2:
      if (Array.isArray(holder)) holder.push(...new Array(below(random, 300)).fill(holder[Number(key)]));
      else holder[pick(random, NAMES)] = structuredClone(holder[key]);
      break;
    case 3: {
      let deep: unknown = holder[key];
      for (let i = below(random, 1200); i > 0; i--) deep = random() < 0.5 ? [deep] : { a: deep };
      holder[key] = deep;
      break;
    }
    case 4:
      if (typeof holder[key] === "number") holder[key] = (holder[key] as number) + pick(random, [1, -1, 0.5, 1000]);
      else holder[key] = [holder[key]];
      break;
    default:
      holder[key] = structuredClone(pick(random, VALUES));
  }
  return root;
}

function zipChange(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  let files: Record<string, Uint8Array>;
  try {
    // Not more than a seed holds: a changed directory may claim any size.
    files = unzipSync(bytes, { filter: ({ originalSize }) => originalSize < 2 ** 23 });
  } catch {
    return undefined;
  }
  const name = pick(random, Object.keys(files));
  if (name === undefined) return undefined;
  const inner = files[name]!;
  files[name] = structuredChange(inner, random) ?? wordChange(inner, random);
  return zipSync(files, { level: random() < 0.5 ? 0 : 6, mtime: "1990-01-01T12:00:00" });
}

/** The JSON at the head of a safetensors file, its length made right. */
function headerChange(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (!(length <= bytes.length - 8)) return undefined;
  const header = jsonChange(bytes.subarray(8, 8 + length), random);
  if (!header) return undefined;
  const size = new Uint8Array(8);
  new DataView(size.buffer).setBigUint64(0, BigInt(header.length), true);
  return joined(size, header, bytes.subarray(8 + length));
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** A chunk's bytes or length changed, its check sum made right. */
function pngChange(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const starts: number[] = [];
  for (let at = 8; at + 12 <= copy.length; at += 12 + view.getUint32(at)) starts.push(at);
  const at = pick(random, starts.length > 0 ? starts : [8]);
  if (at + 12 > copy.length) return copy;
  const length = Math.min(view.getUint32(at), copy.length - at - 12);
  if (length > 0) copy[at + 8 + below(random, length)] = below(random, 256);
  else copy[at + 4 + below(random, 4)]! ^= 32;
  let crc = 0xffffffff;
  for (let i = at + 4; i < at + 8 + length; i++) crc = CRC[(crc ^ copy[i]!) & 255]! ^ (crc >>> 8);
  view.setUint32(at + 8 + length, ~crc >>> 0);
  return copy;
}

/** Digits of texts inside a binary file: HDF5 keeps a model's configuration as one. */
function textChange(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const from = below(random, copy.length);
  for (let i = from; i < copy.length - 8; i++) {
    if (copy[i] !== 0x3a || copy[i + 1] !== 0x20) continue;
    const text = pick(random, ["-1", "99", "null", "[]", "0.0", "1e9", "true"]);
    copy.set(strToU8(text), i + 2);
    break;
  }
  return copy;
}

/** A byte of a JPEG's marker segments, where sizes and tables are. */
function segmentChange(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const starts: number[] = [];
  for (let i = 0; i + 4 < Math.min(copy.length, 8192); i++)
    if (copy[i] === 0xff && copy[i + 1]! >= 0xc0) starts.push(i);
  const at = pick(random, starts.length > 0 ? starts : [0]);
  copy[Math.min(at + 1 + below(random, 24), copy.length - 1)] = below(random, 256);
  return copy;
}

/** A section of a module, its length made right: the JSON in it stays JSON; numbers, counts and bytes of the others. */
function moduleChange(bytes: Uint8Array, random: Random): Uint8Array | undefined {
  let sections: Section[];
  try {
    sections = sectionsOf(bytes);
  } catch {
    return undefined;
  }
  if (sections.length === 0) return undefined;
  const at = random() < 0.5 ? sections.length - 1 - below(random, Math.min(2, sections.length)) : 0;
  const index = random() < 0.3 ? below(random, sections.length) : at;
  const { id, body } = sections[index]!;
  const kind = below(random, 20);
  if (kind === 0) sections.splice(index, 1);
  else if (kind === 1) sections.push(sections[index]!);
  else if (kind === 2) sections[index] = { id: below(random, 14), body };
  else sections[index] = { id, body: id === SECTIONS.custom ? namedChange(body, random) : bodyChange(body, random) };
  return moduleOf(sections);
}

/** A section's name, or what is behind it. */
function namedChange(body: Uint8Array, random: Random): Uint8Array {
  const start = 1 + (body[0] ?? 0);
  if (random() < 0.05) return wordChange(body, random);
  const changed = jsonChange(body.subarray(start), random) ?? wordChange(body.subarray(start), random);
  return joined(body.subarray(0, start), changed);
}

/** The count at the start, the records that come early in the data, anything. */
function bodyChange(body: Uint8Array, random: Random): Uint8Array {
  if (random() < 0.1) return joined(varintOf(pick(random, [0, 1, 5, 127, 2 ** 31])), body.subarray(1));
  if (random() < 0.1) return body.subarray(0, below(random, body.length + 1));
  return wordChange(body, random);
}

// --- Protocol buffers

function isMessage(bytes: Uint8Array): boolean {
  return bytes[0] === 0x08 && bytes[2] === 0x12;
}

interface Field {
  readonly number: number;
  readonly wire: number;
  /** From its tag to its end. */
  readonly from: number;
  readonly to: number;
  /** Where its value begins. */
  readonly at: number;
}

/** The fields of a message; undefined for bytes that are none. */
function fieldsOf(bytes: Uint8Array): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    for (let [value, shift] = [0, 0]; at < bytes.length && shift < 70; shift += 7) {
      value += (bytes[at]! & 127) * 2 ** shift;
      if (bytes[at++]! < 128) return value;
    }
    return Number.NaN;
  };
  while (at < bytes.length) {
    const from = at;
    const tag = varint();
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    let start = at;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      start = at;
      at += length;
    } else return undefined;
    if (!(number >= 1 && number < 64 && at <= bytes.length)) return undefined;
    fields.push({ number, wire, from, to: at, at: start });
  }
  return fields;
}

function varintOf(value: number): Uint8Array {
  const digits: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(Math.trunc(Math.min(2 ** 62, Math.max(-(2 ** 62), value)))));
  do {
    digits.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(digits);
}

/** One field changed, doubled, moved or left out; all lengths around it are made right. */
function messageChange(bytes: Uint8Array, random: Random, depth: number): Uint8Array {
  const fields = fieldsOf(bytes);
  if (!fields?.length) return bytes.length > 0 ? leafChange(bytes, random) : bytes;
  // What is large is chosen more often: the graph, and not who wrote the file.
  const field =
    random() < (depth === 0 ? 0.05 : 0.7) ? pick(random, fields) : fieldAt(fields, below(random, bytes.length));
  const [before, own, after] = [
    bytes.subarray(0, field.from),
    bytes.subarray(field.from, field.to),
    bytes.subarray(field.to),
  ];
  const tag = varintOf(field.number * 8 + field.wire);
  const value = bytes.subarray(field.at, field.to);
  if (random() < (depth === 0 ? 0.02 : 0.15)) {
    const other = pick(random, fields);
    const parts = [[], [own, own], [bytes.subarray(other.from, other.to)], [varintOf(field.number * 8), own]] as const;
    return joined(before, ...pick(random, parts), after);
  }
  if (field.wire === 0) return joined(before, tag, varintOf(pick(random, NUMBERS)), after);
  if (field.wire !== 2) return joined(before, tag, leafChange(value, random), after);
  const inner = depth < 8 && fieldsOf(value) && random() < 0.9;
  const changed = inner ? messageChange(value, random, depth + 1) : leafChange(value, random);
  return joined(before, tag, varintOf(changed.length), changed, after);
}

function fieldAt(fields: readonly Field[], at: number): Field {
  return fields.find(({ from, to }) => at >= from && at < to)!;
}

/** Text or numbers: another operator or name, other bytes, more or fewer of them. */
function leafChange(bytes: Uint8Array, random: Random): Uint8Array {
  switch (below(random, 4)) {
    case 0:
      return strToU8(pick(random, [...NAMES, ...ONNX_WORDS]));
    case 1:
      return wordChange(bytes, random);
    case 2:
      return bytes.subarray(0, below(random, bytes.length + 1));
    default:
      return joined(bytes, bytes.subarray(0, below(random, 9)));
  }
}

/** Operators and settings, to be exchanged. */
const ONNX_WORDS =
  `Conv Gemm MatMul Add Mul Sub Div Clip Relu Transpose Reshape Concat Flatten Squeeze Unsqueeze Softmax
  PRelu Pad MaxPool AveragePool GlobalAveragePool ReduceMean Resize Identity Shape Gather Slice Cast Constant Expand
  ConstantOfShape QuantizeLinear DequantizeLinear QLinearConv BatchNormalization Dropout Range Sum Max HardSigmoid Split
  pads strides kernel_shape axis axes group perm SAME_LOWER VALID model.data x y input`.split(/\s+/);
