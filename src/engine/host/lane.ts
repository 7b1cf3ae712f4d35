/**
 * What a lane does, in the thread that it runs in. The lanes of a session have an instance of the kernels each, on one
 * memory; they share the work by a few shared words.
 * @module
 */
import type { Schedule } from "./schedules.ts";

/** What a thread must know to be a lane. All of it can be sent to another thread. */
export interface LaneParts {
  /** Kernels whose memory is imported. */
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Shared words, {@link controlWords} of them, all 0 at first. */
  readonly control: SharedArrayBuffer;
  readonly lane: number;
  /** One for each lane. */
  readonly schedules: readonly Schedule[];
  /** What lane 0 does when it works alone; without it, the shares of all. */
  readonly undivided?: Schedule | undefined;
}

/** A lane of this thread. */
export interface Lane {
  /** Computes the network once, with whoever comes; whether it came to its end. For lane 0. */
  lead(): boolean;
  /** Takes part in run after run, until the lanes are stopped or one fails. For the others. */
  follow(): void;
  /** Says that this lane cannot go on; the others leave their run then. */
  fail(): void;
}

/**
 * Where the shared words are: no two of them in one line of a cache, but for TURN, which counts runs, and the one
 * behind it, which says how many shares were done before this run.
 */
export const CONTROL = { TURN: 0, STATE: 16, IDLE: 32, WAITING: 48, LANES: 64, EACH: 32 } as const;

/** What STATE says: 0 while all is well, n + 1 once lane n failed, and this once they shall stop. */
export const STOPPED = -1;

/** How many shared words so many lanes need. */
export function controlWords(lanes: number): number {
  return CONTROL.LANES + CONTROL.EACH * lanes;
}

/**
 * Makes a lane. Other threads get this function as text: it refers to nothing outside of itself.
 *
 * A schedule goes from meeting to meeting. What a lane has to do in between is its share; shares are numbered through
 * all runs, and two words of each lane say how many of its shares were begun, and how many are done. A share is the
 * lane's own, but whoever comes first does it: a thread that sleeps, or that the system has taken from its core, keeps
 * nobody waiting unless it is in the middle of one. All go on when the shares of all are done. Until then they look
 * again and again for SPIN ms, for the others are nearly there as a rule; after that they sleep, and leave the core to
 * whoever needs it, perhaps to the one that they wait for.
 *
 * The lane that leads knows how long a run takes it alone: it tries now and then. Where several runs in a row take as
 * long with the others, other processes have the cores that they would need, and it works alone for a while before it
 * calls them again. Alone it follows the undivided schedule: half as many calls, of kernels that do twice as much each.
 */
export function laneOf(parts: LaneParts): Lane {
  const SPIN = 0.06;
  const IDLE_SPIN = 0.1;
  /** A lane that is busy with a share for so long is taken for dead. */
  const PATIENCE = 30_000;
  /** The others are of no use where a run takes more than this part of its time alone, so many runs in a row. */
  const NO_USE = 0.95;
  const PATIENT_RUNS = 3;
  /** By so much may a run alone be longer than the one before it, for all that this lane knows. */
  const SLOWER = 1.05;
  const LEAST_ALONE = 16;
  const MOST_ALONE = 256;
  const [TURN, FIRST, STATE, IDLE, WAITING, LANES, EACH, DONE] = [0, 1, 16, 32, 48, 64, 32, 16];
  const { module, memory, control, lane, schedules, undivided } = parts;
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const run = exports.run_schedule as (entries: number, first: number, last: number, record: number) => void;
  const words = new Int32Array(control);
  const lanes = schedules.length;
  const stretches = schedules[0]!.bounds.length - 1;
  const pause = (Atomics as { pause?: () => void }).pause ?? (() => {});
  /** Shares that are behind this lane. */
  let passed = 0;
  let runs = 0;
  /** Milliseconds of a run alone; 0 before it was tried. */
  let msAlone = 0;
  /** Runs in a row in which the others were of no use. */
  let late = 0;
  /** Runs to do alone, now and the next time that the others are late. */
  let alone = 0;
  let next = LEAST_ALONE;
  let maySleep = true;
  try {
    Atomics.wait(words, STATE, 1, 0);
  } catch {
    // The main thread of a page: it may not sleep, and looks until the others are there.
    maySleep = false;
  }

  const reached = (word: number, count: number): boolean => ((Atomics.load(words, word) - count) | 0) >= 0;

  /** Whether a word comes to a count before the time is up. */
  const seen = (word: number, count: number, ms: number): boolean => {
    for (let end = 0; ; ) {
      for (let i = 0; i < 128; i++) {
        if (reached(word, count)) return true;
        pause();
      }
      if (Atomics.load(words, STATE) !== 0) return false;
      const now = performance.now();
      if (end === 0) end = now + ms;
      else if (now >= end) return false;
    }
  };

  const fail = (which: number): void => {
    Atomics.compareExchange(words, STATE, 0, which + 1);
    for (let i = 0; i < lanes; i++) Atomics.notify(words, LANES + EACH * i + DONE);
    Atomics.notify(words, TURN);
  };

  /** Does a share of some lane, if nobody has begun it. */
  const share = (of: number, stretch: number, count: number): void => {
    const begun = LANES + EACH * of;
    if (Atomics.compareExchange(words, begun, (count - 1) | 0, count) !== ((count - 1) | 0)) return;
    const { at, record, bounds } = schedules[of]!;
    const [first, last] = [bounds[stretch]!, bounds[stretch + 1]!];
    try {
      if (first < last) run(at, first, last, record);
    } catch (error) {
      fail(lane);
      throw error;
    }
    Atomics.store(words, begun + DONE, count);
    if (Atomics.load(words, WAITING) > 0) Atomics.notify(words, begun + DONE);
  };

  /** Whether another lane's share is done, once it is. */
  const done = (other: number, count: number): boolean => {
    const word = LANES + EACH * other + DONE;
    if (seen(word, count, maySleep ? SPIN : PATIENCE)) return true;
    const start = performance.now();
    while (maySleep && performance.now() - start < PATIENCE) {
      // Counted before the last look: who comes after it sees that somebody sleeps.
      Atomics.add(words, WAITING, 1);
      const value = Atomics.load(words, word);
      const there = ((value - count) | 0) >= 0;
      if (!there && Atomics.load(words, STATE) === 0) Atomics.wait(words, word, value, 500);
      Atomics.sub(words, WAITING, 1);
      if (reached(word, count)) return true;
      if (Atomics.load(words, STATE) !== 0) return false;
    }
    if (Atomics.load(words, STATE) === 0) fail(other);
    return false;
  };

  const work = (): boolean => {
    for (let stretch = 0; stretch < stretches; stretch++) {
      const count = (passed + 1) | 0;
      for (let i = 0; i < lanes; i++) share((lane + i) % lanes, stretch, count);
      for (let i = 1; i < lanes; i++) if (!done((lane + i) % lanes, count)) return false;
      if (!done(lane, count)) return false;
      passed = count;
    }
    return true;
  };

  /** All of it, without a word to the others. They wait for a share that nobody begins, and would find none. */
  const workAlone = (): boolean => {
    if (!undivided) return work();
    try {
      run(undivided.at, 0, undivided.bounds[1]!, undivided.record);
    } catch (error) {
      fail(lane);
      throw error;
    }
    return true;
  };

  return {
    lead() {
      if (Atomics.load(words, STATE) !== 0) return false;
      // Another thread may have led the run before.
      passed = Atomics.load(words, LANES + DONE);
      const start = performance.now();
      // Tried after 4, 8, 16, … runs.
      const solo = alone > 0 || (++runs >= 4 && (runs & (runs - 1)) === 0);
      if (!solo) {
        Atomics.store(words, FIRST, passed);
        Atomics.add(words, TURN, 1);
        if (Atomics.load(words, IDLE) > 0) Atomics.notify(words, TURN);
      }
      const whole = solo ? workAlone() : work();
      const ms = performance.now() - start;
      if (solo) {
        if (alone > 0) alone--;
        // Quick to believe what is shorter: the system may have taken the core away in the middle of a longer run.
        msAlone = msAlone === 0 ? ms : Math.min(ms, SLOWER * msAlone);
      } else if (msAlone === 0 || ms < NO_USE * msAlone) {
        late = 0;
        // By halves: that others had time for one run does not mean that they have it from now on.
        next = Math.max(LEAST_ALONE, next >> 1);
      } else if (++late === PATIENT_RUNS) {
        late = 0;
        alone = next;
        next = Math.min(2 * next, MOST_ALONE);
      }
      return whole;
    },
    follow() {
      for (let turn = 0; Atomics.load(words, STATE) === 0; ) {
        if (!seen(TURN, (turn + 1) | 0, IDLE_SPIN)) {
          Atomics.add(words, IDLE, 1);
          while (Atomics.load(words, TURN) === turn && Atomics.load(words, STATE) === 0)
            Atomics.wait(words, TURN, turn);
          Atomics.sub(words, IDLE, 1);
        }
        turn = Atomics.load(words, TURN);
        // Lane 0 may have done some runs alone. Should it be in a later one by now, so is this lane.
        passed = Atomics.load(words, FIRST);
        if (Atomics.load(words, STATE) !== 0 || !work()) return;
      }
    },
    fail: () => fail(lane),
  };
}
