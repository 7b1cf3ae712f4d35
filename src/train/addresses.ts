/**
 * Addresses in linear memory, one behind the other.
 * @module
 */
import { ALIGN, SLACK } from "./abi.ts";

/** Where static data of the kernels has ended. */
export const BASE = 1024;

/** Bytes of something that kernels may read a little past, up to where the next thing can begin. */
export function padded(bytes: number): number {
  return Math.ceil((bytes + SLACK) / ALIGN) * ALIGN;
}

/** Hands out addresses. */
export class Addresses {
  at: number;

  constructor(from: number) {
    this.at = from;
  }

  /** Room for so many bytes, and for what may be read past them. */
  take(bytes: number): number {
    const address = this.at;
    this.at += padded(bytes);
    return address;
  }
}
