/**
 * Saved images as they come back: loaded only when one turns up.
 * @module
 */
import { FormatError, MemoryError, UnsupportedError } from "../errors.ts";
import type { Shape } from "../graph/graph.ts";
import { sizeOf } from "../graph/references.ts";
import { Budget } from "../limits.ts";
import { decoded } from "../text.ts";
import { type Fields, footprint, partOf } from "./footprint.ts";
import { ABI_VERSION, BASE, SLACK } from "./host/memory.ts";
import { HEAD, type Image, isImage, MAGIC, type Packing, up } from "./image.ts";
import { bytesOf, type Manifest, type ManifestValue } from "./manifest.ts";
import { ENTRY_BYTES, type FeedEntry, readEntry, type UnitsEntry } from "./plan/schedule.ts";
import { KERNELS, type Kernel, readStep, STEP_BYTES } from "./step.ts";

/** More lanes than any machine has use for. */
const MOST_LANES = 256;

/** Bytes of a manifest at the most: a detector's anchors are in it. */
const LONGEST_MANIFEST = 2 ** 26;

/**
 * Reads a saved image, and proves that it keeps to its memory: a file is a stranger's, and kernels trust their records.
 * @throws {@link FormatError} when it is damaged, or would have a kernel read or write where it may not
 * @throws {@link UnsupportedError} when it was made for other kernels than these
 * @throws {@link MemoryError} when it needs more than it may have
 */
export function readImage(file: Uint8Array, maxMemory = Number.POSITIVE_INFINITY, budget = new Budget()): Image {
  if (!isImage(file)) throw new FormatError("image: expected one that a session saved, got other bytes");
  if (file.length < HEAD) throw new FormatError(`image: expected ${HEAD} bytes at least, got ${file.length}`);
  if (file[7] !== MAGIC[7]) throw new UnsupportedError(`image: expected version ${MAGIC[7]}, got ${file[7]}`);
  const length = new DataView(file.buffer, file.byteOffset).getUint32(8, true);
  if (length > LONGEST_MANIFEST || HEAD + length > file.length) {
    throw new FormatError(`image: expected a manifest of ${length} bytes, got ${file.length - HEAD} to the end`);
  }
  budget.unpack(length, "image");
  const { abi, packing, manifest } = parsed(file.subarray(HEAD, HEAD + length));
  if (abi !== ABI_VERSION) {
    throw new UnsupportedError(
      `image: expected one for kernels of ABI version ${ABI_VERSION}, got ${abi}; save it anew`,
    );
  }
  if (packing !== "vectors" && packing !== "scalars") {
    throw new FormatError(`image: expected packing "vectors" or "scalars", got ${JSON.stringify(packing)}`);
  }
  const image: Image = { manifest, packing, bytes: file.subarray(up(HEAD + length)) };
  try {
    new Check(image).all();
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`image: expected a manifest that makes sense, got: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const { total } = manifest.memory;
  if (!(total <= maxMemory)) {
    throw new MemoryError(`maxMemory: expected at least ${total} bytes, got ${maxMemory}`, total, maxMemory);
  }
  return image;
}

function parsed(bytes: Uint8Array): { abi: number; packing: Packing; manifest: Manifest } {
  try {
    const json = JSON.parse(decoded(bytes));
    const { detector } = json.manifest.source;
    if (detector) detector.anchors = Float32Array.from(detector.anchors);
    return json;
  } catch (cause) {
    throw new FormatError(`image: expected a manifest in JSON, got ${(cause as Error).message}`, { cause });
  }
}

const sum = (a: number, b: number) => a + b;

/** Bytes [start, end). */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** Proves that no step of an image leaves its memory, nor writes outside of the arena. */
class Check {
  readonly #manifest: Manifest;
  readonly #view: DataView;
  readonly #length: number;
  readonly #weights: Range;
  readonly #arena: Range;
  readonly #entries: number;
  #where = "image";
  /** Rows of the input that entries have asked for. */
  #rows = 0;

  constructor({ manifest, bytes }: Image) {
    this.#manifest = manifest;
    this.#length = bytes.length;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { stepsAt, scheduleAt, arenaAt, memory, steps, lanes, undivided, inputs, outputs, endPoints } = manifest;
    // A text can be gone through like a list, and is none.
    for (const list of [steps, inputs, outputs, endPoints]) this.#demand(Array.isArray(list), "a list", typeof list);
    this.#demand(Array.isArray(lanes) && lanes.length >= 1 && lanes.length <= MOST_LANES, "a schedule a lane", lanes);
    for (const n of [stepsAt, scheduleAt, arenaAt, ...lanes, undivided, ...Object.values(memory)]) {
      this.#demand(Number.isInteger(n) && n >= 0 && n <= 2 ** 32, "whole numbers of 32 bits", n);
    }
    this.#demand(
      stepsAt === BASE && scheduleAt === BASE + steps.length * STEP_BYTES,
      "records and schedule in their place",
      scheduleAt,
    );
    this.#demand(undivided > 0 === lanes.length > 1, "an undivided schedule beside lanes", undivided);
    this.#entries = lanes.reduce(sum, undivided);
    this.#weights = { start: scheduleAt + this.#entries * ENTRY_BYTES, end: arenaAt };
    this.#arena = { start: arenaAt, end: arenaAt + memory.arena };
    const { module, total } = memory;
    this.#demand(arenaAt >= this.#weights.start && arenaAt % 16 === 0, "the arena behind the weights", arenaAt);
    this.#demand(this.#length === arenaAt - stepsAt, `${arenaAt - stepsAt} bytes`, this.#length);
    this.#demand(module + memory.steps + memory.weights + memory.arena === total, "parts that sum to the total", total);
    this.#demand(total === this.#arena.end + SLACK && total <= 2 ** 32, "a total that ends with the arena", total);
  }

  all(): void {
    const { steps, lanes, undivided, inputs, outputs, endPoints } = this.#manifest;
    steps.forEach(({ kernel }, i) => {
      this.#step(kernel, i);
    });
    // Lanes that do not meet equally often would wait for each other for ever.
    const meetings = lanes.map((entries, lane) => this.#lane(lanes.slice(0, lane).reduce(sum, 0), entries));
    const alone = this.#lane(lanes.reduce(sum, 0), undivided);
    this.#where = "image";
    this.#demand(alone === 0, "no meetings of one", alone);
    this.#demand(new Set(meetings).size === 1, "lanes that meet equally often", meetings.join(", "));
    this.#demand(
      inputs.length > 0 && outputs.length > 0 && !(inputs[0]!.fed && this.#rows === 0),
      "inputs and outputs",
      `${inputs.length} and ${outputs.length}`,
    );
    for (const value of [...inputs, ...outputs, ...endPoints]) this.#value(value);
    this.#source();
  }

  /** What is known of the network beside its arithmetic: kinds only, so that whoever uses it finds what it expects. */
  #source(): void {
    this.#detector();
    const { pose } = this.#manifest.source;
    if (pose === undefined) return;
    const { heatmaps, shortOffsets, midOffsets, stride, maxResults, minScore, radius } = pose;
    const outputs = new Set<unknown>(this.#manifest.outputs.map(({ name }) => name));
    const named = [heatmaps, shortOffsets, midOffsets].flat().every((name) => outputs.has(name));
    this.#demand(named && Array.isArray(midOffsets), "outputs of key points and offsets", "others");
    const sound =
      [stride, maxResults].every((n) => Number.isInteger(n) && n >= 1) && minScore >= 0 && minScore <= 1 && radius >= 0;
    this.#demand(sound, "settings of poses that make sense", "others");
  }

  #detector(): void {
    this.#where = "image, source";
    const { name, source } = this.#manifest;
    const { format, normalization, labels, detector } = source;
    const numbers = (value: unknown) => [value].flat().every((x) => typeof x === "number" && Number.isFinite(x));
    const strings = (list: unknown) => Array.isArray(list) && list.every((text) => typeof text === "string");
    this.#demand(strings([name, format]), "a name and a format", `${typeof name} and ${typeof format}`);
    if (normalization !== undefined) {
      this.#demand(numbers(normalization.mean) && numbers(normalization.std), "means and deviations", "something else");
    }
    this.#demand(labels === undefined || strings(labels), "class names", "something else");
    if (detector === undefined) return;
    const { boxes, scores, anchors, scales, classes, scoresAre = "logits", suppression, fit = "contain" } = detector;
    const named = (value: string) => this.#manifest.outputs.find((output) => output.name === value);
    const [encodings, logits] = [named(boxes), named(scores)];
    const count = anchors.length / 4;
    const { order = "yx", sizes = "exponential", keyPoints = [] } = detector.encoding ?? {};
    const forms = ["yx", "xy"].includes(order) && ["exponential", "linear"].includes(sizes) && strings(keyPoints);
    this.#demand(forms, "encodings that there are", `${order} and ${sizes}`);
    const numbersOfAll = count * (4 + 2 * keyPoints.length);
    const fits = Number.isInteger(count) && encodings && sizeOf(encodings.shape) === numbersOfAll && logits;
    this.#demand(fits && sizeOf(logits.shape) % count === 0, "outputs for each anchor of the detector", anchors.length);
    const columns = sizeOf(logits!.shape) / count;
    const known = ({ column, label }: { column: number; label: string }) =>
      Number.isInteger(column) && column >= 0 && column < columns && typeof label === "string";
    this.#demand(numbers([scales.center, scales.size]) && classes.every(known), "scales and classes", "something else");
    const words = ["logits", "probabilities"].includes(scoresAre) && ["contain", "stretch"].includes(fit);
    this.#demand(words, "scores and a fit that there are", `${scoresAre} and ${fit}`);
    if (suppression === undefined) return;
    const { kind, maxResults, minScore, iouThreshold, each } = suppression;
    const sound =
      ["classes", "anchors"].includes(kind) &&
      [maxResults, each].every((n) => Number.isInteger(n) && n >= 1) &&
      [minScore, iouThreshold].every((x) => x >= 0 && x <= 1);
    this.#demand(sound, "a suppression that makes sense", "another");
  }

  #step(kernel: Kernel, index: number): void {
    this.#where = `image, step ${index} (${kernel})`;
    this.#demand(Object.hasOwn(KERNELS, kernel), "a kernel that there is", kernel);
    const f = readStep(this.#view, index * STEP_BYTES);
    this.#demand(f.kernel === KERNELS[kernel], `kernel number ${KERNELS[kernel]}`, f.kernel);
    const print = footprint(kernel, f);
    for (const [what, holds] of print.needs) this.#demand(holds, what, "a record in which it does not hold");
    if (print.s) this.#inside("s", this.#arena, f.s, print.s);
    if (print.w) this.#inside("w", this.#weights, f.w, print.w);
    if (print.w2) this.#inside("w2", this.#weights, f.w2, print.w2);
  }

  /** Entries [first, first + entries); how many of them are meetings. */
  #lane(first: number, entries: number): number {
    let meetings = 0;
    for (let i = first; i < first + entries; i++) meetings += Number(this.#entry(i));
    return meetings;
  }

  /** Whether an entry is a meeting. */
  #entry(index: number): boolean {
    this.#where = `image, entry ${index} of the schedule`;
    const { scheduleAt, stepsAt } = this.#manifest;
    const stepOf = (record: number) => (record - stepsAt) / STEP_BYTES;
    const entry = readEntry(this.#view, scheduleAt - stepsAt + index * ENTRY_BYTES, stepOf);
    if ("meet" in entry) return true;
    if ("feed" in entry) this.#feed(entry);
    else if ("move" in entry) {
      const { move, dropped, kept } = entry;
      this.#demand(dropped >= 0 && kept >= 0, "bytes to drop and to keep", `${dropped} and ${kept}`);
      this.#inside("a buffer", this.#arena, move, dropped + kept);
    } else this.#units(entry);
    return false;
  }

  #units(entry: UnitsEntry): void {
    const { scheduleAt, recordAt, steps, lanes } = this.#manifest;
    const { step, u0, u1, moved, scratch = 0 } = entry;
    this.#demand(Number.isInteger(step) && step >= 0 && step < steps.length, "the address of a step", step);
    const f = readStep(this.#view, step * STEP_BYTES);
    this.#demand(0 <= u0 && u0 <= u1 && u1 <= f.rows, `units of ${f.rows}`, `${u0} to ${u1}`);
    if (moved) {
      const end = scheduleAt + this.#entries * ENTRY_BYTES;
      const room = recordAt === end && recordAt + lanes.length * STEP_BYTES <= this.#arena.start;
      this.#demand(room, `room for a record of each lane at ${end}`, recordAt);
      const { s = 0 } = footprint(steps[step]!.kernel, f);
      if (s > 0) this.#inside("s", this.#arena, f.s + scratch, s);
    }
    this.#touches(steps[step]!.kernel, f, entry);
  }

  /** What units of a step read and write lies in the arena: all of its tensors, or those rows. */
  #touches(kernel: Kernel, f: Fields, { u0, u1, moved }: UnitsEntry): void {
    const print = footprint(kernel, f);
    const all = print.columns === undefined ? print.y : (f.rows - 1) * print.pitch! + print.columns;
    const whole = u0 === 0 && u1 === f.rows;
    const part = (whole && !moved ? undefined : partOf(kernel, f, u0, u1)) ?? {
      x: [0, print.x],
      x2: [0, print.x2 ?? 0],
      y: [0, all],
    };
    const inside = (field: "x" | "x2" | "y", align: number) => {
      const [from, to] = part[field] ?? [0, 0];
      const base = f[field] + (moved?.[field] ?? 0);
      this.#demand(base % align === 0, `${field} at an address that ${align} divides`, base);
      if (to > from) this.#inside(field, this.#arena, base + from, to - from, 1);
    };
    inside("y", 1);
    inside("x", 16);
    if (print.x2) inside("x2", 16);
  }

  /** Rows of the first input, one behind the other and each of them once. */
  #feed({ feed, r0, r1, address }: FeedEntry): void {
    const input = this.#manifest.inputs[0];
    const height = input?.shape?.[1];
    const fits = feed === 0 && input?.fed === true && this.#manifest.inputs.length === 1 && Array.isArray(input.shape);
    this.#demand(fits && Number.isInteger(height), "an input that is fed by rows", feed);
    this.#demand(this.#manifest.lanes.length === 1, "one lane where rows are fed", this.#manifest.lanes.length);
    this.#demand(
      r0 === this.#rows && r1 > r0 && r1 <= height!,
      `rows of ${height} from ${this.#rows} on`,
      `${r0} to ${r1}`,
    );
    this.#rows = r1;
    this.#inside("rows of the input", this.#arena, address, (r1 - r0) * (bytesOf(input!) / height!), 1);
  }

  #value(value: ManifestValue): void {
    this.#where = `image, value ${JSON.stringify(value.name)?.slice(0, 200)}`;
    const { name, shape, dtype, quantization, address } = value;
    this.#demand(typeof name === "string", "a name", typeof name);
    this.#demand(["float32", "int32", "int8", "uint8"].includes(dtype), "a dtype that there is", dtype);
    const whole = Array.isArray(shape) && shape.length <= 16 && shape.every((n) => Number.isInteger(n) && n >= 1);
    this.#demand(whole && sizeOf(shape as Shape) < 2 ** 31, "a shape", JSON.stringify(shape)?.slice(0, 200));
    // What is fed is nowhere as a whole; its entries say where its rows are.
    if (value.fed) this.#demand(value.fed === true && this.#rows > 0, "entries that feed it", "none");
    else this.#inside("address", this.#arena, address, bytesOf(value));
    if (dtype === "float32" || dtype === "int32") return;
    const [scale, zero] = [quantization?.scales?.[0], quantization?.zeroPoints?.[0]];
    this.#demand(Number.isFinite(scale) && Number.isInteger(zero), "a scale and a zero point", `${scale} and ${zero}`);
  }

  #inside(field: string, { start, end }: Range, address: number, bytes: number, align = 16): void {
    const inside = Number.isInteger(address) && address % align === 0 && address >= start && address + bytes <= end;
    this.#demand(inside, `${field} in [${start}, ${end})`, `[${address}, ${address + bytes})`);
  }

  #demand(holds: unknown, expected: string, got: unknown): void {
    if (!holds) throw new FormatError(`${this.#where}: expected ${expected}, got ${got}`);
  }
}
