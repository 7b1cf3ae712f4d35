/**
 * `sepconv train`: a network learns the classes of a folder of pictures, and becomes a TFLite file.
 * @module
 */
import { existsSync } from "node:fs";
import { rename, unlink } from "node:fs/promises";
import process from "node:process";
import type { Command } from "commander";
import type { Graph, Normalization } from "../graph/graph.ts";
import { build, mobilenetV1, quantize, toTflite } from "../index.ts";
import {
  batches,
  confusion,
  confusionChart,
  type Dataset,
  type EpochResult,
  learningCurve,
  pictureDataset,
  split,
  trainer,
} from "../train/index.ts";
import { assumption, pixelRange } from "../vision/session-input.ts";
import { refuseExisting } from "./convert.ts";
import { makeFolder, readBytes, writeBytes } from "./files.ts";
import { type Blocks, blocks, frozenBefore, withHead } from "./fine-tune.ts";
import { labeledPictures } from "./labeled.ts";
import { importGraph } from "./network.ts";
import { addCommon, addVariant, between, positive, range, subcommand, type VariantOptions, whole } from "./options.ts";
import { message, paint, print, printable } from "./output.ts";
import { underBar } from "./progress.ts";
import { grouped, megabytes } from "./table.ts";

interface Options extends VariantOptions {
  readonly out: string;
  readonly base?: string;
  readonly blocks?: Blocks;
  readonly alpha?: number;
  readonly resolution?: number;
  readonly range?: Normalization;
  readonly validation: number;
  readonly epochs: number;
  readonly batch: number;
  readonly rate?: number;
  readonly seed: number;
  readonly quantize?: string;
  readonly report?: string;
  readonly resume?: boolean;
  readonly force?: boolean;
}

const NOTES = `\
DIR has a folder for each class, with its pictures (JPEG, PNG, BMP, GIF), which are cut to the input's shape. Those that \
can't be read are named, left out and counted.
With --base, a head for the new classes is trained on the features of that network, each computed once, then the last \
blocks (--blocks: 1 by default; 0 for the head alone; "all"; or "norms": biases and batch norms alone). Without, a \
MobileNet v1 (--alpha, --resolution) begins with random weights.
A part of each class is held back (--validation), and tried after each epoch. Pictures are mirrored, moved and cut by \
chance, by --seed: the same command gives the same network.
Ctrl-C ends training after the step at hand and writes what there is (exit code 130); the same command with --resume \
goes on behind the last whole epoch, to the bit: OUT.checkpoint has its state until training has come to its end.
JSON: {output, bytes, classes, pictures, held, skipped: [{image, error}], epochs: [{epoch, loss, accuracy, validation: \
{loss, accuracy}, seconds}], accuracy, stopped, quantized: {output, bytes, accuracy} or null}`;

/** Adds the subcommand to `program`. */
export function trainCommand(program: Command): void {
  const examples = [
    "sepconv train pictures --base vww_96.h5 --out mine.tflite",
    "sepconv train pictures --alpha 0.25 --resolution 96 --epochs 60 --out mine.tflite --report report",
    "sepconv train pictures --base model.tflite --blocks 3 --out mine.tflite --quantize mine-int8.tflite",
  ];
  const command = subcommand(program, "train", "learn the classes of a folder of pictures", examples, NOTES);
  command
    .argument("<DIR>", "a folder for each class")
    .requiredOption("-o, --out <file>", "TFLite file to write")
    .option("--base <MODEL>", "float model to begin with")
    .option("--blocks <K>", 'last blocks of it that learn too: a number, "all" or "norms" (default: 1)', blocks)
    .option("--alpha <A>", "width multiplier, without --base (default: 0.25)", positive("--alpha"))
    .option("--resolution <R>", "height and width of the input (default: the base's, or 96)", whole("--resolution"))
    .option("--range <[lo,hi]>", "what the base's pixels 0 … 255 become: [-1,1], [0,1], …", range)
    .option("--validation <part>", "part of each class that is held back", between("--validation", 0, 1), 0.2)
    .option("--epochs <N>", "times that all pictures are gone through", whole("--epochs"), 30)
    .option("--batch <N>", "pictures a step", whole("--batch"), 16)
    .option("--rate <R>", "learning rate (default: 0.001 with --base, 0.05 without)", positive("--rate"))
    .option("--seed <N>", "where chance begins", whole("--seed"), 1)
    .option("--quantize <file>", "write an 8-bit TFLite file too")
    .option("--report <folder>", "draw the learning curve and the confusion matrix there, as SVG")
    .option("--resume", "go on where the same command was interrupted")
    .option("--force", "replace the output if it is there");
  addCommon(addVariant(command)).action(run);
}

/** What a network is trained with. */
interface Lesson {
  readonly graph: Graph;
  readonly learned: Dataset;
  readonly held: Dataset;
  readonly normalization: Normalization;
}

async function run(folder: string, options: Options): Promise<void> {
  const { out, json = false, report } = options;
  for (const file of [out, options.quantize])
    if (file !== undefined) refuseExisting(file, options.force || options.resume);
  const say = (line: string) => (json ? undefined : process.stdout.write(`${line}\n`));
  const stop = interruptible(say);
  const skipped: { image: string; error: string }[] = [];
  try {
    const lesson = await prepared(folder, options, stop.signal, (image, error) => skipped.push({ image, error }));
    for (const { error } of json ? [] : skipped) process.stderr.write(`sepconv: left out: ${error}\n`);
    const { graph, epochs, stopped } = await taught(lesson, options, stop.signal, say);
    const file = await toTflite(graph);
    await writeBytes(out, file);
    const float = await tried(graph, lesson);
    const quantized = options.quantize === undefined ? null : await inBytes(graph, lesson, options.quantize);
    if (report !== undefined) await draw(report, epochs, (quantized ?? { counts: float.counts }).counts, lesson);
    const { classes, count } = lesson.learned;
    const told = {
      ...{ output: out, bytes: file.length, classes, pictures: count, held: lesson.held.count, skipped, epochs },
      ...{ accuracy: float.accuracy, stopped },
      quantized: quantized && { output: options.quantize, bytes: quantized.bytes, accuracy: quantized.accuracy },
    };
    const lines = [
      `${printable(out)}  ${megabytes(file.length)}, ${percent(float.accuracy)} of ${grouped(lesson.held.count)} pictures that it has not learned from`,
      ...(quantized
        ? [`${printable(options.quantize!)}  ${megabytes(quantized.bytes)}, ${percent(quantized.accuracy)}`]
        : []),
      ...(skipped.length > 0 ? [`${skipped.length} pictures were left out: they can't be read`] : []),
    ];
    print({ json: told, text: () => lines.join("\n") }, json);
    if (stopped) process.exitCode = 130;
  } finally {
    stop.end();
  }
}

/** Pictures, decoded and divided, and the network that is to learn them. */
async function prepared(
  folder: string,
  options: Options,
  signal: AbortSignal,
  onSkip: (image: string, error: string) => void,
): Promise<Lesson> {
  const { base, seed, alpha = 0.25 } = options;
  if (base === undefined && options.blocks !== undefined) throw new RangeError("--blocks: expected --base beside it");
  if (base !== undefined && options.alpha !== undefined) throw new RangeError("--alpha: expected no --base beside it");
  const files = await labeledPictures(folder);
  const classes = [...new Set(files.map(({ label }) => label))];
  const given = base === undefined ? undefined : await importGraph(base, options.resolution);
  if (given && options.blocks !== 0) frozenBefore(given, options.blocks ?? 1);
  const resolution = options.resolution ?? 96;
  const graph = given ?? untrained(alpha, resolution, classes);
  const { name, shape, dtype } = graph.inputs[0]!;
  const [, height = 0, width = 0, channels] = shape;
  if (shape.length !== 4 || (channels !== 1 && channels !== 3) || dtype !== "float32") {
    throw new RangeError(
      `input ${name}: expected float32 images of 1 or 3 channels, got ${dtype} [${shape.join(",")}]`,
    );
  }
  const found = pixelRange(graph.source, { dtype }, options.range);
  if (found.from === "assumed") process.stderr.write(`${assumption(graph.name)}\n`);
  const normalization = { mean: found.mean, std: found.std };
  const examples = await underBar((bar) =>
    pictureDataset(files, {
      ...{ width, height, channels, classes, signal },
      onSkip: ({ picture, error }) => onSkip(String(picture), message(error)),
      onProgress: (done, total) => bar.update(done, total, "reading pictures"),
    }),
  );
  const [learned, held] = split(examples, options.validation, seed);
  const source = { ...graph.source, normalization };
  if (given === undefined) return { graph: { ...graph, source }, learned, held, normalization };
  const headed = await underBar((bar) => {
    const all = batches(learned, { batch: 32, normalization });
    return withHead(given, classes, all, (done) => bar.update(done, learned.count, "computing features"), signal);
  });
  return { graph: { ...headed, source: { ...headed.source, normalization } }, learned, held, normalization };
}

/** Small pictures keep their size in the first layer: five halvings would leave too little of them. */
function untrained(alpha: number, resolution: number, labels: readonly string[]): Graph {
  const firstStride = resolution > 64 ? 2 : 1;
  const graph = mobilenetV1({ alpha, resolution, classes: labels.length, firstStride });
  return { ...graph, source: { ...graph.source, labels } };
}

/** The graph after training, and how it went. */
async function taught(
  { graph, learned, held, normalization }: Lesson,
  options: Options,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<{ graph: Graph; epochs: readonly EpochResult[]; stopped: boolean }> {
  const { base, epochs, seed, variant } = options;
  const learning = options.blocks ?? (base === undefined ? "all" : 1);
  const counted = `${grouped(learned.count)} pictures of ${learned.classes.length} classes, ${grouped(held.count)} held back`;
  if (learning === 0) {
    say(`${counted}; the head alone\n`);
    return { graph, epochs: [], stopped: false };
  }
  const batch = Math.min(options.batch, learned.count);
  const plain = { batch, normalization };
  // A rest of one picture has no statistics; small sets keep all of theirs.
  const dropLast = learned.count % batch === 1 && learned.count > batch;
  const augment = { flip: true, shift: Math.round(learned.width / 16), crop: 0.8, brightness: 0.1 };
  const data = batches(learned, { ...plain, shuffle: true, augment, seed, dropLast });
  const trial = batches(held, plain);
  const steps = epochs * data.steps;
  const checkpoint = `${options.out}.checkpoint`;
  const net = await trainer(graph, {
    ...{ batch, seed, freeze: frozenBefore(graph, learning), batchNormMomentum: 0.9 },
    ...(base === undefined
      ? { optimizer: "sgd", momentum: 0.9, nesterov: true, weightDecay: 5e-4, learningRate: options.rate ?? 0.05 }
      : { optimizer: "adamw", weightDecay: 1e-2, learningRate: options.rate ?? 0.001 }),
    schedule: { warmUp: Math.min(steps >> 3, 100), decay: "cosine", steps },
    ...(variant && { variant }),
    ...(options.resume && existsSync(checkpoint) && { resume: await readBytes(checkpoint) }),
  });
  say(
    `${counted}; ${grouped(net.trainedParameters)} weights learn, in ${megabytes(net.memory.total)}, ${net.variant}\n`,
  );
  const results: EpochResult[] = [];
  say(paint(process.stdout).bold("epoch   loss  accuracy  held back: loss  accuracy  seconds"));
  const stopped = await underBar(async (bar) => {
    const told = { data: (epoch: number) => data.epoch(epoch), validation: () => trial.epoch(0) };
    return net
      .fit(told.data, {
        ...{ epochs, signal, validation: told.validation },
        onStep: ({ step, epoch, loss }) => bar.update(step, steps, `epoch ${epoch}, loss ${loss.toFixed(3)}`),
        onEpoch: (result) => {
          results.push(result);
          bar.stop();
          say(row(result));
        },
        checkpoint: (bytes) => replace(checkpoint, bytes),
      })
      .then(
        () => false,
        (error: unknown) => {
          if (!signal.aborted) throw error;
          return true;
        },
      );
  });
  if (!stopped) await unlink(checkpoint).catch(() => {});
  else say(`\nstopped after ${net.epochs} epochs; --resume goes on`);
  say("");
  return { graph: net.graph(), epochs: results, stopped };
}

function row({ epoch, loss, accuracy, validation, seconds }: EpochResult): string {
  const cells = [String(epoch).padStart(5), loss.toFixed(3).padStart(5), percent(accuracy).padStart(8)];
  cells.push(validation!.loss.toFixed(3).padStart(15), percent(validation!.accuracy).padStart(8));
  return [...cells, seconds.toFixed(1).padStart(7)].join("  ");
}

/** Replaces a file by another at once: an interruption leaves the one or the other. */
async function replace(path: string, bytes: Uint8Array): Promise<void> {
  await writeBytes(`${path}.new`, bytes);
  await rename(`${path}.new`, path);
}

/** What the pictures that were held back are taken for. */
async function tried(graph: Graph, { held, normalization }: Lesson) {
  const session = await build(graph);
  const answers: number[] = [];
  for (const { inputs, labels } of batches(held, { batch: 1, normalization }).epoch(0)) {
    const { output } = session.run(inputs);
    answers.push(...labels.map(() => output.indexOf(Math.max(...output))));
  }
  session.dispose();
  const counts = confusion(held.labels, answers, held.classes.length);
  return { counts, accuracy: counts.reduce((sum, one, i) => sum + one[i]!, 0) / held.count };
}

/** The network in 8 bits, calibrated by pictures that it has learned from. */
async function inBytes(graph: Graph, lesson: Lesson, path: string) {
  const { learned, normalization } = lesson;
  const samples: Float32Array[] = [];
  for (const { inputs } of batches(learned, { batch: 1, normalization, shuffle: true }).epoch(0)) {
    samples.push(inputs);
    if (samples.length === 200) break;
  }
  const bytes = await quantize(graph, samples);
  const file = await toTflite(bytes);
  await writeBytes(path, file);
  return { bytes: file.length, ...(await tried(bytes, lesson)) };
}

async function draw(
  folder: string,
  epochs: readonly EpochResult[],
  counts: readonly (readonly number[])[],
  { held }: Lesson,
): Promise<void> {
  await makeFolder(folder);
  const write = (name: string, text: string) => writeBytes(`${folder}/${name}`, new TextEncoder().encode(text));
  if (epochs.length > 0) await write("learning-curve.svg", learningCurve(epochs));
  await write("confusion.svg", confusionChart(counts, held.classes));
}

/** A signal that Ctrl-C aborts; pressed again, it ends the process as it always does. */
function interruptible(say: (line: string) => void): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const onSignal = () => {
    say("\nstopping: once more ends at once");
    process.off("SIGINT", onSignal);
    controller.abort(new Error("interrupted"));
  };
  process.on("SIGINT", onSignal);
  return { signal: controller.signal, end: () => process.off("SIGINT", onSignal) };
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}
