/**
 * The blocks of a JPEG: 64 coefficients each, as the scans of a file hold them.
 * @module
 */
import type { BitReader } from "./jpeg-bits.ts";
import type { Component } from "./jpeg-frame.ts";
import { damaged } from "./pixels.ts";

/** Places of the coefficients, in the order in which a file has them, from low frequencies to high ones. */
// biome-ignore format: as in the standard, figure A.6
export const ZIGZAG = Uint8Array.of(
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53,
  60, 61, 54, 47, 55, 62, 63,
);

/** What of each block a scan holds. */
export interface Band {
  /** Coefficients in zigzag order, both included. */
  readonly start: number;
  readonly end: number;
  /** The lowest bit that was there before this scan, 0 when none was, and the lowest one after it. */
  readonly high: number;
  readonly low: number;
}

/** Reads the blocks of one scan, one after the other. */
export class BlockReader {
  readonly #bits: BitReader;
  readonly #band: Band;
  readonly #name: string;
  /** How many blocks to come have nothing (new) in this scan. */
  #empty = 0;

  constructor(bits: BitReader, band: Band, name: string) {
    this.#bits = bits;
    this.#band = band;
    this.#name = name;
  }

  /** To be called at the scan's begin and behind a restart marker. */
  reset(): void {
    this.#empty = 0;
  }

  /** All 64 coefficients, into zeros. */
  sequential(component: Component, to: Int16Array, at: number): void {
    const bits = this.#bits;
    component.predictor += bits.signed(bits.symbol(component.dc!) & 15);
    to[at] = component.predictor;
    const ac = component.ac!;
    for (let k = 1; k < 64; ++k) {
      const symbol = bits.symbol(ac);
      const length = symbol & 15;
      if (length === 0 && symbol !== 0xf0) break;
      k += symbol >> 4;
      if (length === 0) continue;
      if (k > 63) throw this.#overfull();
      to[at + ZIGZAG[k]!] = bits.signed(length);
    }
  }

  /** What a scan of a progressive picture says of a block. */
  progressive(component: Component, to: Int16Array, at: number): void {
    const { start, high, low } = this.#band;
    if (start > 0) {
      if (high === 0) this.#firstBits(component, to, at);
      else this.#nextBit(component, to, at);
    } else if (high === 0) {
      component.predictor += this.#bits.signed(this.#bits.symbol(component.dc!) & 15) << low;
      to[at] = component.predictor;
    } else to[at]! |= this.#bits.bit() << low;
  }

  #firstBits(component: Component, to: Int16Array, at: number): void {
    if (this.#empty > 0) {
      --this.#empty;
      return;
    }
    const bits = this.#bits;
    const { start, end, low } = this.#band;
    for (let k = start; k <= end; ++k) {
      const symbol = bits.symbol(component.ac!);
      const run = symbol >> 4;
      const length = symbol & 15;
      if (length === 0 && run < 15) {
        this.#empty = (1 << run) - 1 + bits.bits(run);
        return;
      }
      k += run;
      if (length === 0) continue;
      if (k > end) throw this.#overfull();
      to[at + ZIGZAG[k]!] = bits.signed(length) * (1 << low);
    }
  }

  /** One more bit of the coefficients that are not zero, and those that become ±1 in this bit. */
  #nextBit(component: Component, to: Int16Array, at: number): void {
    const bits = this.#bits;
    const { start, end, low } = this.#band;
    const one = 1 << low;
    let k = start;
    while (this.#empty === 0 && k <= end) {
      const symbol = bits.symbol(component.ac!);
      let run = symbol >> 4;
      let value = 0;
      if ((symbol & 15) === 0) {
        if (run < 15) {
          this.#empty = (1 << run) + bits.bits(run);
          break;
        }
      } else if ((symbol & 15) === 1) value = bits.bit() ? one : -one;
      else throw this.#overfull();
      // `run` zeros stay zeros; what is not zero among them gets its bit.
      for (; k <= end; ++k) {
        const place = at + ZIGZAG[k]!;
        if (to[place] !== 0) this.#refine(to, place, one);
        else if (run-- === 0) break;
      }
      if (value !== 0) {
        if (k > end) throw this.#overfull();
        to[at + ZIGZAG[k]!] = value;
      }
      ++k;
    }
    if (this.#empty === 0) return;
    for (; k <= end; ++k) {
      const place = at + ZIGZAG[k]!;
      if (to[place] !== 0) this.#refine(to, place, one);
    }
    --this.#empty;
  }

  #refine(to: Int16Array, place: number, one: number): void {
    if (this.#bits.bit() === 1) to[place]! += to[place]! < 0 ? -one : one;
  }

  #overfull(): Error {
    this.#bits.check();
    return damaged(this.#name, "JPEG", "a block has more coefficients than it has places");
  }
}
