/**
 * A progress bar on stderr for what takes long: only on a terminal, and only once it has taken a moment.
 * @module
 */
import process from "node:process";
import { printable } from "./output.ts";

/** A bar that may or may not be visible. */
export interface Progress {
  /** `done` of `total` (in any unit; a total of 0 is one not known yet); `what` says what is at hand. */
  update(done: number, total: number, what: string): void;
  /** Wipes the bar away. */
  stop(): void;
}

/** Milliseconds before a bar appears: below that it would only flicker. */
const PATIENCE = 300;

/** Characters of a description: with the bar they fit into 80 columns. */
const LONGEST = 45;

/** A new bar. Off a terminal, or without the package cli-progress, it never shows: work goes on without it. */
export async function progress(): Promise<Progress> {
  const bars = process.stderr.isTTY ? await import("cli-progress").catch(() => undefined) : undefined;
  if (bars === undefined) return { update() {}, stop() {} };
  const bar = new bars.default.SingleBar({
    format: "[{bar}] {percentage}% {what}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 24,
    clearOnComplete: true,
    // Its own handler would swallow the first Ctrl+C; without it nothing may need to be put back: not the cursor, not the wrapping of lines.
    gracefulExit: false,
    hideCursor: false,
    linewrap: true,
    stream: process.stderr,
  });
  const start = performance.now();
  let visible = false;
  return {
    update(done, total, what) {
      if (total === 0 || (!visible && performance.now() - start < PATIENCE)) return;
      const payload = { what: printable(what).slice(0, LONGEST) };
      if (!visible) bar.start(total, done, payload);
      visible = true;
      bar.setTotal(total);
      bar.update(done, payload);
    },
    stop() {
      if (visible) bar.stop();
    },
  };
}
