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

/** To the line's beginning, and nothing behind it. */
const WIPE = "\r\x1b[2K";

/** What ends a process from the outside. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Wipes away the bar that is visible, if one is. */
let wipe = (): void => {};

let quiet = false;

/** From now on no bar shows. */
export function hideBars(): void {
  quiet = true;
}

/** Leaves the terminal as it was found: for the last words of a process that ends out of turn. */
export function wipeBar(): void {
  wipe();
}

/** Does `work` under a bar, which is gone afterwards, whatever happens. */
export async function underBar<T>(work: (bar: Progress) => Promise<T>): Promise<T> {
  const bar = progress();
  try {
    return await work(bar);
  } finally {
    bar.stop();
  }
}

/** Does `work`, a download, under a bar that counts its bytes. */
export function withDownload<T>(
  name: string,
  work: (onProgress: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  return underBar((bar) =>
    work((done, total) => bar.update(done, total, `${megabytes(done)} of ${megabytes(total)} MB of ${name}`)),
  );
}

/** Milliseconds between two drawings. */
const PACE = 80;

/** A new bar. Off a terminal, and in one too narrow, it never shows: work goes on without it. */
function progress(): Progress {
  const fits = process.stderr.isTTY && !(process.stderr.columns < NARROWEST);
  if (!fits || quiet) return { update() {}, stop() {} };
  const start = performance.now();
  let visible = false;
  let drawn = Number.NEGATIVE_INFINITY;
  const stop = (): void => {
    if (!visible) return;
    visible = false;
    process.stderr.write(WIPE);
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
      const now = performance.now();
      if (total === 0 || (!visible && now - start < PATIENCE)) return;
      if (now - drawn < PACE && done < total) return;
      drawn = now;
      if (!visible) {
        visible = true;
        // Before anything is drawn: an interruption may come at any time.
        for (const signal of SIGNALS) process.on(signal, end);
        wipe = stop;
      }
      const part = Math.min(1, done / total);
      const full = Math.round(BAR * part);
      // A line that wraps could not be wiped away; the last column stays free, as some terminals wrap when it is
      // written. The terminal may have another width by now.
      const text = elide(printable(what), Math.max(0, columnsOf(process.stderr) - BAR - AROUND - 1));
      const percent = `${Math.floor(100 * part)}%`;
      process.stderr.write(`${WIPE}[${"█".repeat(full)}${"░".repeat(BAR - full)}] ${percent} ${text}`);
    },
    stop,
  };
}
