/**
 * `npm run demo:fashion`: a MobileNet v1 learns Fashion-MNIST from random weights, in WebAssembly, on one thread.
 * Prints how it goes, quantizes what came out, tries both on the 10,000 test pictures, and writes the networks and two
 * pictures to demo-output/.
 *
 *     npm run demo:fashion -- --epochs 10 --data FOLDER --json
 *
 * With --checkpoint FILE, training can be interrupted: the same command goes on behind the last whole epoch.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, mobilenetV1, quantize, toTflite } from "../dist/index.js";
import { batches, confusion, confusionChart, idxDataset, learningCurve, trainer } from "../dist/train/index.js";

/** Where Debian's package dataset-fashion-mnist puts the four files. */
const DEBIAN = "/usr/share/datasets/fashion-mnist";
const CLASSES = [
  ...["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"],
  ...["Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"],
];
/** Pictures of 28×28, black around them: four halvings leave 2×2. */
const SIZE = 32;
const BATCH = 128;
/** Training pictures by which ranges of 8 bits are chosen. */
const SAMPLES = 512;

const { values: options } = parseArgs({
  options: {
    data: { type: "string", default: DEBIAN },
    epochs: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    shift: { type: "string", default: "1" },
    cutout: { type: "string", default: "0" },
    variant: { type: "string" },
    checkpoint: { type: "string" },
    out: { type: "string", default: "demo-output" },
    json: { type: "boolean", default: false },
  },
});
const epochs = Number(options.epochs);
const seed = Number(options.seed);
if (!(Number.isInteger(epochs) && epochs > 0) || !Number.isInteger(seed)) {
  console.error("demo:fashion: expected whole numbers as --epochs (from 1 on) and --seed");
  process.exit(1);
}
const say = options.json ? console.error : console.log;

const began = performance.now();
const [learned, tested] = await Promise.all(["train", "t10k"].map(read));
const plain = { batch: BATCH, height: SIZE, width: SIZE };
const augment = { flip: true, shift: Number(options.shift), cutout: Number(options.cutout) };
const data = batches(learned, { ...plain, shuffle: true, augment, seed });
const held = batches(tested, plain);

const steps = epochs * data.steps;
const architecture = mobilenetV1({ alpha: 0.25, resolution: SIZE, inputChannels: 1, firstStride: 1, classes: 10 });
const { checkpoint } = options;
/** Epochs that were done before an interruption. */
const before = checkpoint && existsSync(checkpoint) ? JSON.parse(readFileSync(`${checkpoint}.json`, "utf8")) : [];
const net = await trainer(
  { ...architecture, name: "fashion", source: { ...architecture.source, labels: CLASSES } },
  {
    ...{
      batch: BATCH,
      seed,
      optimizer: "sgd",
      momentum: 0.9,
      nesterov: true,
      weightDecay: 5e-4,
      batchNormMomentum: 0.9,
    },
    ...{ learningRate: 0.1, schedule: { warmUp: Math.min(200, steps >> 3), decay: "cosine", steps } },
    ...(options.variant && { variant: options.variant }),
    ...(before.length > 0 && { resume: new Uint8Array(readFileSync(checkpoint)) }),
  },
);
const count = (number) => number.toLocaleString("en");
say(
  `Fashion-MNIST: ${count(learned.count)} pictures to learn from, ${count(tested.count)} to be tried on, ${CLASSES.length} classes`,
);
say(
  `MobileNet v1, α 0.25, ${SIZE}×${SIZE}, from random weights (seed ${seed}): ${count(net.trainedParameters)} parameters, ` +
    `${(net.memory.total / 1e6).toFixed(1)} MB, one thread, ${net.variant}\n`,
);
say("epoch   loss  accuracy  test loss  test accuracy  seconds");
const live = process.stderr.isTTY;
const results = [...before];
await net.fit((epoch) => data.epoch(epoch), {
  epochs,
  validation: () => held.epoch(0),
  onStep: ({ step, epoch, loss }) => {
    if (live && step % 5 === 0) {
      const part = (step - (epoch - 1) * data.steps) / data.steps;
      process.stderr.write(
        `\r${String(epoch).padStart(5)}  ${loss.toFixed(3)}  ${(100 * part).toFixed(0).padStart(3)} %`,
      );
    }
  },
  checkpoint: (bytes) => {
    if (!checkpoint) return;
    writeFileSync(checkpoint, bytes);
    writeFileSync(`${checkpoint}.json`, JSON.stringify(results));
  },
  onEpoch: (result) => {
    results.push(result);
    const { epoch, loss, accuracy, validation, seconds } = result;
    if (live) process.stderr.write("\r\x1b[K");
    const cells = [
      [String(epoch), 5],
      [loss.toFixed(3), 5],
      [percent(accuracy), 8],
      [validation.loss.toFixed(3), 9],
      [percent(validation.accuracy), 13],
      [seconds.toFixed(1), 7],
    ];
    say(cells.map(([text, width]) => text.padStart(width)).join("  "));
  },
});
const earlier = before.reduce((sum, result) => sum + result.seconds, 0);
const seconds = earlier + (performance.now() - began) / 1000;

const graph = net.graph();
const samples = [];
for (const { inputs, labels } of batches(learned, { ...plain, shuffle: true, seed: seed + 1 }).epoch(0)) {
  const size = inputs.length / labels.length;
  for (let i = 0; i < labels.length && samples.length < SAMPLES; i++)
    samples.push(inputs.slice(i * size, (i + 1) * size));
  if (samples.length === SAMPLES) break;
}
const bytes = await quantize(graph, samples);
const [float, int8] = [await tried(graph), await tried(bytes)];

mkdirSync(options.out, { recursive: true });
const write = (name, content) => writeFileSync(join(options.out, name), content);
const files = { "fashion.tflite": await toTflite(graph), "fashion_int8.tflite": await toTflite(bytes) };
for (const [name, file] of Object.entries(files)) write(name, file);
const title = "Fashion-MNIST, learned in WebAssembly: MobileNet v1, α 0.25, 32×32";
write("fashion-curve.svg", learningCurve(results, title));
write("fashion-confusion.svg", confusionChart(int8.counts, CLASSES, "Fashion-MNIST, 8 bits"));

say(
  `\nOn the ${count(tested.count)} test pictures: ${percent(float.accuracy)} in float32, ${percent(int8.accuracy)} in 8 bits`,
);
say(`${(seconds / 60).toFixed(1)} minutes from the files to the network; written to ${options.out}/:`);
for (const [name, file] of Object.entries(files)) say(`  ${name.padEnd(22)} ${(file.length / 1024).toFixed(0)} KiB`);
say("  fashion-curve.svg\n  fashion-confusion.svg");
if (options.json) {
  const told = { accuracy: float.accuracy, accuracyInt8: int8.accuracy, seconds, parameters: net.trainedParameters };
  console.log(JSON.stringify(told));
}

/** One half of the data set, gzipped or not. */
async function read(part) {
  const file = (kind) => {
    const path = join(options.data, `${part}-${kind}-ubyte`);
    const found = [path, `${path}.gz`].find((one) => existsSync(one));
    if (found) return readFileSync(found);
    console.error(
      `demo:fashion: expected ${path} or ${path}.gz, got neither\n` +
        "The four files of Fashion-MNIST are in Debian's package dataset-fashion-mnist (apt install dataset-fashion-mnist),\n" +
        "and at https://github.com/zalandoresearch/fashion-mnist; --data FOLDER says where they are.",
    );
    return process.exit(1);
  };
  return idxDataset(file("images-idx3"), file("labels-idx1"), CLASSES);
}

/** How many of the test pictures a network names rightly, and which it takes for which. */
async function tried(network) {
  const session = await build(network);
  const [labels, answers] = [[], []];
  for (const batch of held.epoch(0)) {
    const size = batch.inputs.length / batch.labels.length;
    for (const [i, label] of batch.labels.entries()) {
      const { output } = session.run(batch.inputs.subarray(i * size, (i + 1) * size));
      labels.push(label);
      answers.push(output.indexOf(Math.max(...output)));
    }
  }
  session.dispose();
  const counts = confusion(labels, answers, CLASSES.length);
  return { counts, accuracy: counts.reduce((sum, row, i) => sum + row[i], 0) / labels.length };
}

function percent(part) {
  return `${(100 * part).toFixed(2)} %`;
}
