/**
 * Which build of the kernels this host can run: found, compiled once a process, and checked by a computed answer.
 * @module
 */
import { LoadError, UnsupportedError } from "../errors.ts";
import { type Build, checksum, VARIANTS, type Variant } from "./builds.ts";
import { BASE, LinearMemory } from "./host/memory.ts";
import { findBuild } from "./kernel-files.ts";
import { KERNELS, STEP_BYTES, writeStep } from "./step.ts";
import { readWasm, type WasmSource } from "./wasm-source.ts";

export { VARIANTS, type Variant } from "./builds.ts";
export type { WasmSource } from "./wasm-source.ts";

/** A compiled build of the kernels. */
export interface Kernels {
  readonly module: WebAssembly.Module;
  readonly variant: Variant;
  /** What they were compiled of, where it is known. */
  readonly bytes?: Uint8Array<ArrayBuffer> | undefined;
}

/** What every function takes that runs kernels. */
export interface KernelOptions {
  /** The build of the kernels; asked for and absent is an error. */
  readonly variant?: Variant | undefined;
  /**
   * Where the kernels come from, if not from this package: bytes, `Blob`, `Response`, URL, path, a compiled module, or
   * a promise of one of these.
   */
  readonly wasm?: WasmSource | undefined;
}

/**
 * The smallest modules that hold an instruction of the kind: `i8x16.splat` of a constant, and `f32x4.relaxed_madd`.
 * They spare a host the download of a build that it would refuse; whether the real one compiles is seen when it does.
 */
// biome-ignore format: sections of a wasm binary, one a line
const PROBES: Record<Variant, readonly number[]> = {
  scalar: [0, 97, 115, 109, 1, 0, 0, 0],
  simd: [
    0, 97, 115, 109, 1, 0, 0, 0,
    1, 5, 1, 96, 0, 1, 123,
    3, 2, 1, 0,
    10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
  ],
  relaxed: [
    0, 97, 115, 109, 1, 0, 0, 0,
    1, 5, 1, 96, 0, 1, 123,
    3, 2, 1, 0,
    10, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0, 253, 15, 65, 0, 253, 15, 253, 133, 2, 11,
  ],
};

const compiled = new Map<Variant, Promise<Kernels>>();

/**
 * Whether this host accepts the instructions of a variant.
 * @throws {@link LoadError} on a host without WebAssembly
 */
export function accepts(variant: Variant): boolean {
  if (typeof WebAssembly !== "object") {
    throw new LoadError(
      "kernels: expected a host with WebAssembly, got one without; Node's --jitless and the lockdown mode of Apple's " +
        "devices turn it off",
    );
  }
  return WebAssembly.validate(new Uint8Array(PROBES[variant]));
}

/**
 * The kernels of one variant, or of the fastest one that this host runs rightly. Compiled once a process; concurrent
 * calls share the work.
 * @throws {@link UnsupportedError} for a variant that was asked for and is not to be had; never a silent fallback.
 * @throws {@link LoadError} when a file can't be fetched or compiled.
 */
export async function loadKernels(variant?: Variant): Promise<Kernels> {
  if (variant !== undefined) {
    if (!VARIANTS.includes(variant)) {
      throw new RangeError(`variant: expected one of ${VARIANTS.join(", ")}, got ${String(variant)}`);
    }
    if (!accepts(variant)) {
      const advice = variant === "relaxed" ? " (Node 20 has relaxed SIMD behind --experimental-wasm-relaxed-simd)" : "";
      throw new UnsupportedError(
        `variant: expected a host that runs "${variant}", got one that refuses its instructions${advice}`,
      );
    }
    return cached(variant);
  }
  let refusal: unknown;
  for (const candidate of VARIANTS) {
    if (!accepts(candidate)) continue;
    try {
      return await cached(candidate);
    } catch (error) {
      // A host may accept the probe and refuse the build, or compute it wrong; a file that isn't there is not its
      // fault, and no reason to go slow.
      if (!(error instanceof UnsupportedError)) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

/** `simd` where this host accepts it, else `scalar`: both compute the same bits. */
export function stableVariant(): Variant {
  return accepts("simd") ? "simd" : "scalar";
}

/**
 * Kernels from a source of the caller's; its own exports say which variant it is.
 * @throws {@link UnsupportedError} when that is not the variant that was asked for
 */
export async function kernelsFrom(source: WasmSource, asked?: Variant): Promise<Kernels> {
  accepts("scalar");
  const { module, bytes } = await compiledOf({ wasm: await readWasm(source), where: "option wasm" });
  const { VARIANT } = (await LinearMemory.create(module, 0)).exports;
  const variant = (["scalar", "simd", "relaxed"] as const)[VARIANT.value];
  if (variant === undefined) throw new LoadError(`option wasm: expected VARIANT 0, 1 or 2, got ${VARIANT.value}`);
  if (asked !== undefined && asked !== variant) {
    throw new UnsupportedError(`option wasm: expected the variant "${asked}", got a module of "${variant}"`);
  }
  await check(module, variant);
  return { module, variant, bytes };
}

/** The kernels that options ask for. */
export function kernelsFor({ variant, wasm }: KernelOptions): Promise<Kernels> {
  return wasm === undefined ? loadKernels(variant) : kernelsFrom(wasm, variant);
}

/** The same; by default those whose bits are the same on every host. */
export function stableKernelsFor({ variant, wasm }: KernelOptions): Promise<Kernels> {
  return wasm === undefined ? loadKernels(variant ?? stableVariant()) : kernelsFrom(wasm, variant);
}

function cached(variant: Variant): Promise<Kernels> {
  let kernels = compiled.get(variant);
  if (kernels === undefined) {
    kernels = findBuild(variant).then(async (build) => {
      const { module, bytes } = await compiledOf(build);
      await check(module, variant);
      return { module, variant, bytes };
    });
    // A failure may pass (a network that comes back): the next call tries again.
    kernels.catch(() => compiled.delete(variant));
    compiled.set(variant, kernels);
  }
  return kernels;
}

async function compiledOf({ wasm, where, sum }: Build): Promise<Omit<Kernels, "variant">> {
  return "byteLength" in wasm ? { module: await compile(wasm, where, sum), bytes: wasm } : { module: wasm };
}

async function compile(
  bytes: Uint8Array<ArrayBuffer>,
  where: string,
  sum: number | undefined,
): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    const { message } = cause as Error;
    const whole = sum === undefined ? isWhole(bytes) : checksum(bytes) === sum;
    if (whole && !WebAssembly.validate(bytes)) {
      throw new UnsupportedError(`${where}: expected a host that accepts this build of the kernels, got ${cause}`, {
        cause,
      });
    }
    if (FORBIDDEN.test(message)) {
      throw new LoadError(`${where}: expected a host that lets WebAssembly compile, got ${message}; ${PERMISSION}`, {
        cause,
      });
    }
    throw new LoadError(`${where}: expected an undamaged wasm module, got ${message}`, { cause });
  }
}

/** What hosts say that compile nothing at run time, or not under the policy of this page. */
const FORBIDDEN = /content.security.policy|unsafe-eval|disallowed|code generation|not allowed|blocked by CSP/i;

const PERMISSION =
  "a page's content security policy needs script-src 'wasm-unsafe-eval'; a host that compiles nothing at run time " +
  '(Cloudflare Workers) needs the condition "workerd", or sepconv/wasm/sepconv.simd.wasm, imported, as option wasm';

/**
 * Whether the sections of a wasm binary fill it to its end: a build that a host refuses is not the same as one that was
 * cut off on its way.
 */
function isWhole(bytes: Uint8Array): boolean {
  if (!(bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d)) return false;
  let at = 8;
  while (at < bytes.length) {
    let size = 0;
    let byte = 0;
    let shift = 0;
    at++;
    do {
      byte = bytes[at++] ?? 0;
      size += (byte & 0x7f) * 2 ** shift;
      shift += 7;
    } while (byte & 0x80 && shift < 35);
    at += size;
  }
  return at === bytes.length;
}

/**
 * Runs a small matrix product of integers, exact under any rounding, that goes through every panel width: there have
 * been browsers that accept SIMD and compute it wrong.
 */
async function check(module: WebAssembly.Module, variant: Variant): Promise<void> {
  const [m, k, n] = [3, 5, 31];
  const [step, x, w] = [BASE, BASE + STEP_BYTES, 4096];
  const [packed, y] = [8192, 16384];
  const memory = await LinearMemory.create(module, 32768);
  const a = memory.floats(x, m * k).map((_, i) => (i % 7) - 3);
  const b = memory.floats(w, k * n).map((_, i) => (i % 11) - 5);
  memory.floats(x, m * k).set(a);
  memory.floats(w, k * n).set(b);
  memory.exports.pwconv_f32_pack(packed, w, k, n, 0, k);
  memory.exports.pwconv_f32_pack_bias(packed, 0, k, n);
  writeStep(memory.view, step, {
    ...{ kernel: KERNELS.pwconv_f32, rows: m, x, w: packed, y, inC: k, outC: n },
    ...{ lo: Number.NEGATIVE_INFINITY, hi: Number.POSITIVE_INFINITY },
  });
  memory.exports.run_rows(step, 0, m);
  const right = memory.floats(y, m * n).every((value, i) => {
    const [row, column] = [Math.floor(i / n), i % n];
    let sum = 0;
    for (let j = 0; j < k; j++) sum += a[row * k + j]! * b[j * n + column]!;
    return value === sum;
  });
  if (!right)
    throw new UnsupportedError(`variant: expected a host that computes "${variant}" rightly, got a wrong product`);
}
