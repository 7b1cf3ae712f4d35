/**
 * Frames of a video, each asked about when it comes, never two at once: what comes while one is worked on is left out.
 * A page in the background draws no frames and is asked nothing.
 */

/** Frames a second over the last second, and what is dropped from it when nothing comes. */
export class Rate {
  readonly #times: number[] = [];

  add(now = performance.now()): number {
    this.#times.push(now);
    while (this.#times[0]! < now - 1000) this.#times.shift();
    return this.perSecond;
  }

  /** Gaps between frames, not frames, are what a second has. */
  get perSecond(): number {
    const times = this.#times;
    if (times.length < 2) return 0;
    return ((times.length - 1) * 1000) / (times.at(-1)! - times[0]!);
  }
}

/** @returns what ends it */
export function eachFrame(video: HTMLVideoElement, act: () => Promise<void>): () => void {
  let [over, busy] = [false, false];
  const frame = () => {
    if (over) return;
    next();
    if (busy || document.hidden || video.readyState < 2) return;
    busy = true;
    act().finally(() => {
      busy = false;
    });
  };
  const next = () => {
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(frame);
    else requestAnimationFrame(frame);
  };
  next();
  return () => {
    over = true;
  };
}
