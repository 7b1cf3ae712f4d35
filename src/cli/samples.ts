/**
 * Samples to calibrate by: a folder of pictures, or a NumPy file of inputs.
 * @module
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { ShapeError } from "../errors.ts";
import type { Graph, Normalization } from "../graph/graph.ts";
import { decodeImage, type PixelRange, type Sample, toInput } from "../index.ts";
import { assumption, pixelRange } from "../vision/session-input.ts";
import { readBytes } from "./files.ts";
import { parseNpy } from "./npy.ts";
import type { Progress } from "./progress.ts";

/** Inputs of a network. */
export interface Samples {
  readonly samples: readonly Sample[];
  /** How pixels were brought into the network's range; `null` for numbers, which are taken as they are. */
  readonly range: PixelRange | null;
}

/**
 * Reads the samples at `path`. A pixel range that nobody says is told of on stderr.
 * @throws RangeError when there is nothing to read, ShapeError when it does not fit the network's first input
 */
export async function readSamples(
  graph: Graph,
  path: string,
  asked: Normalization | undefined,
  bar: Progress,
): Promise<Samples> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new RangeError(`--samples: expected a folder or a .npy file, got nothing at ${path}`);
  return found.isDirectory()
    ? fromPictures(graph, path, asked, bar)
    : { samples: await fromNpy(graph, path), range: null };
}

async function fromNpy(graph: Graph, path: string): Promise<Sample[]> {
  const { name, shape } = graph.inputs[0]!;
  const size = shape.reduce((a, b) => a * b, 1);
  const { data, shape: got } = parseNpy(await readBytes(path), path);
  if (!(data instanceof Float32Array) || data.length === 0 || data.length % size !== 0) {
    throw new ShapeError(
      `${path}: expected float32 [N,${shape.join(",")}] for input "${name}", got [${got.join(",")}]`,
    );
  }
  return Array.from({ length: data.length / size }, (_, i) => data.slice(i * size, (i + 1) * size));
}

async function fromPictures(
  graph: Graph,
  folder: string,
  asked: Normalization | undefined,
  bar: Progress,
): Promise<Samples> {
  const { name, shape, dtype } = graph.inputs[0]!;
  const files = (await readdir(folder)).filter((file) => /\.(jpe?g|png|bmp|gif)$/i.test(file)).sort();
  if (files.length === 0) throw new RangeError(`--samples: expected pictures in ${folder}, got none`);
  const [, height = 0, width = 0, channels] = shape;
  if (shape.length !== 4 || (channels !== 1 && channels !== 3)) {
    throw new ShapeError(`input ${name}: expected an image to make of pictures, got [${shape.join(",")}]; give a .npy`);
  }
  const range = pixelRange(graph.source, { dtype }, asked);
  if (range.from === "assumed") process.stderr.write(`${assumption(graph.name)}\n`);
  const { mean, std } = range;
  const samples: Sample[] = [];
  for (const [i, file] of files.entries()) {
    bar.update(i, files.length, `reading ${file}`);
    const picture = await decodeImage(await readBytes(join(folder, file)), { name: file });
    samples.push(await toInput(picture, { width, height, channels, normalization: { mean, std } }));
  }
  return { samples, range };
}
