/**
 * Which functions a function calls, read from its instructions: what nobody calls need not be in a frozen module.
 * @module
 */

import { Cursor } from "../engine/host/binary.ts";
import { UnsupportedError } from "../errors.ts";

/** Numbers behind an instruction: none, one, two; a memory operand has an alignment and an offset. */
const ONE = new Set([0x0c, 0x0d, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2]);
const BLOCKS = new Set([0x02, 0x03, 0x04]);
const [CALL, CALL_INDIRECT, BRANCH_TABLE, SELECT_TYPED, F32, F64, BULK, VECTOR] = [
  ...[0x10, 0x11, 0x0e, 0x1c, 0x43, 0x44, 0xfc, 0xfd],
] as [number, number, number, number, number, number, number, number];
const isMemory = (code: number) => code >= 0x28 && code <= 0x3e;
/** Behind the prefix of operations on much memory, and that of vectors. */
const BULK_NUMBERS: Readonly<Record<number, number>> = { 8: 2, 9: 1, 10: 2, 11: 1 };

/**
 * Indices of the functions that are called.
 * @param body locals and instructions of a function
 * @throws UnsupportedError for an instruction that kernels do not have
 */
export function callsOf(body: Uint8Array): Set<number> {
  const calls = new Set<number>();
  const cursor = new Cursor(body);
  for (let groups = cursor.u32(); groups > 0; groups--) {
    cursor.u32();
    cursor.byte();
  }
  while (!cursor.ended) {
    const code = cursor.byte();
    if (code === CALL) calls.add(cursor.u32());
    else if (ONE.has(code) || BLOCKS.has(code)) cursor.u32();
    else if (isMemory(code)) skip(cursor, 2);
    else if (code === BRANCH_TABLE) skip(cursor, cursor.u32() + 1);
    else if (code === SELECT_TYPED) skip(cursor, cursor.u32());
    else if (code === F32) cursor.bytes(4);
    else if (code === F64) cursor.bytes(8);
    else if (code === BULK) skip(cursor, BULK_NUMBERS[cursor.u32()] ?? 0);
    else if (code === VECTOR) vector(cursor);
    else if (code === CALL_INDIRECT || code === 0x12 || code === 0x13) {
      throw new UnsupportedError(`wasm module: expected calls of known functions, got instruction ${code}`);
    }
  }
  return calls;
}

/** What is behind an operation on vectors. */
function vector(cursor: Cursor): void {
  const code = cursor.u32();
  if (code <= 11 || code === 92 || code === 93) skip(cursor, 2);
  else if (code === 12 || code === 13) cursor.bytes(16);
  else if (code >= 21 && code <= 34) cursor.byte();
  else if (code >= 84 && code <= 91) {
    skip(cursor, 2);
    cursor.byte();
  }
}

function skip(cursor: Cursor, numbers: number): void {
  for (let i = 0; i < numbers; i++) cursor.u32();
}
