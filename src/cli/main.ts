#!/usr/bin/env node
/**
 * The command `sepconv`: sets up the arguments and hands over to a subcommand, one a file beside this one.
 * @module
 */
import { readFile } from "node:fs/promises";
import process from "node:process";
import { LoadError } from "../errors.ts";
import { benchCommand } from "./bench.ts";
import { classifyCommand } from "./classify.ts";
import { completionCommand } from "./completion.ts";
import { convertCommand } from "./convert.ts";
import { detectCommand } from "./detect.ts";
import { embedCommand } from "./embed.ts";
import { freezeCommand } from "./freeze.ts";
import { infoCommand } from "./info.ts";
import { printError } from "./output.ts";
import { poseCommand } from "./pose.ts";
import { hideBars, wipeBar } from "./progress.ts";
import { quantizeCommand } from "./quantize.ts";
import { runCommand } from "./run.ts";
import { segmentCommand } from "./segment.ts";
import { trainCommand } from "./train.ts";
import { columnsOf, wrap } from "./width.ts";

const EXAMPLES = `
Examples:
  $ sepconv info --alpha 0.25 --resolution 128
  $ sepconv info model.tflite
  $ sepconv classify model.tflite cat.jpg --labels labels.txt
  $ sepconv detect ssd_mobilenetv1_model-weights_manifest.json photo.jpg --out annotated
  $ sepconv segment deeplabv3.tflite photo.jpg --out segmented
  $ sepconv pose posenet.tflite photo.jpg --out posed
  $ sepconv embed model.tflite cat.jpg dog.jpg
  $ sepconv run model.tflite --input x.npy --output y.npy
  $ sepconv convert model.h5 model.tflite
  $ sepconv quantize model.h5 --samples pictures --output model-int8.tflite
  $ sepconv train pictures --base model.h5 --out mine.tflite
  $ sepconv bench --alpha 1 --resolution 224
`;

const NOTES = `
MODEL is a file: .tflite, Keras .h5 or .keras, TF.js model.json or weights manifest (its shards beside it), \
ONNX, .safetensors. Or the name of a well-known one, which is downloaded once: mobilenet_v1_A_R and \
mobilenet_v1_A_R_quant (A: 1.0, 0.75, 0.5, 0.25; R: 224, 192, 160, 128), mobilenet_v2_1.0_224 and others.
A picture, an input or a MODEL called - is read from stdin.
Every command takes --json for one JSON document on stdout, whose keys stay what they are, and --quiet for no bars and no \
words by the way. Errors are one line on stderr, and the exit code is then \
1.`;

/** Does what the arguments (without the program's own name) say; resolves to the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const { Command, CommanderError } = await import("commander").catch((cause: unknown) => {
    throw new LoadError('the command line needs the optional package "commander": npm install commander', { cause });
  });
  const program = new Command("sepconv")
    .description("MobileNet v1 and its relatives, from model file to answer, in WebAssembly SIMD.")
    .version(await version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText("after", EXAMPLES + wrap(NOTES, columnsOf(process.stdout)))
    .exitOverride()
    .configureOutput({ outputError: () => {} }); // printed below, as all errors are
  for (const add of [
    infoCommand,
    runCommand,
    classifyCommand,
    detectCommand,
    segmentCommand,
    poseCommand,
    embedCommand,
    convertCommand,
    freezeCommand,
    quantizeCommand,
    trainCommand,
    benchCommand,
    completionCommand,
  ])
    add(program);
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version also arrive here, with exit code 0 and already printed.
    if (error.exitCode !== 0) printError(error.message.replace(/^error: /, ""));
    return error.exitCode;
  }
}

async function version(): Promise<string> {
  const text = await readFile(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

// A reader that has seen enough (`sepconv info … | head`) closes the pipe; that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

const args = process.argv.slice(2);
const debug = args.includes("--debug");
if (args.includes("--quiet")) {
  hideBars();
  // What the library says by the way, such as that a range was assumed.
  console.warn = () => {};
}

// What no promise carries to the end of this file, such as an error in a stream's event: one line as well, and no bar
// left behind.
process.on("uncaughtException", (error) => {
  wipeBar();
  printError(error, debug);
  process.exit(1);
});

main(args).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    printError(error, debug);
    process.exitCode = 1;
  },
);
