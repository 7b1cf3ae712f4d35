/**
 * The kernels of training, in an instance of their own with exactly as much memory as a plan needs.
 * @module
 */
import { VARIANTS, type Variant } from "../engine/builds.ts";
import { PAGE } from "../engine/host/memory.ts";
import { accepts, type KernelOptions, stableVariant } from "../engine/variant.ts";
import { readWasm } from "../engine/wasm-source.ts";
import { LoadError, MemoryError, UnsupportedError } from "../errors.ts";
import { STATE_BYTES, STEP_BYTES, TRAIN_ABI_VERSION, VIEW_BYTES } from "./abi.ts";
import { BASE } from "./addresses.ts";
import { findTrainingBuild } from "./training-files.ts";

/** What the module exports, as far as the host calls it. */
export interface TrainingExports {
  readonly memory: WebAssembly.Memory;
  readonly VARIANT: { readonly value: number };
  heap_base(): number;
  /**
   * Executes records [first, last) of the table for n images; answers `last`, or the index of the record whose result
   * was no finite number.
   */
  run(table: number, first: number, last: number, n: number, state: number): number;
}

/** An instance. */
export interface Instance {
  readonly exports: TrainingExports;
  readonly variant: Variant;
  readonly buffer: ArrayBuffer;
}

const CONSTANTS = { TRAIN_ABI_VERSION, STEP_BYTES, VIEW_BYTES, STATE_BYTES } as const;
const compiled = new Map<Variant, Promise<WebAssembly.Module>>();

/**
 * An instance with at least so many bytes. By default of the build whose bits are the same on every host.
 * @throws UnsupportedError for a variant that this host does not run; LoadError where there is no such module;
 *   MemoryError where the host gives no memory
 */
export async function instanceFor({ variant, wasm }: KernelOptions, bytes: number): Promise<Instance> {
  if (variant !== undefined && !VARIANTS.includes(variant)) {
    throw new RangeError(`variant: expected one of ${VARIANTS.join(", ")}, got ${String(variant)}`);
  }
  const asked = variant ?? stableVariant();
  if (wasm === undefined && !accepts(asked)) {
    throw new UnsupportedError(`variant: expected a host that runs "${asked}", got one that refuses its instructions`);
  }
  const module = await (wasm === undefined ? cached(asked) : readWasm(wasm).then(compile));
  const { exports } = await WebAssembly.instantiate(module);
  const training = exports as unknown as TrainingExports;
  for (const [name, own] of Object.entries(CONSTANTS)) {
    const value = (exports[name] as unknown as { value: number } | undefined)?.value;
    if (value !== own)
      throw new LoadError(`wasm module: expected kernels of training with ${name} ${own}, got ${value}`);
  }
  const is = (["scalar", "simd", "relaxed"] as const)[training.VARIANT.value]!;
  if (variant !== undefined && variant !== is) {
    throw new UnsupportedError(`option wasm: expected the variant "${variant}", got a module of "${is}"`);
  }
  const base = training.heap_base();
  if (base > BASE) throw new LoadError(`wasm module: expected static data below byte ${BASE}, got some up to ${base}`);
  const missing = Math.ceil(bytes / PAGE) - training.memory.buffer.byteLength / PAGE;
  try {
    if (missing > 0) training.memory.grow(missing);
  } catch (cause) {
    throw new MemoryError(`memory: expected ${bytes} bytes from the host, got none`, bytes, 0, { cause });
  }
  return { exports: training, variant: is, buffer: training.memory.buffer as ArrayBuffer };
}

function cached(variant: Variant): Promise<WebAssembly.Module> {
  let module = compiled.get(variant);
  if (module === undefined) {
    module = findTrainingBuild(variant).then(({ wasm }) => compile(wasm));
    module.catch(() => compiled.delete(variant));
    compiled.set(variant, module);
  }
  return module;
}

async function compile(wasm: Uint8Array<ArrayBuffer> | WebAssembly.Module): Promise<WebAssembly.Module> {
  if (wasm instanceof WebAssembly.Module) return wasm;
  try {
    return await WebAssembly.compile(wasm);
  } catch (cause) {
    throw new LoadError(`wasm module: expected kernels of training, got ${(cause as Error).message}`, { cause });
  }
}
