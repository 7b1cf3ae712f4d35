/**
 * `sepconv bench`: how long a network takes in each build of the kernels that this host runs.
 * @module
 */
import { basename } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import type { Product } from "../engine/host/product.ts";
import type { ThreadCount } from "../engine/host/threads.ts";
import { kernelsFor, VARIANTS } from "../engine/variant.ts";
import { UnsupportedError } from "../errors.ts";
import {
  build,
  type MemoryUse,
  type Numbers,
  type ProfileRow,
  type RunInput,
  type Session,
  type ValueInfo,
  type Variant,
} from "../index.ts";
import { shortened } from "./layers.ts";
import { MEMORY_JSON, memoryJson, memoryText } from "./memory.ts";
import {
  type ArchitectureOptions,
  addArchitecture,
  loadModel,
  type Network,
  networkOf,
  withProgress,
} from "./network.ts";
import {
  addCommon,
  addThreads,
  addVariant,
  type MemoryOptions,
  subcommand,
  type VariantOptions,
  whole,
} from "./options.ts";
import { message, paint, print, printable } from "./output.ts";
import { underBar } from "./progress.ts";
import { dimensions, left, milliseconds, right, table } from "./table.ts";
import { columnsOf, wrap } from "./width.ts";

interface BenchOptions extends ArchitectureOptions, VariantOptions, Pick<MemoryOptions, "threads"> {
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
  readonly product?: Product;
  readonly threads: number;
  /** Why there are fewer than were asked for. */
  readonly fewerThreads?: string;
  readonly ms: Spread;
  readonly memory: MemoryUse;
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

const NOTES = `\
The builds take turns, so that a busy moment of the machine hits all of them. Inputs are random, and so are the \
weights of a network given by --alpha and --resolution: neither changes the time.
Beside an 8-bit network's variant stands how this host multiplies its numbers: pairs, or four at a time as unsigned or \
signed.
JSON: {network, runs, variants: [{variant, product?, threads, fewerThreads?, ms: {median, p5, p95}, ${MEMORY_JSON}, \
layers?: [{name, op, kernel, shape, macs, ms}]}], absent: [{variant, reason}]}`;

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
  addCommon(addThreads(addVariant(command))).action(bench);
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
    sessions.push(await open(network, variant, options.threads));
  }
  const name = sessions[0]?.manifest.name ?? "";
  const variants = await measure(sessions, options);
  const json = { network: name, runs: options.runs, variants, absent };
  const title = model === undefined ? name : basename(model);
  print({ json, text: () => report(title, options.runs, variants, absent) }, options.json ?? false);
}

function open(network: Network, variant: Variant, threads: ThreadCount | undefined): Promise<Session> {
  if ("model" in network) {
    const { model, resolution } = network;
    return loadModel(model, { variant, threads, ...(resolution && { resolution }) });
  }
  return withProgress((onProgress) => build(network.graph, { variant, threads, onProgress }));
}

async function measure(sessions: readonly Session[], { runs, warmUp, layers }: BenchOptions): Promise<Timing[]> {
  const input = sessions[0] ? randomInput(sessions[0]) : {};
  const times = sessions.map((): number[] => []);
  const profiles = sessions.map((): ProfileRow[][] => []);
  await underBar(async (bar) => {
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
  });
  return sessions.map(({ variant, product, threads, fewerThreads, memory }, i) => ({
    ...{ variant, ...(product && { product }), threads, ...(fewerThreads !== undefined && { fewerThreads }) },
    ms: spread(times[i]!),
    memory: memoryJson(memory),
    ...(layers && { layers: medians(profiles[i]!) }),
  }));
}

/** Floats uniform in [−1, 1], bytes in all that they can be; the same numbers every time. */
function randomInput(session: Session): RunInput {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  const arrayOf = ({ dtype, shape }: ValueInfo): Numbers => {
    const length = shape.reduce((product, size) => product * size, 1);
    // The upper bits: the lower ones of such a generator repeat soon. An Int8Array wraps 128 … 255 around.
    if (dtype === "int8") return Int8Array.from({ length }, () => next() >>> 24);
    if (dtype === "uint8") return Uint8Array.from({ length }, () => next() >>> 24);
    return Float32Array.from({ length }, () => next() / 2 ** 31 - 1);
  };
  return Object.fromEntries(session.inputs.map((input) => [input.name, arrayOf(input)]));
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

function report(title: string, runs: number, timings: readonly Timing[], absent: readonly Absent[]): string {
  const { bold, dim } = paint(process.stdout);
  const slowest = Math.max(...timings.map(({ ms }) => ms.median));
  const columns = [left("variant"), right("median"), right("p5"), right("p95"), right("runs/s"), right("speed")];
  const rows = timings.map(({ variant, product, threads, ms }) => [
    [variant, ...(product ? [product] : []), ...(threads > 1 ? [`${threads} threads`] : [])].join(", "),
    ...[ms.median, ms.p5, ms.p95].map(milliseconds),
    (1000 / ms.median).toFixed(1),
    `${(slowest / ms.median).toFixed(2)}×`,
  ]);
  const room = columnsOf(process.stdout);
  const parts = [`${bold(printable(title))}  ${dim(`${runs} runs each`)}`, table(columns, rows, dim, room)];
  if (timings[0]) parts.push(wrap(`memory ${memoryText(timings[0].memory)}`, room));
  const fewer = timings[0]?.fewerThreads;
  if (fewer !== undefined) parts.push(wrap(`threads: ${timings[0]!.threads}, since ${fewer}`, room));
  if (absent.length > 0)
    parts.push(absent.map(({ variant, reason }) => wrap(`${variant} was left out: ${reason}`, room)).join("\n"));
  if (timings[0]?.layers) parts.push(layerTable(timings, dim, room));
  return parts.join("\n\n");
}

/** A row a step, a column a variant. */
function layerTable(timings: readonly Timing[], heading: (line: string) => string, room: number): string {
  const columns = [
    left("step", { elastic: true }),
    ...[left("kernel"), left("output", { spare: 2 }), right("MMACs", { spare: 1 })],
    ...timings.map(({ variant }) => right(`${variant} ms`)),
    right(`GMAC/s ${timings[0]!.variant}`, { spare: 3 }),
  ];
  const names = shortened(timings[0]!.layers!.map(({ name }) => name)).names;
  const rows = timings[0]!.layers!.map(({ kernel, shape, macs, ms }, i) => [
    printable(names[i]!),
    kernel,
    dimensions(shape),
    macs > 0 ? (macs / 1e6).toFixed(2) : "",
    ...timings.map(({ layers }) => layers![i]!.ms.toFixed(3)),
    macs > 0 && ms > 0 ? (macs / 1e6 / ms).toFixed(1) : "",
  ]);
  return table(columns, rows, heading, room);
}
