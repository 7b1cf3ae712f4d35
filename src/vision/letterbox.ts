/**
 * A picture inside a detector's input: shrunk or enlarged by one factor until it fits, in the top left corner, black beside or below it.
 *
 * Samples as TensorFlow's `resize_bilinear` does by default: output pixel o reads at o·factor, blending the two pixels around that place. There are
 * smoother ways to shrink, but detectors of this kind were trained on such input: with another one, scores near the threshold move by more than 0.1.
 * @module
 */
import type { Normalisation } from "../graph/graph.ts";

/** Pixels: gray, RGB or RGBA (alpha is ignored), one byte a channel, row-major. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A network input made of a picture. */
export interface Letterbox {
  /** [height, width, 3], normalised. */
  readonly data: Float32Array;
  /** Pixels of the picture in one pixel of the input, along both axes. */
  readonly factor: number;
}

/** Where one row or column of the input reads, and with what weights; outside the picture they are 0. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly firstWeight: Float32Array;
  readonly secondWeight: Float32Array;
}

/**
 * Fits a picture into an input of the given size.
 * @throws TypeError for what isn't pixels, RangeError for pixels of another length than width × height of 1, 3 or 4 channels
 */
export function letterbox(
  picture: Picture,
  [height, width]: readonly [height: number, width: number],
  { mean, std }: Normalisation,
): Letterbox {
  const channels = channelsOf(picture);
  const factor = Math.max(picture.width / width, picture.height / height);
  const columns = taps(width, picture.width, factor, channels);
  const rows = taps(height, picture.height, factor, picture.width * channels);
  const source = picture.data;
  const data = new Float32Array(height * width * 3);
  for (let c = 0; c < 3; ++c) {
    const scale = 1 / at(std, c);
    const shift = -at(mean, c) / at(std, c);
    const channel = channels === 1 ? 0 : c;
    for (let y = 0, to = c; y < height; ++y) {
      const upper = rows.first[y]! + channel;
      const lower = rows.second[y]! + channel;
      const upperWeight = rows.firstWeight[y]!;
      const lowerWeight = rows.secondWeight[y]!;
      for (let x = 0; x < width; ++x, to += 3) {
        const left = columns.first[x]!;
        const right = columns.second[x]!;
        const ofLeft = source[upper + left]! * upperWeight + source[lower + left]! * lowerWeight;
        const ofRight = source[upper + right]! * upperWeight + source[lower + right]! * lowerWeight;
        data[to] = (ofLeft * columns.firstWeight[x]! + ofRight * columns.secondWeight[x]!) * scale + shift;
      }
    }
  }
  return { data, factor };
}

/** Taps of `length` outputs over `size` pixels that lie `pitch` bytes apart. */
function taps(length: number, size: number, factor: number, pitch: number): Taps {
  const result: Taps = {
    first: new Int32Array(length),
    second: new Int32Array(length),
    firstWeight: new Float32Array(length),
    secondWeight: new Float32Array(length),
  };
  // The canvas that the picture and the black beside it fill; its last pixel is repeated, the picture's is not.
  const canvas = Math.round(length * factor);
  for (let i = 0; i < length; ++i) {
    const first = Math.min(Math.floor(i * factor), canvas - 1);
    const second = Math.min(first + 1, canvas - 1);
    const weight = i * factor - first;
    result.first[i] = Math.min(first, size - 1) * pitch;
    result.second[i] = Math.min(second, size - 1) * pitch;
    result.firstWeight[i] = first < size ? 1 - weight : 0;
    result.secondWeight[i] = second < size ? weight : 0;
  }
  return result;
}

function channelsOf({ width, height, data }: Picture): number {
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw new TypeError(
      `picture: expected width, height and bytes of pixels, got ${data === undefined ? "none" : typeof data}`,
    );
  }
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`picture.${name}: expected a whole number from 1, got ${value}`);
  }
  const channels = data.length / (width * height);
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw new RangeError(`picture: expected ${width}×${height} pixels of 1, 3 or 4 bytes, got ${data.length} bytes`);
  }
  return channels;
}

function at(values: number | readonly number[], channel: number): number {
  return typeof values === "number" ? values : values[channel]!;
}
