/**
 * `sepconv freeze`: a network as one WebAssembly module that needs nothing.
 * @module
 */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { Normalization } from "../graph/graph.ts";
import { type FrozenPicture, freeze, type MemoryMode, type PictureFormat, type Top } from "../index.ts";
import type { Fit } from "../vision/fit.ts";
import { writeBytes } from "./files.ts";
import { type ArchitectureOptions, addArchitecture, importGraph, networkOf } from "./network.ts";
import { addCommon, addVariant, bytes, names, range, subcommand, type VariantOptions } from "./options.ts";
import { print, printable } from "./output.ts";
import { megabytes } from "./table.ts";

interface Options extends Omit<ArchitectureOptions, "top">, VariantOptions {
  readonly output: string;
  readonly endPoints?: readonly string[];
  readonly end?: Top;
  readonly memory?: MemoryMode;
  readonly maxMemory?: number;
  readonly feed?: boolean;
  readonly image?: PictureFormat;
  readonly from?: readonly [width: number, height: number];
  readonly range?: Normalization;
  readonly fit?: Fit;
  readonly force?: boolean;
}

const NOTES = `\
The module imports nothing: any WebAssembly runtime runs it, and wasm2c makes C of it (with --variant scalar, for \
versions without vectors). What it exports is in docs/frozen.md of the package, and for C in frozen/sepconv_frozen.h. \
run, classify and info take such files too.
With --image and --from, pictures of one size go in instead of the input: --image rgba8 --from 640x480 for a camera's \
frames. The module brings them to the network's size, as --fit says, and into its range: the model's, or --range.
JSON: {output, bytes, variant}`;

/** Adds the subcommand to `program`. */
export function freezeCommand(program: Command): void {
  const examples = [
    "sepconv freeze person.tflite --output person.wasm",
    "sepconv freeze person.tflite --output person.wasm --variant scalar --end argmax",
    "sepconv freeze person.tflite --output camera.wasm --image rgba8 --from 640x480",
  ];
  const command = subcommand(program, "freeze", "a network as one WebAssembly module of its own", examples, NOTES);
  command.usage("[options] (MODEL | --alpha A --resolution R)").argument("[MODEL]", "model file");
  const end = command.createOption("--end <name>", "what the first output is, instead of the network's own");
  const mode = command.createOption("--memory <mode>", "what counts more: time (fast), memory (small), or both");
  const image = command.createOption("--image <format>", "pictures go in: bytes of red, green, blue and alpha, …");
  const fit = command.createOption("--fit <name>", "how a picture of another shape becomes the input");
  addArchitecture(command)
    .requiredOption("-o, --output <file>", "file to write, ending in .wasm")
    .addOption(end.choices(["logits", "argmax"]))
    .option("--end-points <names>", "further values that it answers, separated by commas", names("--end-points"))
    .addOption(mode.choices(["fast", "balanced", "small"]))
    .option("--max-memory <size>", "refuse a network that takes more: bytes, or 64MB, …", bytes("--max-memory"))
    .option("--feed", "the input comes in row by row, and never exists as a whole")
    .addOption(image.choices(["rgba8", "rgb8", "gray8"]))
    .option("--from <WxH>", "columns and rows of the pictures, such as 640x480", size)
    .addOption(fit.choices(["stretch", "cover", "contain"]))
    .option("--range <[lo,hi]>", "what pixels 0 … 255 become: [-1,1], [0,1], [0,255], …", range)
    .option("--force", "replace the file if it is there");
  addCommon(addVariant(command)).action(run);
}

/** "640x480" → columns and rows. */
function size(text: string): readonly [width: number, height: number] {
  const [, width, height] = /^\s*(\d+)\s*[x×]\s*(\d+)\s*$/i.exec(text) ?? [];
  if (Number(width) >= 1 && Number(height) >= 1) return [Number(width), Number(height)];
  throw new RangeError(`--from: expected columns and rows such as 640x480, got "${text}"`);
}

/** The pictures that were asked for. */
function pictureOf({ image, from, range: normalization, fit }: Options): FrozenPicture | undefined {
  if (image === undefined) {
    const other = Object.entries({ from, range: normalization, fit }).find(([, value]) => value !== undefined);
    if (other) throw new RangeError(`--${other[0]}: expected it with --image, got it alone`);
    return undefined;
  }
  if (from === undefined) throw new RangeError("--image: expected --from with the size of the pictures, got none");
  return {
    ...{ format: image, width: from[0], height: from[1] },
    ...(normalization && { normalization }),
    ...(fit && { fit }),
  };
}

async function run(model: string | undefined, options: Options): Promise<void> {
  const { output, endPoints, end, memory, maxMemory, variant, feed, force, json = false, ...others } = options;
  const { image: _, from: __, range: ___, fit: ____, ...architecture } = others;
  const image = pictureOf(options);
  if (!/\.wasm$/i.test(output)) throw new RangeError(`--output: expected a file name ending in .wasm, got "${output}"`);
  if (!force && existsSync(output)) {
    throw new RangeError(`${output}: expected a file that is not there yet (or --force), got one that is`);
  }
  const network = networkOf(model, architecture);
  const { resolution } = architecture;
  const graph = "graph" in network ? network.graph : await importGraph(network.model, resolution);
  const bytes = await freeze(graph, { endPoints, top: end, memory, maxMemory, variant, feed, image });
  await writeBytes(output, bytes);
  const answer = { output, bytes: bytes.length, variant: variant ?? "simd" };
  print({ json: answer, text: () => `${printable(output)}  ${megabytes(bytes.length)}, ${answer.variant}` }, json);
}
