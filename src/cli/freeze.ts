/**
 * `sepconv freeze`: a network as one WebAssembly module that needs nothing.
 * @module
 */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { importModel } from "../formats/recognize.ts";
import { freeze, type MemoryMode, type Top } from "../index.ts";
import { writeBytes } from "./files.ts";
import { type ArchitectureOptions, addArchitecture, networkOf, withProgress } from "./network.ts";
import { addCommon, addVariant, bytes, names, subcommand, type VariantOptions } from "./options.ts";
import { print, printable } from "./output.ts";
import { megabytes } from "./table.ts";

interface Options extends Omit<ArchitectureOptions, "top">, VariantOptions {
  readonly output: string;
  readonly endPoints?: readonly string[];
  readonly end?: Top;
  readonly memory?: MemoryMode;
  readonly maxMemory?: number;
  readonly feed?: boolean;
  readonly force?: boolean;
}

const NOTES = `\
The module imports nothing: any WebAssembly runtime runs it, and wasm2c makes C of it (with --variant scalar, for \
versions without vectors). What it exports is in docs/frozen.md of the package, and for C in frozen/sepconv_frozen.h. \
run, classify and info take such files too.
JSON: {output, bytes, variant}`;

/** Adds the subcommand to `program`. */
export function freezeCommand(program: Command): void {
  const examples = [
    "sepconv freeze person.tflite --output person.wasm",
    "sepconv freeze person.tflite --output person.wasm --variant scalar --end argmax",
  ];
  const command = subcommand(program, "freeze", "a network as one WebAssembly module of its own", examples, NOTES);
  command.usage("[options] (MODEL | --alpha A --resolution R)").argument("[MODEL]", "model file");
  const end = command.createOption("--end <name>", "what the first output is, instead of the network's own");
  const mode = command.createOption("--memory <mode>", "what counts more: time (fast), memory (small), or both");
  addArchitecture(command)
    .requiredOption("-o, --output <file>", "file to write, ending in .wasm")
    .addOption(end.choices(["logits", "argmax"]))
    .option("--end-points <names>", "further values that it answers, separated by commas", names("--end-points"))
    .addOption(mode.choices(["fast", "balanced", "small"]))
    .option("--max-memory <size>", "refuse a network that takes more: bytes, or 64MB, …", bytes("--max-memory"))
    .option("--feed", "the input comes in row by row, and never exists as a whole")
    .option("--force", "replace the file if it is there");
  addCommon(addVariant(command)).action(run);
}

async function run(model: string | undefined, options: Options): Promise<void> {
  const { output, endPoints, end, memory, maxMemory, variant, feed, force, json = false, ...architecture } = options;
  if (!/\.wasm$/i.test(output)) throw new RangeError(`--output: expected a file name ending in .wasm, got "${output}"`);
  if (!force && existsSync(output)) {
    throw new RangeError(`${output}: expected a file that is not there yet (or --force), got one that is`);
  }
  const network = networkOf(model, architecture);
  const { resolution } = architecture;
  const graph =
    "graph" in network
      ? network.graph
      : await withProgress((onProgress) =>
          importModel(network.model, {
            ...(resolution && { resolution }),
            onProgress: ({ file, loaded, total = 0 }) => onProgress({ phase: "read", file, done: loaded, total }),
          }),
        );
  const bytes = await freeze(graph, { endPoints, top: end, memory, maxMemory, variant, feed });
  await writeBytes(output, bytes);
  const answer = { output, bytes: bytes.length, variant: variant ?? "simd" };
  print({ json: answer, text: () => `${printable(output)}  ${megabytes(bytes.length)}, ${answer.variant}` }, json);
}
