/**
 * `sepconv run`: raw tensors in and out, as NumPy files.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { ShapeError } from "../errors.ts";
import type { Shape } from "../graph/graph.ts";
import type { Numbers, Session, ValueInfo } from "../index.ts";
import { fileNames, makeFolder, readBytes, writeBytes } from "./files.ts";
import { MEMORY_JSON, memoryJson, memoryText } from "./memory.ts";
import { addResolution, loadModel } from "./network.ts";
import { formatNpy, type NpyArray, parseNpy } from "./npy.ts";
import {
  addCommon,
  addMemory,
  addVariant,
  type MemoryOptions,
  names,
  subcommand,
  type VariantOptions,
  whole,
} from "./options.ts";
import { paint, print, printable } from "./output.ts";
import { type Statistics, statisticsOf } from "./statistics.ts";
import { left, milliseconds, right, table } from "./table.ts";
import { columnsOf, wrap } from "./width.ts";

interface RunOptions extends VariantOptions, MemoryOptions {
  readonly input: readonly string[];
  readonly output?: string;
  readonly endPoints?: readonly string[];
  readonly outDir?: string;
  readonly batch?: number;
  readonly resolution?: number;
}

/** A value that was computed, and where it was written. */
interface Result extends ValueInfo, Statistics {
  readonly kind: "output" | "end point";
  readonly data: Numbers;
  readonly files: readonly string[];
}

const NOTES = `\
Inputs are .npy files of the model's dtype and shape; a batch dimension of 1 may be missing. float64 is rounded to \
float32. --output writes the first output; --out-dir writes every output and requested end point as NAME.npy ("/" \
becomes "_"). min, max, mean and argmax are of all numbers but NaN, whose count is told.
JSON: {variant, threads, ${MEMORY_JSON}, ms, outputs: [{name, shape, dtype, min, max, mean, argmax, nans, files}], \
endPoints: [the same]}
What is no finite number is null there.`;

/** Adds the subcommand to `program`. */
export function runCommand(program: Command): void {
  const examples = [
    "sepconv run model.tflite --input x.npy --output y.npy",
    "sepconv run model.h5 --input x.npy --end-points block1,block11 --out-dir activations",
    "sepconv run two-inputs.tflite --input left=a.npy --input right=b.npy --out-dir answers",
  ];
  const command = subcommand(program, "run", "raw tensors in and out, as NumPy .npy files", examples, NOTES);
  const collect = (text: string, list: readonly string[] = []) => [...list, text];
  command
    .argument("<MODEL>", "model file")
    .requiredOption("--input <[name=]file>", "input tensor; once for each input", collect)
    .option("--output <file>", "where to write the first output")
    .option("--end-points <names>", "further values to write, separated by commas", names("--end-points"))
    .option("--out-dir <folder>", "where to write all outputs and end points")
    .option("--batch <N>", "images per run, when the input holds more than one", whole("--batch"));
  addCommon(addMemory(addVariant(addResolution(command)))).action(run);
}

async function run(model: string, options: RunOptions): Promise<void> {
  const { endPoints, outDir, variant, batch, resolution, maxMemory, memory, threads } = options;
  if (endPoints && outDir === undefined) {
    throw new RangeError("--end-points: expected --out-dir as well, the folder to write them to, got none");
  }
  const net = await loadModel(model, {
    variant,
    endPoints,
    batch,
    maxMemory,
    memory,
    threads,
    ...(resolution && { resolution }),
  });
  const inputs = await readInputs(net, options.input);
  const start = performance.now();
  const answer = net.run<Numbers>(inputs);
  const ms = Math.round((performance.now() - start) * 1000) / 1000;
  const results = await write(
    [
      ...net.outputs.map((value) => ({ ...value, kind: "output" as const, data: answer.outputs[value.name]! })),
      ...net.endPoints.map((value) => ({ ...value, kind: "end point" as const, data: answer.endPoints[value.name]! })),
    ],
    options,
  );
  const json = {
    variant: net.variant,
    threads: net.threads,
    memory: memoryJson(net.memory),
    ms,
    outputs: results.filter(({ kind }) => kind === "output").map(described),
    endPoints: results.filter(({ kind }) => kind === "end point").map(described),
  };
  print({ json, text: () => report(net, ms, results) }, options.json ?? false);
}

/** A value as JSON has it. */
function described({ name, shape, dtype, min, max, mean, argmax, nans, files }: Result) {
  return { name, shape, dtype, min, max, mean, argmax, nans, files };
}

/** Reads one file for each input; those without a name go to the inputs that are left, in order. */
async function readInputs(net: Session, given: readonly string[]): Promise<Record<string, Numbers>> {
  const paths = new Map<string, string>();
  const unnamed: string[] = [];
  for (const text of given) {
    const [, name = "", path = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    if (net.inputs.some((input) => input.name === name)) {
      if (paths.has(name)) throw new RangeError(`--input: expected "${name}" once, got it twice`);
      paths.set(name, path);
    } else if (path === "" || existsSync(text)) unnamed.push(text);
    else throw new RangeError(`--input: expected one of ${nameList(net)}, got "${name}"`);
  }
  for (const { name } of net.inputs) {
    const path = paths.get(name) ?? unnamed.shift();
    if (path === undefined)
      throw new RangeError(`--input: expected a file for each of ${nameList(net)}, none for "${name}"`);
    paths.set(name, path);
  }
  if (unnamed.length > 0) {
    throw new RangeError(`--input: expected a file for each of ${nameList(net)}, got ${given.length} files`);
  }
  const read = net.inputs.map(async (input) => {
    const path = paths.get(input.name)!;
    return [input.name, matching(parseNpy(await readBytes(path), path), input, path)] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

function nameList(net: Session): string {
  return net.inputs.map(({ name }) => `"${name}"`).join(", ");
}

/** The array's numbers, if it has the input's dtype and shape (a leading 1 may be on one side only). */
function matching({ dtype, shape, data }: NpyArray, input: ValueInfo, path: string): Numbers {
  const equal = (a: Shape, b: Shape) => a.length === b.length && a.every((size, i) => size === b[i]);
  const fits = [shape, [1, ...shape]].some((a) => equal(a, input.shape)) || equal(shape, [1, ...input.shape]);
  if (fits && dtype === input.dtype && !(data instanceof Int32Array)) return data;
  throw new ShapeError(
    `${path}: expected ${input.dtype} [${input.shape.join(",")}] for input "${input.name}", ` +
      `got ${dtype} [${shape.join(",")}]`,
  );
}

/** Writes what was asked for. */
async function write(
  values: readonly Omit<Result, "files" | keyof Statistics>[],
  options: RunOptions,
): Promise<Result[]> {
  const { output, outDir } = options;
  const all =
    outDir === undefined
      ? []
      : fileNames(
          values.map(({ name }) => name),
          ".npy",
        );
  if (outDir !== undefined) await makeFolder(outDir);
  const results: Result[] = [];
  for (const [i, value] of values.entries()) {
    const files = outDir === undefined ? [] : [join(outDir, all[i]!)];
    if (i === 0 && output !== undefined) files.push(output);
    for (const file of files) await writeBytes(file, formatNpy(value.data, value.shape));
    results.push({ ...value, ...statisticsOf(value.data), files });
  }
  return results;
}

function report(net: Session, ms: number, results: readonly Result[]): string {
  const { dim } = paint(process.stdout);
  const room = columnsOf(process.stdout);
  const nans = results.some((result) => result.nans > 0);
  const files = results.some((result) => result.files.length > 0);
  const columns = [
    ...[left("", { spare: 1 }), left("name", { elastic: true }), left("type and shape")],
    ...["min", "max", "mean", "argmax"].map((title) => right(title)),
    ...(nans ? [right("NaN")] : []),
  ];
  const rows = results.map((result) => [
    ...[result.kind, printable(result.name), `${result.dtype} [${result.shape.join(", ")}]`],
    ...[result.min, result.max, result.mean].map(short),
    result.argmax === null ? "–" : String(result.argmax),
    ...(nans ? [String(result.nans)] : []),
  ]);
  // Paths are there to be copied: each is a line, whole.
  const written = results.flatMap(({ name, files }) => files.map((file) => `${printable(name)} → ${printable(file)}`));
  const head = wrap(`${net.variant}, ${threadsText(net)}${milliseconds(ms)}, memory ${memoryText(net.memory)}`, room);
  return [head, "", table(columns, rows, dim, room), ...(files ? ["", ...written] : [])].join("\n");
}

/** Threads where there are several, or were asked for in vain. */
function threadsText({ threads, fewerThreads }: Session): string {
  const why = fewerThreads === undefined ? "" : ` (${fewerThreads})`;
  return threads > 1 || why ? `${threads} thread${threads > 1 ? "s" : ""}${why}, ` : "";
}

/** Four digits; a dash for NaN, where there was no number. */
function short(value: number): string {
  return Number.isNaN(value) ? "–" : String(Number(value.toPrecision(4)));
}
