import { ALIGN, BASE, LinearMemory, SLACK } from "../engine/host/memory.ts";
import { KERNELS, STEP_BYTES, type StepFields, writeStep } from "../engine/step.ts";
import { type KernelOptions, type Kernels, stableKernelsFor } from "../engine/variant.ts";
import { ShapeError } from "../errors.ts";
import type { Normalization } from "../graph/graph.ts";
import { type FitOptions, type Placement, place, type Size, sizeOf } from "./fit.ts";
import { checkPicture, type Picture, type PictureLike, pictureGiven } from "./given.ts";
import { type Method, type Taps, taps } from "./taps.ts";

/** The input to make, and how. */
export interface InputOptions extends Size, FitOptions, KernelOptions {
  /** 3 (RGB, the default; gray is repeated) or 1 (luma 0.299 R + 0.587 G + 0.114 B). */
  readonly channels?: 1 | 3 | undefined;
  /** Pixels (0 … 255) become (pixel − mean)/std; one number or one per channel. */
  readonly normalization: Normalization;
  /** `auto` by default. */
  readonly method?: Method | undefined;
  /**
   * What `contain` fills the rest with, before normalization: one number (0 … 255) or one per channel; 0 by default.
   */
  readonly padColor?: number | readonly number[] | undefined;
}

/**
 * Bytes of a picture that are in the instance's memory at a time: far less than a photograph, enough to make the calls
 * few.
 */
const STRIP_BYTES = 1 << 20;

/** `toInput` of `tasks.ts`. */
export async function toInput(given: PictureLike, options: InputOptions, output?: Float32Array): Promise<Float32Array> {
  const picture = await pictureGiven("picture", given);
  const channels = checkPicture(picture);
  return (await createResizer({ ...sizeOf(picture), channels }, options)).run(picture, output);
}

/** `createResizer` of `tasks.ts`. */
export async function createResizer(
  picture: Size & { readonly channels: 1 | 3 | 4 },
  options: InputOptions,
  kernels?: Kernels,
): Promise<Resizer> {
  return new Resizer(await prepareResampling(picture, options, kernels));
}

/** An instance of the kernels that resamples pictures of one size, its tables written. */
export interface Resampling {
  readonly layout: Layout;
  /** Which part of the picture goes where. */
  readonly placement: Placement;
  readonly memory: LinearMemory;
  /** What stands beside the picture, channel by channel, as the network gets it. */
  readonly fill: readonly number[];
}

/**
 * Prepares resampling.
 * @param single room for one row of the output, and no more of the picture than it takes, instead of all of it and a
 *   strip
 * @throws as {@link createResizer}
 */
export async function prepareResampling(
  picture: Size & { readonly channels: 1 | 3 | 4 },
  options: InputOptions,
  kernels?: Kernels,
  single = false,
): Promise<Resampling> {
  const sampling = samplingOf(picture, options);
  const { placement, affine, fill } = sampling;
  const layout = layOut(sampling, single);
  const { module } = kernels ?? (await stableKernelsFor(options));
  const memory = await LinearMemory.create(module, layout.bytes);
  const { at, horizontal, vertical, column } = layout;
  memory.floats(at.affine, affine.length).set(affine);
  for (const [address, table] of [
    [at.horizontal, tapTable(horizontal, column)],
    [at.vertical, tapTable(vertical, 0)],
  ] as const) {
    memory.bytes(address, table.length).set(table);
  }
  return { layout, placement, memory, fill };
}

/** What resampling computes, wherever it lies. */
export interface Sampling {
  readonly picture: Size & { readonly channels: number };
  readonly input: Size & { readonly channels: number };
  readonly placement: Placement;
  /** Columns of the picture that are read: the first, and how many. */
  readonly column: number;
  readonly columns: number;
  readonly horizontal: Taps;
  readonly vertical: Taps;
  /** The normalization as [scale C][shift C]. */
  readonly affine: Float32Array;
  /** What stands beside the picture, channel by channel, as the network gets it. */
  readonly fill: readonly number[];
}

/**
 * What resampling of pictures of one size computes.
 * @throws as {@link createResizer}
 */
export function samplingOf(picture: Size & { readonly channels: 1 | 3 | 4 }, options: InputOptions): Sampling {
  const channels = options.channels ?? 3;
  if (channels !== 1 && channels !== 3) throw new RangeError(`channels: expected 1 or 3, got ${channels}`);
  const placement = place(picture, options, options);
  const { source, target } = placement;
  const method = options.method ?? "auto";
  const horizontal = taps(method, picture.width, source[0], source[2], target[2]);
  const vertical = taps(method, picture.height, source[1], source[3], target[3]);
  const column = horizontal.starts[0]!;
  const columns = horizontal.starts.at(-1)! + horizontal.counts.at(-1)! - column;
  const affine = affineOf(options.normalization, channels);
  const padding = perChannel("padColor", options.padColor ?? 0, channels);
  // Rounded as the kernel rounds.
  const fill = padding.map((value, c) => Math.fround(Math.fround(value * affine[c]!) + affine[channels + c]!));
  const input = { ...sizeOf(options), channels };
  return { picture, input, placement, column, columns, horizontal, vertical, affine, fill };
}

/** Where everything lies in the instance's memory, and what is read from the picture. */
export interface Layout extends Pick<Sampling, "picture" | "input" | "column" | "columns" | "horizontal" | "vertical"> {
  readonly target: Placement["target"];
  /** Rows of the picture that fit into the strip. */
  readonly stripRows: number;
  /** Byte addresses. */
  readonly at: Readonly<Record<"step" | "affine" | "horizontal" | "vertical" | "output" | "scratch" | "strip", number>>;
  readonly bytes: number;
}

function layOut(sampling: Sampling, single: boolean): Layout {
  const { picture, input, placement, column, columns, horizontal, vertical } = sampling;
  const { target } = placement;
  const pitch = columns * picture.channels;
  const rows = vertical.starts.at(-1)! + vertical.counts.at(-1)! - vertical.starts[0]!;
  const most = single ? vertical.most : Math.max(vertical.most, Math.floor(STRIP_BYTES / pitch));
  const stripRows = Math.min(rows, most);
  let bytes = BASE;
  const take = (length: number) => {
    const address = bytes;
    bytes += Math.ceil((length + SLACK) / ALIGN) * ALIGN;
    return address;
  };
  const at = {
    step: take(STEP_BYTES),
    affine: take(4 * 2 * input.channels),
    horizontal: take(4 * target[2] * (2 + horizontal.most)),
    vertical: take(4 * target[3] * (2 + vertical.most)),
    output: take(4 * input.width * (single ? 1 : input.height) * input.channels),
    scratch: take(4 * (4 + pitch)),
    strip: take(stripRows * pitch),
  };
  return { picture, input, target, column, columns, horizontal, vertical, stripRows, at, bytes };
}

/** Turns pictures of one size into inputs of one shape. */
export class Resizer {
  /** Which part of the picture goes where; `toPicture` takes boxes back. */
  readonly placement: Placement;
  /** Bytes of wasm memory: the input, one float row and a strip of the picture, however large the picture is. */
  readonly bytes: number;
  readonly #layout: Layout;
  readonly #memory: LinearMemory;

  /** Use {@link createResizer}. */
  constructor({ layout, placement, memory, fill }: Resampling) {
    this.placement = placement;
    this.bytes = layout.bytes;
    this.#layout = layout;
    this.#memory = memory;
    // The kernel never writes beside the target, so the filling stays for all pictures.
    const output = this.#output();
    for (let i = 0; i < output.length; ++i) output[i] = fill[i % layout.input.channels]!;
  }

  /**
   * The input [height, width, channels] of a picture.
   * @param output filled and returned instead of a new array
   * @throws {@link ShapeError} for a picture of another size than the resizer was made for, or an output of a wrong
   *   length
   */
  run(picture: Picture, output?: Float32Array): Float32Array {
    const layout = this.#layout;
    const got = { ...sizeOf(picture), channels: checkPicture(picture) };
    if (describe(got) !== describe(layout.picture)) {
      throw new ShapeError(`picture: expected ${describe(layout.picture)}, got ${describe(got)}`);
    }
    const made = this.#output();
    if (output !== undefined && output.length !== made.length) {
      const { height, width, channels } = layout.input;
      throw new ShapeError(
        `output: expected ${made.length} floats [${height}, ${width}, ${channels}], got ${output.length}`,
      );
    }
    const { starts, counts } = layout.vertical;
    for (let y0 = 0; y0 < starts.length; ) {
      const first = starts[y0]!;
      let y1 = y0 + 1;
      while (y1 < starts.length && starts[y1]! + counts[y1]! <= first + layout.stripRows) ++y1;
      const rows = starts[y1 - 1]! + counts[y1 - 1]! - first;
      this.#copyRows(picture.data, first, rows);
      writeImageStep(this.#memory, layout, first, rows, layout.at.output);
      this.#memory.exports.run_rows(layout.at.step, y0, y1);
      y0 = y1;
    }
    if (output === undefined) return made.slice();
    output.set(made);
    return output;
  }

  #output(): Float32Array {
    const { at, input } = this.#layout;
    return this.#memory.floats(at.output, input.width * input.height * input.channels);
  }

  #copyRows(data: Picture["data"], first: number, rows: number): void {
    const { picture, column, columns, at } = this.#layout;
    const pitch = columns * picture.channels;
    const rowBytes = picture.width * picture.channels;
    const strip = this.#memory.bytes(at.strip, rows * pitch);
    if (columns === picture.width) {
      strip.set(data.subarray(first * rowBytes, (first + rows) * rowBytes));
      return;
    }
    for (let row = 0; row < rows; ++row) {
      const from = (first + row) * rowBytes + column * picture.channels;
      strip.set(data.subarray(from, from + pitch), row * pitch);
    }
  }
}

/**
 * The step record for output rows whose picture rows, `rows` of them from the first one on, lie in the strip.
 * @param output where row 0 of the output would lie
 */
export function writeImageStep(
  memory: LinearMemory,
  layout: Layout,
  first: number,
  rows: number,
  output: number,
): void {
  const { target, columns, picture, at } = layout;
  writeStep(memory.view, at.step, {
    ...imageFields(layout, target),
    ...{ x: at.strip, x2: at.affine, w: at.horizontal, w2: at.vertical, s: at.scratch },
    y: output + byteOffset(layout, target),
    ...{ inH: rows, padT: first, xPitch: columns * picture.channels },
  });
}

/** The geometry of the step record, without addresses and without what lies where in the picture. */
export function imageFields(
  {
    picture,
    input,
    columns,
    horizontal,
    vertical,
  }: Pick<Layout, "picture" | "input" | "columns"> & Pick<Layout, "horizontal" | "vertical">,
  target: Placement["target"],
): StepFields {
  return {
    ...{ kernel: KERNELS.image_f32, rows: target[3], inW: columns, inC: picture.channels },
    ...{ outH: target[3], outW: target[2], outC: input.channels },
    ...{ kH: vertical.most, kW: horizontal.most, yPitch: input.width * input.channels },
  };
}

/** Bytes from an input's first float to the first one of the target. */
function byteOffset({ input }: Pick<Layout, "input">, target: Placement["target"]): number {
  return 4 * (target[1] * input.width + target[0]) * input.channels;
}

/** Bytes of [outputs × (start, count)][outputs × most weights], starts counted from `origin`. */
export function tapTable({ starts, counts, weights }: Taps, origin: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * starts.length + 4 * weights.length));
  starts.forEach((start, i) => {
    view.setInt32(8 * i, start - origin, true);
    view.setInt32(8 * i + 4, counts[i]!, true);
  });
  weights.forEach((weight, i) => {
    view.setFloat32(8 * starts.length + 4 * i, weight, true);
  });
  return new Uint8Array(view.buffer);
}

/** The normalization as [scale C][shift C]. */
function affineOf({ mean, std }: Normalization, channels: number): Float32Array {
  const means = perChannel("normalization mean", mean, channels);
  const stds = perChannel("normalization std", std, channels);
  if (stds.includes(0)) throw new RangeError("normalization std: expected numbers other than 0, got 0");
  return Float32Array.from([...stds.map((s) => 1 / s), ...means.map((m, c) => -m / stds[c]!)]);
}

function perChannel(where: string, value: number | readonly number[], channels: number): readonly number[] {
  const values = typeof value === "number" ? new Array<number>(channels).fill(value) : value;
  if (!Array.isArray(values) || values.length !== channels || !values.every(Number.isFinite)) {
    throw new RangeError(`${where}: expected a number, or ${channels} of them, got ${JSON.stringify(value)}`);
  }
  return values;
}

function describe({ width, height, channels }: Layout["picture"]): string {
  return `${width}×${height} pixels of ${channels} bytes`;
}
