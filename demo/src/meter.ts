/** Times of the three builds, measured in turn between the frames, and of the layers of the one that is in use. */
import type { ProfileRow } from "sepconv";
import type { WorkerSession } from "sepconv/worker";
import { type Engine, lacksBuild, Outdated, VARIANTS, type Variant } from "./engine.ts";
import { median } from "./format.ts";

/** So many runs are looked back on. */
const MEMORY = 15;
/** Milliseconds between two measurements; rounds after which a picture that stays is no longer measured. */
const [PAUSE, ROUNDS] = [160, 48];
/** Runs of one build in a row, unless they take longer than so many milliseconds; the first finds cold caches. */
const BURST = { runs: 5, ms: 40 };

export interface Measured {
  readonly times: ReadonlyMap<Variant, number | null>;
  readonly layers: readonly ProfileRow[];
}

export class Meter {
  readonly #engine: Engine;
  readonly #tell: (measured: Measured) => void;
  #runs = new Map<Variant, ProfileRow[][] | null>();
  #current: Variant | undefined;
  #round = 0;
  #busy = false;
  #live = false;

  constructor(engine: Engine, tell: (measured: Measured) => void) {
    this.#engine = engine;
    this.#tell = tell;
    setInterval(() => this.#measure(), PAUSE);
  }

  /** Begins anew, for another network. */
  begin(current: Variant): void {
    this.#runs = new Map();
    this.use(current);
  }

  /** Another build of the same network is in use. */
  use(current: Variant): void {
    this.#current = current;
    this.#round = 0;
  }

  /** Whether pictures keep coming, so that measuring goes on. */
  live(on: boolean): void {
    this.#live = on;
    this.#round = 0;
  }

  async #measure(): Promise<void> {
    const current = this.#current;
    if (current === undefined || this.#busy || document.hidden || (!this.#live && this.#round >= ROUNDS)) return;
    const variant = VARIANTS[this.#round++ % VARIANTS.length]!;
    const runs = this.#runs;
    if (runs.get(variant) === null) return;
    this.#busy = true;
    try {
      const rows = await this.#engine.ask(burst, variant);
      runs.set(variant, [...(runs.get(variant) ?? []), ...rows].slice(-MEMORY));
    } catch (error) {
      if (!(error instanceof Outdated)) runs.set(variant, null);
      if (!(error instanceof Outdated || lacksBuild(error))) console.warn(`${variant} is not measured:`, error);
    } finally {
      this.#busy = false;
    }
    if (runs === this.#runs) this.#tell(this.#measured(current));
  }

  #measured(current: Variant): Measured {
    const times = new Map<Variant, number | null>();
    for (const [variant, runs] of this.#runs) {
      if (runs === null) times.set(variant, null);
      else if (runs.length > 0)
        times.set(variant, median(runs.map((rows) => rows.reduce((sum, { ms }) => sum + ms, 0))));
    }
    const runs = this.#runs.get(current) ?? [];
    // Clocks that tick coarsely are right in the mean, not in the median.
    const layers = (runs[0] ?? []).map((row, i) => ({
      ...row,
      ms: runs.reduce((sum, rows) => sum + rows[i]!.ms, 0) / runs.length,
    }));
    return { times, layers };
  }
}

/** Runs one after the other, without the first. */
async function burst(session: WorkerSession): Promise<ProfileRow[][]> {
  const input = nothing(session);
  const start = performance.now();
  const all: ProfileRow[][] = [];
  for (let run = 0; run < BURST.runs; run++) {
    all.push(await session.profile(input));
    if (run > 0 && performance.now() - start > BURST.ms) break;
  }
  return all.slice(1);
}

/** An input of zeros: the time does not depend on what is in it. */
function nothing({ inputs }: WorkerSession): Record<string, Float32Array | Uint8Array | Int8Array> {
  return Object.fromEntries(
    inputs.map(({ name, shape, dtype }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const numbers =
        dtype === "float32" ? new Float32Array(size) : dtype === "int8" ? new Int8Array(size) : new Uint8Array(size);
      return [name, numbers];
    }),
  );
}
