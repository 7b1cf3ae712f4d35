/** The three builds of the kernels: which one runs, and how long each takes. */
import { setPart, track } from "./bars.ts";
import { byId, make, setText } from "./dom.ts";
import { VARIANTS, type Variant } from "./engine.ts";
import { milliseconds } from "./format.ts";

const list = byId("kernels", HTMLElement);
const note = byId("kernels-note", HTMLElement);

interface Line {
  readonly input: HTMLInputElement;
  readonly track: HTMLElement;
  readonly value: HTMLElement;
}
const lines = new Map<Variant, Line>();

export function kernelsCard(pick: (variant: Variant) => void): void {
  for (const variant of VARIANTS) {
    const input = make("input", { type: "radio", name: "variant", value: variant });
    const value = make("span", { className: "value", textContent: "…" });
    const line = track();
    input.addEventListener("change", () => pick(variant));
    list.append(
      make("label", { className: "bar pick" }, input, make("span", { className: "name" }, variant), line, value),
    );
    lines.set(variant, { input, track: line, value });
  }
}

export function showVariant(variant: Variant): void {
  for (const [name, { input }] of lines) input.checked = name === variant;
}

/** @param times milliseconds of one run, where they are known; null for what this browser lacks */
export function showTimes(times: ReadonlyMap<Variant, number | null>): void {
  const known = [...times.values()].filter((ms) => ms !== null);
  const longest = Math.max(...known, 1e-6);
  for (const [variant, { input, track, value }] of lines) {
    const ms = times.get(variant);
    input.disabled = ms === null;
    setPart(track, ms ? ms / longest : 0);
    setText(value, ms === null ? "not here" : ms === undefined ? "…" : milliseconds(ms));
  }
  const [scalar, simd] = [times.get("scalar"), times.get("simd")];
  if (simd === null) setText(note, "This browser has no WebAssembly SIMD: the scalar kernels run, to the same bits.");
  else if (scalar && simd) {
    const faster = (scalar / simd).toFixed(1);
    setText(note, `Milliseconds of one picture; simd is ${faster} times as fast as scalar, to the same bits.`);
  } else setText(note, "The same network by three builds, measured while you watch.");
}
