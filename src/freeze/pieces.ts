/**
 * What lies in a module's memory from the start, without the zeros that are there anyway. Records are half zeros, and
 * so are the weights of networks that were trained to small files: some of 8 bits lose half of their size.
 * @module
 */

/** Bytes at an address. */
export interface Piece {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** A segment of data costs its address and its length: some ten bytes. Shorter runs of zeros stay. */
const LEAST_RUN = 32;

/** Segments in all: runtimes allow far more, but each is work at the start. */
const MOST_PIECES = 1000;

/** The pieces that are not zero, in their order. */
export function pieces({ address, bytes }: Piece, least = LEAST_RUN): Piece[] {
  const found: Piece[] = [];
  let [start, zeros] = [-1, 0];
  const end = (at: number) => {
    if (start >= 0) found.push({ address: address + start, bytes: bytes.subarray(start, at) });
    start = -1;
  };
  for (const [i, byte] of bytes.entries()) {
    if (byte === 0) {
      zeros++;
      continue;
    }
    if (zeros >= least) end(i - zeros);
    if (start < 0) start = i;
    zeros = 0;
  }
  end(bytes.length - zeros);
  return found.length > MOST_PIECES ? pieces({ address, bytes }, 2 * least) : found;
}
