/**
 * Options that several subcommands share, and what their values may be.
 * @module
 */
import process from "node:process";
import type { Command } from "commander";
import type { ThreadCount } from "../engine/host/threads.ts";
import type { MemoryMode } from "../engine/plan/chains.ts";
import type { Variant } from "../engine/variant.ts";
import { VARIANTS } from "../engine/variant.ts";
import type { Normalization } from "../graph/graph.ts";
import type { Fit } from "../vision/fit.ts";
import { columnsOf, wrap } from "./width.ts";

/** What every subcommand takes. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** What subcommands that compute take as well. */
export interface VariantOptions extends CommonOptions {
  readonly variant?: Variant;
}

/**
 * A subcommand of `program`; `examples` are command lines without the prompt, `notes`, a line a paragraph, end its
 * help.
 */
export function subcommand(
  program: Command,
  name: string,
  description: string,
  examples: readonly string[],
  notes: string,
): Command {
  const explained = wrap(notes, columnsOf(process.stdout));
  const lines = ["", "Examples:", ...examples.map((example) => `  $ ${example}`), "", explained];
  return program
    .command(name)
    .description(description)
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", lines.join("\n"));
}

/** Adds what every subcommand takes; after its own options, as the help lists them in this order. */
export function addCommon(command: Command): Command {
  return command
    .option("--json", "print one JSON document")
    .option("--quiet", "no bars, and no words by the way")
    .option("--debug", "print the stack of an error");
}

/** Adds `--variant`. */
export function addVariant(command: Command): Command {
  return command.addOption(
    command
      .createOption("--variant <name>", "build of the kernels, instead of the fastest one that runs here")
      .choices(VARIANTS),
  );
}

/** What is allowed and what counts more, for subcommands that plan a network. */
export interface MemoryOptions {
  /** Bytes. */
  readonly maxMemory?: number;
  readonly memory?: MemoryMode;
  readonly threads?: ThreadCount;
}

/** Adds `--threads`. */
export function addThreads(command: Command): Command {
  return command.option("--threads <N>", 'threads that share the work; "auto": one a core', threads("--threads"));
}

/** A parser for an option that takes a number of threads. */
function threads(option: string): (text: string) => ThreadCount {
  return (text) => (text === "auto" ? text : whole(option)(text));
}

/** Adds `--max-memory`, `--memory` and `--threads`. */
export function addMemory(command: Command): Command {
  const description = "refuse a network that takes more: bytes, or 64MB, 512KB, 1GiB, …";
  const mode = command.createOption("--memory <mode>", "what counts more: time (fast), memory (small), or both");
  return addThreads(
    command
      .option("--max-memory <size>", description, bytes("--max-memory"))
      .addOption(mode.choices(["fast", "balanced", "small"])),
  );
}

/** How pixels become a network's input, for subcommands that classify and compare. */
export interface PixelOptions {
  readonly range?: Normalization;
  readonly mean?: number | number[];
  readonly std?: number | number[];
  readonly fit: Fit;
}

/** Adds `--range`, `--mean`, `--std` and `--fit`. */
export function addPixels(command: Command): Command {
  return command
    .option("--range <[lo,hi]>", "what pixels 0 … 255 become: [-1,1], [0,1], [0,255], …", range)
    .option("--mean <M>", "subtracted from pixels: one number, or three", perChannel("--mean"))
    .option("--std <S>", "that divides them then: one number, or three", perChannel("--std", dividing))
    .addOption(
      command
        .createOption("--fit <name>", "how a picture of another shape becomes the input")
        .choices(["stretch", "cover", "contain"])
        .default("stretch"),
    );
}

function dividing(value: number): boolean {
  return value > 0 && Number.isFinite(value);
}

/** The range that the options say. @throws RangeError where they say it twice, or by half */
export function normalizationOf({ range: asked, mean, std }: PixelOptions): Normalization | undefined {
  if (asked && (mean !== undefined || std !== undefined)) {
    throw new RangeError("--range: expected it, or --mean and --std, got both");
  }
  if ((mean === undefined) !== (std === undefined)) {
    throw new RangeError(`--mean and --std: expected both, got ${mean === undefined ? "--std" : "--mean"} only`);
  }
  return mean !== undefined && std !== undefined ? { mean, std } : asked;
}

/** Bytes of a unit: decimal ones, and binary ones with an "i". */
const UNITS: Readonly<Record<string, number>> = {
  ...{ "": 1, b: 1 },
  ...{ kb: 1e3, mb: 1e6, gb: 1e9 },
  ...{ kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 },
};

/**
 * A parser for an option that takes a size: "1000000", "64MB", "1.5 GiB", in capitals or not. Parts of a byte are
 * dropped.
 */
export function bytes(option: string): (text: string) => number {
  return (text) => {
    const [, number = "", unit = ""] = /^\s*(\d+\.?\d*|\.\d+)\s*([a-z]*)\s*$/i.exec(text) ?? [];
    const size = Math.floor(Number(number || Number.NaN) * (UNITS[unit.toLowerCase()] ?? Number.NaN));
    if (Number.isSafeInteger(size) && size > 0) return size;
    throw new RangeError(`${option}: expected a size such as 1000000, 64MB (decimal) or 64MiB (binary), got "${text}"`);
  };
}

/** A parser for an option that takes a number greater than 0. */
export function positive(option: string): (text: string) => number {
  return (text) => {
    const value = numeric(text);
    if (value > 0 && value < Number.POSITIVE_INFINITY) return value;
    throw new RangeError(`${option}: expected a number greater than 0, got "${text}"`);
  };
}

/** A parser for an option that takes a whole number of at least `least`. */
export function whole(option: string, least = 1): (text: string) => number {
  return (text) => {
    const value = numeric(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new RangeError(`${option}: expected a whole number of at least ${least}, got "${text}"`);
  };
}

/** A parser for an option that takes a number from `lo` to `hi`. */
export function between(option: string, lo: number, hi: number): (text: string) => number {
  return (text) => {
    const value = numeric(text);
    if (value >= lo && value <= hi) return value;
    throw new RangeError(`${option}: expected a number from ${lo} to ${hi}, got "${text}"`);
  };
}

/**
 * A parser for an option that takes one number, or three (red, green, blue) separated by commas; each passes `fits`.
 */
export function perChannel(option: string, fits = Number.isFinite): (text: string) => number | number[] {
  return (text) => {
    const values = text.split(",").map(numeric);
    if (values.every(fits) && (values.length === 1 || values.length === 3)) {
      return values.length === 1 ? values[0]! : values;
    }
    throw new RangeError(`${option}: expected one number or three separated by commas, got "${text}"`);
  };
}

/** "[-1,1]" → what brings 0 … 255 there. */
export function range(text: string): Normalization {
  const [lo = Number.NaN, hi = Number.NaN] = (/^\s*\[?([^[\]]*)\]?\s*$/.exec(text)?.[1] ?? "")
    .split(",")
    .map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (!(lo < hi) || !Number.isFinite(hi - lo)) {
    throw new RangeError(`--range: expected [lo,hi] with lo < hi, such as [-1,1], got "${text}"`);
  }
  const std = 255 / (hi - lo);
  return { mean: -lo * std, std };
}

/** A parser for an option that takes names separated by commas. */
export function names(option: string): (text: string) => string[] {
  return (text) => {
    const list = text.split(",").map((name) => name.trim());
    if (list.every((name) => name !== "")) return list;
    throw new RangeError(`${option}: expected names separated by commas, got "${text}"`);
  };
}

/** Decimal notation only: Number() alone would read "" as 0 and "0x10" as 16. */
function numeric(text: string): number {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : Number.NaN;
}
