/**
 * A stage before a network that makes its input of a picture: resized and normalized as sessions do it, by the same
 * kernel and to the same bits, but within the module. A camera's frame goes straight in.
 * @module
 */
import { checkOptions, kindOf } from "../arguments.ts";
import { ALIGN, PAGE, SLACK } from "../engine/host/memory.ts";
import type { Manifest, ManifestValue } from "../engine/manifest.ts";
import { fieldOffset, STEP_BYTES, writeStep } from "../engine/step.ts";
import { MemoryError, UnsupportedError } from "../errors.ts";
import { rangeOf } from "../graph/quant.ts";
import type { Placement } from "../vision/fit.ts";
import { imageFields, type Sampling, samplingOf, tapTable } from "../vision/image.ts";
import type { PixelRange, SessionInputOptions } from "../vision/session-input.ts";
import { call, constant, constantF32, constantF64, local, OPS, sized, type Types } from "./code.ts";

/** Bytes of a pixel: red, green, blue and alpha, which is ignored; the colors alone; one brightness. */
export type PictureFormat = "rgba8" | "rgb8" | "gray8";

const CHANNELS = { rgba8: 4, rgb8: 3, gray8: 1 } as const satisfies Record<PictureFormat, number>;

/** The pictures that a frozen network takes, and how they become its input. */
export interface FrozenPicture extends SessionInputOptions {
  /** Bytes of a pixel, rows from the top, one behind the other. */
  readonly format: PictureFormat;
  /** Pixels of a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** What a frozen file says of its stage. */
export interface StageDescription {
  readonly format: PictureFormat;
  readonly width: number;
  readonly height: number;
  /** Which part of the picture fills which part of the input. */
  readonly placement: Placement;
  readonly range: PixelRange;
  /** The input that the stage writes. */
  readonly input: ManifestValue;
  /** Bytes that the picture and its tables take beside the plan. */
  readonly bytes: number;
}

/** A stage as the module has it. */
export interface Stage {
  readonly description: StageDescription;
  /** The picture, in the place of the input. */
  readonly value: ManifestValue;
  /** The step's record and its tables, and their address. */
  readonly at: number;
  readonly bytes: Uint8Array;
  /** Where its memory ends. */
  readonly end: number;
  /** Bytes of an input's row. */
  readonly rowBytes: number;
  /** Rows of the input. */
  readonly rows: number;
  /** The function (row of the input, address where it belongs) → nothing; `kernel`: the number of `image_f32`. */
  code(kernel: number): Uint8Array;
}

const KEYS = ["format", "width", "height", "fit", "position", "crop", "method", "padColor", "normalization"];

/**
 * Checks what is known before the network is there.
 * @throws TypeError and RangeError for what is no picture
 */
export function checkPicture(image: FrozenPicture): void {
  if (typeof image !== "object" || image === null)
    throw new TypeError(`image: expected an object, got ${kindOf(image)}`);
  checkOptions("image", image, KEYS);
  if (!Object.hasOwn(CHANNELS, image.format)) {
    const formats = Object.keys(CHANNELS).join(", ");
    throw new RangeError(`image.format: expected ${formats}, got ${JSON.stringify(image.format) ?? "undefined"}`);
  }
  for (const name of ["width", "height"] as const) {
    const size = image[name];
    if (!Number.isInteger(size) || size < 1 || size > MOST_PIXELS) {
      throw new RangeError(`image.${name}: expected a whole number from 1 to ${MOST_PIXELS}, got ${String(size)}`);
    }
  }
}

/** Along an axis. */
const MOST_PIXELS = 65535;

/**
 * The stage before a network's first input.
 * @param image checked
 * @param sampled what the session's own path of pictures would do
 * @throws MemoryError where it takes more, with the network, than is allowed or can be addressed
 */
export function stageOf(
  image: FrozenPicture,
  manifest: Manifest,
  { resize, range }: { readonly resize: Parameters<typeof samplingOf>[1]; readonly range: PixelRange },
  maxMemory = 2 ** 32 - PAGE,
): Stage {
  const input = manifest.inputs[0]!;
  if (input.dtype === "int32") throw new UnsupportedError(`input ${input.name}: expected float32 or 8 bits, got int32`);
  const { format, width, height } = image;
  const channels = CHANNELS[format];
  const sampling = samplingOf({ width, height, channels }, resize);
  if (!sampling.affine.every((value) => Number.isFinite(Math.fround(255 * value)))) {
    throw new RangeError("normalization: expected numbers that keep pixels finite, got others");
  }
  const { placement, horizontal, vertical, column, columns, affine } = sampling;
  const start = up(manifest.memory.total);
  const parts = [new Uint8Array(affine.buffer), tapTable(horizontal, column), tapTable(vertical, 0)];
  let end = start;
  const take = (length: number) => {
    const address = end;
    end = up(end + length + SLACK);
    return address;
  };
  const step = take(STEP_BYTES);
  const tables = parts.map(({ length }) => take(length));
  const dataEnd = tables[2]! + parts[2]!.length;
  const row = input.dtype === "float32" ? 0 : take(4 * placement.target[2] * sampling.input.channels);
  const scratch = take(4 * (4 + columns * channels));
  const picture = take(width * height * channels);
  if (end > maxMemory) {
    throw new MemoryError(
      `maxMemory: expected at least ${end} bytes, ${end - manifest.memory.total} of them for pictures, got ${maxMemory}`,
      ...([end, maxMemory] as const),
    );
  }
  const bytes = new Uint8Array(dataEnd - start);
  const pitch = width * channels;
  writeStep(new DataView(bytes.buffer), 0, {
    ...imageFields(sampling, placement.target),
    ...{ x: picture + column * channels, x2: tables[0]!, w: tables[1]!, w2: tables[2]!, s: scratch, y: row },
    // A row at a time, each to the same place.
    ...{ inH: height, padT: 0, xPitch: pitch, yPitch: 0 },
  });
  parts.forEach((part, i) => {
    bytes.set(part, tables[i]! - start);
  });
  const size = input.dtype === "float32" ? 4 : 1;
  const description = { format, width, height, placement, range, input, bytes: end - manifest.memory.total };
  return {
    description,
    value: { name: input.name, shape: [1, height, width, channels], dtype: "uint8", address: picture },
    ...{ at: start, bytes, end, rows: sampling.input.height },
    rowBytes: sampling.input.width * sampling.input.channels * size,
    code: (kernel) => rowCode(sampling, input, { step, row }, kernel),
  };
}

function up(address: number): number {
  return Math.ceil(address / ALIGN) * ALIGN;
}

/** The function that makes a row of the input: what is beside the picture, and the picture's part of it. */
function rowCode(
  { input: { width, height, channels }, placement: { target }, fill }: Sampling,
  input: ManifestValue,
  { step, row }: { readonly step: number; readonly row: number },
  kernel: number,
): Uint8Array {
  const [asked, to, y, i, x] = [0, 1, 2, 3, 4].map(local) as [Local, Local, Local, Local, Local];
  const float = input.dtype === "float32";
  const size = float ? 4 : 1;
  const real = float ? undefined : toBytes(input);
  const whole = target[2] === width && target[3] === height;
  const times = (end: number, by: number, body: number[]) => [
    ...[...constant(0), ...i.set, ...OPS.loop, ...body],
    ...[...i.get, ...constant(by), ...OPS.add, ...i.tee, ...constant(end), ...OPS.lessUnsigned, ...OPS.branchIf(0)],
    ...OPS.end,
  ];
  const place = [...to.get, ...i.get, ...OPS.add];
  const pattern = fill.flatMap((value, c) =>
    real
      ? [...place, ...constant(real.number(value)), ...OPS.store8(c)]
      : [...place, ...constantF32(value), ...OPS.storeF32(4 * c)],
  );
  const offset = target[0] * channels * size;
  const quantized = () =>
    times(target[2] * channels, 1, [
      ...place,
      ...[...i.get, ...constant(4), ...OPS.multiply, ...OPS.loadF32(row), ...OPS.promote],
      ...real!.code(x),
      ...OPS.store8(offset),
    ]);
  return sized([
    ...locals,
    ...(whole ? [] : times(width * channels * size, channels * size, pattern)),
    ...[...asked.get, ...constant(target[1]), ...OPS.subtract, ...y.tee],
    ...[...constant(target[3]), ...OPS.lessUnsigned, ...OPS.if],
    ...(float
      ? [...constant(0), ...to.get, ...constant(offset), ...OPS.add, ...OPS.store32(step + fieldOffset("y"))]
      : []),
    ...[...constant(step), ...y.get, ...y.get, ...constant(1), ...OPS.add, ...call(kernel)],
    ...(float ? [] : quantized()),
    ...[...OPS.end, ...OPS.end],
  ]);
}

type Local = ReturnType<typeof local>;

/** Two integers and a double, beside the parameters. */
const locals = [2, 2, 0x7f, 1, 0x7c];

/** As `fromReal` has it: the nearest number of 8 bits, ties away from zero. */
function toBytes({ dtype, quantization }: ManifestValue) {
  const [lo, hi] = rangeOf(dtype as "int8" | "uint8");
  const [scale, zero] = [quantization!.scales[0]!, quantization!.zeroPoints[0]!];
  const number = (real: number) => {
    const q = real / scale;
    return Math.min(hi, Math.max(lo, Math.sign(q) * Math.floor(Math.abs(q) + 0.5) + zero));
  };
  // On the stack: the real number, as a double.
  const code = (x: Local) => [
    ...[...constantF64(scale), ...OPS.divideF64, ...x.tee],
    ...[...OPS.absoluteF64, ...constantF64(0.5), ...OPS.addF64, ...OPS.floorF64, ...x.get, ...OPS.copySignF64],
    ...[...constantF64(zero), ...OPS.addF64, ...constantF64(lo), ...OPS.maximumF64],
    ...[...constantF64(hi), ...OPS.minimumF64, ...OPS.truncate],
  ];
  return { number, code };
}

/**
 * The function that makes the input row by row, and runs the network on it.
 * @param functions numbers of the function that makes a row, and of those that feed rows, where they come so
 */
export function runCode(
  { rows, rowBytes, description }: Stage,
  functions: { readonly row: number; readonly feed?: Readonly<Record<"begin" | "address" | "next", number>> },
  compute: readonly number[],
): Uint8Array {
  const [r, k, wanted] = [0, 1, 2].map(local) as [Local, Local, Local];
  const next = (of: Local) => [...of.get, ...constant(1), ...OPS.add, ...of.tee];
  const rowAt = (start: readonly number[], index: Local) => [
    ...[...r.get, ...start, ...index.get, ...constant(rowBytes), ...OPS.multiply, ...OPS.add, ...call(functions.row)],
  ];
  const own: Types = [1, 3, 0x7f];
  if (functions.feed === undefined) {
    return sized([
      ...own,
      ...[...OPS.loop, ...rowAt(constant(description.input.address), r)],
      ...[...next(r), ...constant(rows), ...OPS.lessUnsigned, ...OPS.branchIf(0), ...OPS.end],
      ...[...compute, ...OPS.end],
    ]);
  }
  const { begin, address, next: computed } = functions.feed;
  return sized([
    ...own,
    ...[...call(begin), ...wanted.set, ...OPS.block, ...OPS.loop],
    ...[...wanted.get, ...OPS.isZero, ...OPS.branchIf(1)],
    ...[...constant(0), ...k.set, ...OPS.loop, ...rowAt(call(address), k)],
    ...[...next(r), ...OPS.drop, ...next(k), ...wanted.get, ...OPS.lessUnsigned, ...OPS.branchIf(0), ...OPS.end],
    ...[...call(computed), ...wanted.set, ...OPS.branch(0), ...OPS.end, ...OPS.end, ...OPS.end],
  ]);
}
