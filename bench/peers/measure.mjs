/**
 * Times contenders against each other in one process or page: outputs are compared first, everyone is warmed up, then
 * they take turns, so that a machine that slows down slows down for all of them. Runs in Node, Deno, Bun and in a page.
 */

/**
 * How far an output may be from sepconv's, relative to the largest probability: sums in another order, fused or not,
 * stay a hundred times below.
 */
const TOLERANCE = 1e-4;

/**
 * Runs of a turn fill about this long (ms): short networks stay in the caches as they would in use, long ones change
 * places at every run.
 */
const TURN = 4;
const MOST_RUNS_A_TURN = 12;

/** A batch of warm-up runs (ms, and runs at least); warm-up ends when a batch no longer beats those before it. */
const BATCH = { ms: 250, runs: 5, least: 3 };

const now = () => performance.now();

/**
 * @param candidates `{ name, open, kind?, tolerance? }`; outputs are compared with those of the first one of the same
 *   kind; `open()` gives, or promises, `{ run, version?, note? }` and throws where the contender can't be had; `run()`
 *   gives, or promises, the output
 * @param options `rounds`, `seconds` (the timed part ends with whichever comes first), `warmUp` (seconds a contender at
 *   most), `again` (whether to measure once more where somebody was still getting faster)
 * @returns one row a contender: with `median`, or with `missing`, or with `disagrees`
 */
export async function measure(candidates, options, log = () => {}) {
  const rows = [];
  const contenders = [];
  for (const { name, open, kind, tolerance = TOLERANCE } of candidates) {
    const row = { name };
    rows.push(row);
    try {
      const { run, version, note } = await open();
      Object.assign(row, version && { version }, note && { note });
      const start = now();
      const output = Float32Array.from(await run());
      row.first = now() - start;
      contenders.push({ row, run, output, kind, tolerance, samples: [] });
    } catch (error) {
      row.missing = firstLine(error);
      log(`${name}: left out, ${row.missing}`);
    }
  }
  const agreeing = agreed(contenders, log);
  for (const { run } of agreeing) await warmUp(run, options.warmUp);
  await takeTurns(agreeing, options);
  const late = agreeing.filter(({ samples }) => summary(samples).drift < 0);
  if (options.again && late.length > 0) {
    // Optimized code came after all, or the machine calmed down: what was measured is of two kinds.
    log(`${late.map(({ row }) => row.name).join(", ")}: still getting faster, measured once more`);
    for (const { samples } of agreeing) samples.length = 0;
    await takeTurns(agreeing, options);
  }
  for (const { row, samples } of agreeing) Object.assign(row, summary(samples));
  return rows;
}

export const firstLine = (error) => String(error?.message ?? error).split("\n")[0];

/**
 * Those whose output is that of the first of their kind; the others get `disagrees` and are not timed: a ratio of
 * different computations says nothing.
 */
function agreed(contenders, log) {
  return contenders.filter(({ row, output, kind, tolerance }) => {
    const first = contenders.find((other) => other.kind === kind);
    const expected = first.output;
    const largest = Math.max(...expected);
    row.difference = output.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0) / largest;
    if (output.length === expected.length && row.difference <= tolerance) return true;
    row.disagrees = `expected ${first.row.name}'s ${expected.length} outputs, got ${output.length} that differ by ${row.difference} of the largest`;
    log(`${row.name}: left out, ${row.disagrees}`);
    return false;
  });
}

/** Engines bring in optimized code in the background, after some calls. */
async function warmUp(run, seconds) {
  const end = now() + seconds * 1000;
  let best = Number.POSITIVE_INFINITY;
  for (let batch = 0; now() < end; batch++) {
    const times = [];
    for (const start = now(); times.length < BATCH.runs || now() - start < BATCH.ms; ) times.push(await timed(run));
    const { median } = summary(times);
    if (batch >= BATCH.least && median > best * 0.98) return;
    best = Math.min(best, median);
  }
}

async function takeTurns(contenders, { rounds, seconds }) {
  const fastest = [];
  for (const { run } of contenders)
    fastest.push(summary([await timed(run), await timed(run), await timed(run)]).median);
  const runs = Math.min(MOST_RUNS_A_TURN, Math.max(1, Math.ceil(TURN / Math.min(...fastest))));
  const end = now() + seconds * 1000;
  for (let round = 0; round < rounds && (round < 3 || now() < end); round++) {
    // Another one begins each round, so that nobody always follows the same neighbor's caches.
    for (let i = 0; i < contenders.length; i++) {
      const { run, samples } = contenders[(round + i) % contenders.length];
      for (let j = 0; j < runs; j++) samples.push(await timed(run));
    }
  }
}

async function timed(run) {
  const start = now();
  const result = run();
  if (typeof result.then === "function") await result;
  return now() - start;
}

/**
 * Median, spread and, where the second half was another speed than the first, how much: the contender or the machine
 * was still changing.
 */
export function summary(samples) {
  const sorted = ascending(samples);
  const half = samples.length >> 1;
  const middle = (part) => quantile(ascending(part), 0.5);
  const drift = half > 3 ? middle(samples.slice(half)) / middle(samples.slice(0, half)) - 1 : 0;
  return {
    ...{ median: quantile(sorted, 0.5), p10: quantile(sorted, 0.1), p90: quantile(sorted, 0.9) },
    ...{ best: sorted[0], runs: sorted.length },
    ...(Math.abs(drift) > 0.1 && { drift }),
  };
}

const ascending = (samples) => Float64Array.from(samples).sort();
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
