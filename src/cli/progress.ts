/**
 * A progress bar on stderr for what takes long: only on a terminal, and only once it has taken a moment.
 * @module
 */
import process from "node:process";
import { printable } from "./output.ts";
import { columnsOf, elide, NARROWEST } from "./width.ts";

/** A bar that may or may not be visible. */
export interface Progress {
  /** `done` of `total` (in any unit; a total of 0 is one not known yet); `what` says what is at hand. */
  update(done: number, total: number, what: string): void;
  /** Wipes the bar away. */
  stop(): void;
}

/** Milliseconds before a bar appears: below that it would only flicker. */
const PATIENCE = 300;

/** Characters of the bar itself, and of what stands around it: brackets, percentage, spaces. */
const BAR = 24;
const AROUND = 9;

/** What ends a process from the outside. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Wipes away the bar that is visible, if one is. */
let wipe = (): void => {};

/** Leaves the terminal as it was found: for the last words of a process that ends out of turn. */
export function wipeBar(): void {
  wipe();
}

/** Does `work` under a bar, which is gone afterwards, whatever happens. */
export async function underBar<T>(work: (bar: Progress) => Promise<T>): Promise<T> {
  const bar = await progress();
  try {
    return await work(bar);
  } finally {
    bar.stop();
  }
}

/**
 * A new bar. Off a terminal, in one too narrow, or without the package cli-progress, it never shows: work goes on
 * without it.
 */
async function progress(): Promise<Progress> {
  const fits = process.stderr.isTTY && !(process.stderr.columns < NARROWEST);
  const bars = fits ? await import("cli-progress").catch(() => undefined) : undefined;
  if (bars === undefined) return { update() {}, stop() {} };
  const room = columnsOf(process.stderr);
  const bar = new bars.default.SingleBar({
    format: "[{bar}] {percentage}% {what}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: BAR,
    clearOnComplete: true,
    // Its own handler would swallow the first Ctrl+C; ours lets it through. Nothing else needs to be put back: not the
    // cursor, not the wrapping of lines.
    gracefulExit: false,
    hideCursor: false,
    linewrap: true,
    stream: process.stderr,
  });
  const start = performance.now();
  let visible = false;
  const stop = (): void => {
    if (!visible) return;
    visible = false;
    bar.stop();
    for (const signal of SIGNALS) process.off(signal, end);
    wipe = () => {};
  };
  const end = (signal: NodeJS.Signals): void => {
    stop();
    // Now that nobody listens any more, it does what it would have done: a shell sees a process that was interrupted.
    process.kill(process.pid, signal);
  };
  return {
    update(done, total, what) {
      if (total === 0 || (!visible && performance.now() - start < PATIENCE)) return;
      // A line that wraps could not be wiped away; the last column stays free, as some terminals wrap when it is
      // written.
      const payload = { what: elide(printable(what), room - BAR - AROUND - 1) };
      if (!visible) {
        visible = true;
        // Before anything is drawn: an interruption may come at any time.
        for (const signal of SIGNALS) process.on(signal, end);
        wipe = stop;
        bar.start(total, done, payload);
      }
      bar.setTotal(total);
      bar.update(done, payload);
    },
    stop,
  };
}
