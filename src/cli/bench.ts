/**
 * `sepconv bench`: how long a network takes in each build of the kernels that this host runs.
 * @module
 */
import process from "node:process";
import type { Command } from "commander";
import { kernelsFor } from "../engine/build.ts";
import { VARIANTS } from "../engine/variant.ts";
import { UnsupportedError } from "../errors.ts";
import { build, type ProfileRow, type RunInput, type Session, type Variant } from "../index.ts";
import {
  type ArchitectureOptions,
  addArchitecture,
  loadModel,
  type Network,
  networkOf,
  withProgress,
} from "./network.ts";
import { addCommon, addVariant, subcommand, type VariantOptions, whole } from "./options.ts";
import { message, paint, print, printable } from "./output.ts";
import { progress } from "./progress.ts";
import { type Column, dimensions, milliseconds, table } from "./table.ts";

interface BenchOptions extends ArchitectureOptions, VariantOptions {
  readonly runs: number;
  readonly warmUp: number;
  readonly layers?: boolean;
}

/** Milliseconds: the middle run, and the bounds between which nine runs in ten lie. */
interface Spread {
  readonly median: number;
  readonly p5: number;
  readonly p95: number;
}

interface Timing {
  readonly variant: Variant;
  readonly ms: Spread;
  readonly memory: { readonly weights: number; readonly arena: number; readonly total: number };
  readonly layers?: readonly LayerTiming[];
}

interface LayerTiming extends Pick<ProfileRow, "name" | "op" | "kernel" | "shape" | "macs"> {
  /** The median, in milliseconds. */
  readonly ms: number;
}

interface Absent {
  readonly variant: Variant;
  readonly reason: string;
}

const NOTES = `The builds take turns, so that a busy moment of the machine hits all of them. Inputs are random, and so are the weights of a
network given by --alpha and --resolution: neither changes the time.
JSON: {network, runs, variants: [{variant, ms: {median, p5, p95}, memory, layers?: [{name, op, kernel, shape, macs, ms}]}],
absent: [{variant, reason}]}`;

/** Adds the subcommand to `program`. */
export function benchCommand(program: Command): void {
  const examples = [
    "sepconv bench --alpha 1 --resolution 224",
    "sepconv bench model.tflite --runs 100 --layers",
    "sepconv bench model.tflite --variant simd --json",
  ];
  const command = subcommand(program, "bench", "time a network in each build of the kernels", examples, NOTES);
  command.usage("[options] (MODEL | --alpha A --resolution R)").argument("[MODEL]", "model file");
  addArchitecture(command)
    .option("--runs <N>", "timed runs of each build", whole("--runs"), 30)
    .option("--warm-up <N>", "runs of each build before that", whole("--warm-up", 0), 5)
    .option("--layers", "time the steps of the network one by one as well");
  addCommon(addVariant(command)).action(bench);
}

async function bench(model: string | undefined, options: BenchOptions): Promise<void> {
  const network = networkOf(model, options);
  const wanted = options.variant === undefined ? VARIANTS : [options.variant];
  const sessions: Session[] = [];
  const absent: Absent[] = [];
  for (const variant of wanted) {
    try {
      await kernelsFor({ variant });
    } catch (error) {
      // One that was asked for by name must be there; otherwise the table says why it isn't.
      if (options.variant !== undefined || !(error instanceof UnsupportedError)) throw error;
      absent.push({ variant, reason: message(error) });
      continue;
    }
    sessions.push(await open(network, variant));
  }
  const name = sessions[0]?.graph.name ?? "";
  const variants = await measure(sessions, options);
  const json = { network: name, runs: options.runs, variants, absent };
  print({ json, text: () => report(name, options.runs, variants, absent) }, options.json ?? false);
}

function open(network: Network, variant: Variant): Promise<Session> {
  if ("model" in network) {
    const { model, resolution } = network;
    return loadModel(model, { variant, ...(resolution && { resolution }) });
  }
  return withProgress((onProgress) => build(network.graph, { variant, onProgress }));
}

async function measure(sessions: readonly Session[], { runs, warmUp, layers }: BenchOptions): Promise<Timing[]> {
  const input = sessions[0] ? randomInput(sessions[0]) : {};
  const times = sessions.map((): number[] => []);
  const profiles = sessions.map((): ProfileRow[][] => []);
  const bar = await progress();
  try {
    for (let round = -warmUp; round < runs; ++round) {
      for (const [i, session] of sessions.entries()) {
        const start = performance.now();
        session.run(input);
        const ms = performance.now() - start;
        if (round >= 0) times[i]!.push(ms);
        if (layers && round >= 0) profiles[i]!.push(session.profile(input));
      }
      bar.update(round + warmUp + 1, runs + warmUp, "timing");
      // A turn of the event loop lets the bar be drawn and Ctrl+C be heard.
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    bar.stop();
  }
  return sessions.map(({ variant, memory: { weights, arena, total } }, i) => ({
    variant,
    ms: spread(times[i]!),
    memory: { weights, arena, total },
    ...(layers && { layers: medians(profiles[i]!) }),
  }));
}

/** Uniform in [−1, 1]; the same numbers every time. */
function randomInput(session: Session): RunInput {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return Object.fromEntries(
    session.inputs.map(({ name, shape }) => [
      name,
      Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, next),
    ]),
  );
}

function spread(times: readonly number[]): Spread {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (quantile: number) => micro(sorted[Math.round(quantile * (sorted.length - 1))]!);
  return { median: at(0.5), p5: at(0.05), p95: at(0.95) };
}

/** Rounded to microseconds: the clock knows no better. */
function micro(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function medians(profiles: readonly ProfileRow[][]): LayerTiming[] {
  return profiles[0]!.map(({ name, op, kernel, shape, macs }, step) => ({
    ...{ name, op, kernel, shape, macs },
    ms: spread(profiles.map((rows) => rows[step]!.ms)).median,
  }));
}

const left = (title: string): Column => ({ title, align: "left" });
const right = (title: string): Column => ({ title, align: "right" });

function report(network: string, runs: number, timings: readonly Timing[], absent: readonly Absent[]): string {
  const { bold, dim } = paint(process.stdout);
  const slowest = Math.max(...timings.map(({ ms }) => ms.median));
  const columns = [left("variant"), right("median"), right("p5"), right("p95"), right("runs/s"), right("speed")];
  const rows = timings.map(({ variant, ms }) => [
    variant,
    ...[ms.median, ms.p5, ms.p95].map(milliseconds),
    (1000 / ms.median).toFixed(1),
    `${(slowest / ms.median).toFixed(2)}×`,
  ]);
  const parts = [`${bold(printable(network))}  ${dim(`${runs} runs each`)}`, table(columns, rows, dim)];
  if (absent.length > 0)
    parts.push(absent.map(({ variant, reason }) => `${variant} was left out: ${reason}`).join("\n"));
  if (timings[0]?.layers) parts.push(layerTable(timings, dim));
  return parts.join("\n\n");
}

/** A row a step, a column a variant. */
function layerTable(timings: readonly Timing[], heading: (line: string) => string): string {
  const columns = [
    ...["step", "kernel", "output"].map(left),
    right("MMACs"),
    ...timings.map(({ variant }) => right(`${variant} ms`)),
    right(`GMAC/s ${timings[0]!.variant}`),
  ];
  const rows = timings[0]!.layers!.map(({ name, kernel, shape, macs, ms }, i) => [
    printable(name),
    kernel,
    dimensions(shape),
    macs > 0 ? (macs / 1e6).toFixed(2) : "",
    ...timings.map(({ layers }) => layers![i]!.ms.toFixed(3)),
    macs > 0 && ms > 0 ? (macs / 1e6 / ms).toFixed(1) : "",
  ]);
  return table(columns, rows, heading);
}
