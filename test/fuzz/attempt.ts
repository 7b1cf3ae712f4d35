/**
 * One mutated file after the other, in a process of its own: what comes of it, how long it takes, what it needs.
 * `scripts/fuzz.mjs` watches.
 * @module
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { frozen } from "../../src/frozen.ts";
import { cost, decodeImage, load, SepconvError, type Session } from "../../src/index.ts";
import { generator, mutated } from "./mutate.ts";
import { drawn, type Format, type Seed, seedsOf } from "./seeds.ts";

/** What a model or picture may take here; the host's own needs come on top. */
export const BYTES = 96 * 2 ** 20;
const LIMITS = { maxFileBytes: BYTES, maxUnpackedBytes: BYTES };
/** Networks of more multiply-adds than this are built, but not run: a sound file may ask for an hour of work. */
const MACS = 2e7;

/** Throws what is not one of our errors; answers with what happened. */
export async function attempt(format: Format, files: Seed): Promise<string> {
  try {
    if (format === "picture") {
      const { width, height } = await decodeImage(Object.values(files)[0]!, { maxPixels: BYTES / 8 });
      return `decoded ${width}×${height}`;
    }
    const [only, ...others] = Object.values(files);
    if (format === "frozen") await loaded(only!);
    const session = await load(others.length === 0 ? only! : files, { limits: LIMITS, maxMemory: BYTES });
    if (
      session.inputs.every(({ dtype }) => dtype === "float32") &&
      (format === "frozen" ? macsOf(session) : cost(session).macs) < MACS
    ) {
      const sizes = session.inputs.map(({ name, shape }) => [name, shape.reduce((a, b) => a * b, 1)] as const);
      session.run(Object.fromEntries(sizes.map(([name, size]) => [name, new Float32Array(size).fill(0.5)])));
    }
    return "loaded";
  } catch (error) {
    if (!(error instanceof SepconvError)) throw error;
    if (error.message.length > 2000) throw new Error(`a message of ${error.message.length} characters`);
    return error.name;
  }
}

/** A frozen file has steps and no graph. What it says of their work may be a lie: rows and weights bound it too. */
function macsOf(session: Session): number {
  const { steps, memory } = session.manifest;
  const told = steps.reduce((sum, { macs }) => sum + macs, 0);
  return memory.total > 2 ** 22 ? Number.POSITIVE_INFINITY : told;
}

/** The loader has no classes of its own: it refuses with few words, and says why by its cause. */
async function loaded(bytes: Uint8Array): Promise<void> {
  try {
    await frozen(bytes as Uint8Array<ArrayBuffer>);
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return;
    if (!(error instanceof Error) || !/^expected a frozen network, version 1$/.test(error.message)) throw error;
  }
}

/** Writes a file that was not treated rightly where the tests find it. */
function keep(folder: string, format: Format, files: Seed): string {
  mkdirSync(folder, { recursive: true });
  const text = JSON.stringify(files, (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
  );
  const path = join(folder, `${format}-${createHash("sha256").update(text).digest("hex").slice(0, 12)}.json`);
  writeFileSync(path, `${text}\n`);
  return path;
}

/** A file that was kept. */
export function kept(path: string): { format: Format; files: Seed } {
  const record = JSON.parse(readFileSync(path, "utf8")) as Record<string, string>;
  const files = Object.fromEntries(
    Object.entries(record).map(([name, text]) => [name, new Uint8Array(Buffer.from(text, "base64"))]),
  );
  return { format: basename(path).replace(/-[0-9a-f]{12}\.json$/, "") as Format, files };
}

interface Job {
  readonly format: Format;
  readonly first: number;
  readonly count: number;
  readonly folder: string;
}

async function work({ format, first, count, folder }: Job): Promise<void> {
  const seeds = await seedsOf(format);
  if (seeds.length === 0) throw new Error(`${format}: no seeds on this machine`);
  const fileOf = (number: number) => {
    const random = generator(number ^ 0x5eed);
    return mutated(drawn(seeds, random), seeds, number);
  };
  // One that the parent has stopped waiting for is only written down.
  if (count < 0) return void process.send!({ kept: keep(folder, format, fileOf(first)) });
  for (const seed of seeds) await attempt(format, seed);
  for (let number = first; number < first + count; number++) {
    process.send!({ number });
    const files = fileOf(number);
    // The time of the processor, not of the clock: other work of the machine is no fault of the file.
    const start = process.cpuUsage();
    let outcome: string;
    try {
      outcome = await attempt(format, files);
    } catch (error) {
      const text = error instanceof Error ? `${error.name}: ${error.message.slice(0, 300)}` : String(error);
      process.send!({ number, fault: text, kept: keep(folder, format, files) });
      continue;
    }
    const { user, system } = process.cpuUsage(start);
    const ms = (user + system) / 1000;
    process.send!({
      number,
      outcome,
      ms,
      rss: process.memoryUsage.rss(),
      ...(ms > 2000 && { fault: `${Math.round(ms)} ms`, kept: keep(folder, format, files) }),
    });
  }
}

if (process.send) {
  process.on("message", (job: Job) => {
    work(job).then(
      () => process.send!({ done: true }),
      (error: unknown) => process.send!({ crashed: String((error as Error)?.stack ?? error) }),
    );
  });
}
