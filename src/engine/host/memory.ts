/**
 * The sole owner of a wasm instance's linear memory: it is sized once, before any view is taken, and never grows after.
 * @module
 */
import { LoadError, MemoryError } from "../../errors.ts";
import { BASE, MODULE_CONSTANTS } from "../abi.ts";

export { ABI_VERSION, ALIGN, BASE, SLACK } from "../abi.ts";

/** Bytes of a WebAssembly page. */
export const PAGE = 65536;

/** The kernels' ABI: what `assembly/index.ts` exports, as far as the host calls it. */
export interface KernelExports
  extends Record<string, unknown>,
    Readonly<Record<keyof typeof MODULE_CONSTANTS, { readonly value: number }>> {
  readonly memory: WebAssembly.Memory;
  readonly VARIANT: { readonly value: number };
  /** First byte that static data leaves free. */
  heap_base(): number;
  /**
   * Executes entries [first, last) of the schedule at byte address `entries`; at `record` there is room for a step's
   * record, where an entry moves its rows.
   */
  run_schedule(entries: number, first: number, last: number, record: number): void;
  /** Executes row units [y0, y1) of the step at byte address `step`. */
  run_rows(step: number, y0: number, y1: number): void;
  /** Packs rows [k0, k1) of a row-major [k][n] matrix; row k0 is at byte address `source`. */
  pwconv_f32_pack(target: number, source: number, k: number, n: number, k0: number, k1: number): void;
  /**
   * Packs rows [k0, k1) of a row-major i8 [k][n] matrix into panels at `target`, which are zero; row k0 is at byte
   * address `source`.
   */
  pwconv_s8_pack(target: number, source: number, k: number, n: number, k0: number, k1: number): void;
  /**
   * Adds up k rows of i8 [k][pitch] at `w`, their zero point taken off: of each of n columns what is above it to the
   * i32 at `target`, what is below to the i32 n, rounded up to a multiple of 8, further on.
   */
  pwconv_s8_sums(target: number, w: number, k: number, n: number, pitch: number, zw: number): void;
  /**
   * Marks those of n columns of 8-bit weights whose results, between lo and hi with their zero point taken off, come
   * out right in single precision; where their multipliers, shifts and marks lie.
   */
  pwconv_s8_prove(m: number, e: number, marks: number, n: number, lo: number, hi: number): void;
  /** Makes a packed matrix [k][n] of 8 bits at `w`, which was for the product `was`, ready for another one. */
  pwconv_s8_suit(w: number, k: number, n: number, zw: number, was: number, is: number): void;
  /**
   * Multiplies `vectors` vectors of bytes at w and x, adds them to the sums at y, and repeats that `times` times;
   * answers how often a result changed. `product`: what a debug build emulates.
   */
  pwconv_s8_ask(w: number, x: number, y: number, vectors: number, times: number, product: number): number;
  /** Packs a bias [n]; a `bias` of 0 stands for zeros. */
  pwconv_f32_pack_bias(target: number, bias: number, k: number, n: number): void;
}

/** One instance of the kernels with exactly as many pages as it needs. */
export class LinearMemory {
  readonly exports: KernelExports;
  readonly buffer: ArrayBuffer;
  readonly view: DataView;

  private constructor(exports: KernelExports, bytes: number) {
    // Kernels of another version of this package would read other fields, or further: none of them runs.
    for (const [name, value] of Object.entries(MODULE_CONSTANTS)) {
      const own = (exports[name] as { readonly value: number } | undefined)?.value;
      if (own !== value) throw new LoadError(`wasm module: expected ${name} ${value}, got ${own}`);
    }
    const base = exports.heap_base();
    if (base > BASE)
      throw new LoadError(`wasm module: expected static data below byte ${BASE}, got some up to ${base}`);
    const pages = Math.ceil(bytes / PAGE);
    const missing = pages - exports.memory.buffer.byteLength / PAGE;
    try {
      if (missing > 0) exports.memory.grow(missing);
    } catch (cause) {
      throw shortage(bytes, cause);
    }
    this.exports = exports;
    this.buffer = exports.memory.buffer as ArrayBuffer;
    this.view = new DataView(this.buffer);
  }

  /**
   * Instantiates `module` with at least `bytes` of memory, rounded up to whole pages.
   * @param shared the module imports its memory, and threads share it
   * @throws {@link MemoryError} when the host refuses, {@link LoadError} when the module is not one of this version's
   *   kernels.
   */
  static async create(module: WebAssembly.Module, bytes: number, shared = false): Promise<LinearMemory> {
    const imports = shared ? { env: { memory: sharedMemory(bytes) } } : {};
    return new LinearMemory((await instanceOf(module, imports, bytes)).exports as unknown as KernelExports, bytes);
  }

  /** A view of `length` floats at byte `offset`. */
  floats(offset: number, length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.buffer, offset, length);
  }

  /** A view of `length` bytes at byte `offset`. */
  bytes(offset: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer, offset, length);
  }
}

/**
 * Synchronously where the host lets us: it is faster for modules as small as these. A browser may refuse to do it on
 * its main thread. The modules import nothing but a memory and hand over no objects, so there is nothing for
 * AssemblyScript's loader to do here; the tests instantiate by it.
 */
async function instanceOf(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
  bytes: number,
): Promise<{ readonly exports: unknown }> {
  try {
    return new WebAssembly.Instance(module, imports);
  } catch (cause) {
    if (isShort(cause)) throw shortage(bytes, cause);
  }
  try {
    return await WebAssembly.instantiate(module, imports);
  } catch (cause) {
    if (isShort(cause)) throw shortage(bytes, cause);
    throw new LoadError(
      `wasm module: expected one of sepconv's, got one that starts with ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

/** A memory of so many bytes, in pages, that threads may share; it cannot grow. */
function sharedMemory(bytes: number): WebAssembly.Memory {
  const pages = Math.max(1, Math.ceil(bytes / PAGE));
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    throw shortage(bytes, cause);
  }
}

/** Whether a host's error says that there is no memory; engines put it differently. */
function isShort(cause: unknown): boolean {
  return cause instanceof Error && /memory/i.test(cause.message) && /out of|allocate|could not/i.test(cause.message);
}

function shortage(bytes: number, cause: unknown): MemoryError {
  const cure =
    "engines reserve gigabytes of address space for each memory: raise the limit (ulimit -v), or start Node with --disable-wasm-trap-handler";
  return new MemoryError(`memory: expected ${bytes} bytes from the host, got none; ${cure}`, bytes, 0, { cause });
}
