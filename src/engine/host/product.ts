/**
 * How this host multiplies 8-bit numbers, four at a time: asked of the module itself, since the standard leaves it
 * open. See `docs/quantization.md`.
 * @module
 */
import { type Fields, type Kernel, PRODUCTS } from "../abi.ts";
import type { Manifest } from "../manifest.ts";
import { fieldOffset, readStep, STEP_BYTES } from "../step.ts";
import type { Kernels } from "../variant.ts";
import { LinearMemory } from "./memory.ts";

/**
 * How 8-bit numbers are multiplied: as pairs of 16 bits, or four bytes at a time, where the host's instruction takes
 * one operand as `unsigned`, or both as `signed`, and is exact. The answers are the same.
 */
export type Product = "pairs" | "unsigned" | "signed";

/** What a debug build can stand for: hosts that cut sums of two products to 16 bits are of no use, but told apart. */
type Emulated = Product | "saturating";

/** Vectors of 16 bytes that are multiplied to find out. */
const VECTORS = 16;
/** How often over: enough for an engine to begin with its optimized code, well below a millisecond. */
const TIMES = 1500;
const AT = { w: 2048, x: 2560, y: 3072 };

/** Modules that were asked, and what they said. */
const asked = new WeakMap<WebAssembly.Module, { readonly memory: LinearMemory; product: Product }>();

/**
 * The product of these kernels on this host. Asked once for each compiled module, many times over; and, since an
 * optimizing compiler may arrive at any time later, briefly again in each call. A host that changes its answer has none
 * from then on.
 */
export async function productOf({ module, variant }: Kernels): Promise<Product> {
  if (variant !== "relaxed") return "pairs";
  const known = asked.get(module);
  if (known !== undefined) {
    if (known.product !== "pairs" && ask(known.memory, 1) !== known.product) known.product = "pairs";
    return known.product;
  }
  const memory = await LinearMemory.create(module, 4096);
  const product = ask(memory, TIMES);
  asked.set(module, { memory, product });
  return product;
}

/** Which packed matrix a step of a kernel multiplies by. */
const MATRICES: { readonly [K in Kernel]?: (s: Fields) => { w: number; k: number; zw: number } } = {
  pwconv_s8: ({ w, inC, zw }) => ({ w, k: inC, zw }),
  dense_s8: ({ w, inC, zw }) => ({ w, k: inC, zw }),
  conv_s8: ({ w, kH, kW, inC, zw }) => ({ w, k: kH * kW * inC, zw }),
  separable_s8: ({ w2, midC, zw2 }) => ({ w: w2, k: midC, zw: zw2 }),
};

/** The products of a session's steps. */
export class Products {
  /** Which one they are. */
  readonly product: Product;
  readonly #memory: LinearMemory;
  readonly #steps: Steps;

  private constructor(memory: LinearMemory, steps: Steps, product: Product) {
    this.product = product;
    this.#memory = memory;
    this.#steps = steps;
    suit(memory, steps, product);
  }

  /**
   * Makes an image in memory ready for this host, or for the one that a debug build stands for. As they are packed, and
   * as they are saved, records and weights are for pairs.
   */
  static async of(memory: LinearMemory, steps: Steps, kernels: Kernels, emulated?: Product): Promise<Products> {
    return new Products(memory, steps, emulated ?? (await productOf(kernels)));
  }

  /** What `act` answers while the image is as it was packed. */
  packed<T>(act: () => T): T {
    suit(this.#memory, this.#steps, "pairs");
    try {
      return act();
    } finally {
      suit(this.#memory, this.#steps, this.product);
    }
  }
}

type Steps = Pick<Manifest, "stepsAt" | "steps">;

/** Makes records and packed weights in memory ready for a product. */
function suit(memory: LinearMemory, { stepsAt, steps }: Steps, product: Product): void {
  const is = productNumber(product);
  const done = new Set<number>();
  steps.forEach(({ kernel }, i) => {
    const at = stepsAt + i * STEP_BYTES;
    const matrix = MATRICES[kernel];
    if (matrix === undefined && kernel !== "dwconv_s8") return;
    const fields = readStep(memory.view, at);
    if (fields.product === is) return;
    memory.view.setInt32(at + fieldOffset("product"), is, true);
    // Depthwise kernels take what belongs to a product off by themselves.
    if (matrix === undefined) return;
    const { w, k, zw } = matrix(fields);
    // Steps may share their weights.
    if (!done.has(w)) memory.exports.pwconv_s8_suit(w, k, fields.outC, zw, fields.product, is);
    done.add(w);
  });
}

/** Asks a module; `emulated`: which host a debug build stands for. */
export function ask(memory: LinearMemory, times: number, emulated: Emulated = "pairs"): Product {
  const { w, x, acc } = operands();
  memory.bytes(AT.w, w.length).set(w);
  memory.bytes(AT.x, x.length).set(x);
  const y = new Int32Array(memory.buffer, AT.y, acc.length);
  y.set(acc);
  const changed = memory.exports.pwconv_s8_ask(AT.w, AT.x, AT.y, VECTORS, times, productNumber(emulated));
  if (changed !== 0) return "pairs";
  const fits = (product: Product) => acc.every((start, i) => y[i] === fourTerms(product, w, x, 4 * i, start));
  return (["unsigned", "signed"] as const).find(fits) ?? "pairs";
}

/** The number of a product in a step's record. */
export function productNumber(product: Emulated): number {
  return product === "saturating" ? 3 : PRODUCTS[product.toUpperCase() as keyof typeof PRODUCTS];
}

/** What a host of a kind makes of four terms. */
function fourTerms(product: Product, w: Uint8Array, x: Uint8Array, at: number, start: number): number {
  const signed = (byte: number) => (byte << 24) >> 24;
  const term = (i: number) => signed(w[i]!) * (product === "signed" ? signed(x[i]!) : x[i]!);
  return (start + term(at) + term(at + 1) + term(at + 2) + term(at + 3)) | 0;
}

/** Bytes at the ends of their range, which tell the products apart, and others; sums start at both ends of 32 bits. */
function operands(): { w: Uint8Array; x: Uint8Array; acc: Int32Array } {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  };
  const ends = [
    [127, 127, 127, 127, 255, 255, 255, 255],
    [128, 128, 128, 128, 255, 255, 255, 255],
    [128, 128, 128, 128, 128, 128, 128, 128],
    [64, 64, 192, 193, 255, 255, 255, 255],
  ];
  const w = new Uint8Array(16 * VECTORS).map(next);
  const x = new Uint8Array(16 * VECTORS).map(next);
  ends.forEach((row, i) => {
    w.set(row.slice(0, 4), 4 * i);
    x.set(row.slice(4), 4 * i);
  });
  const acc = Int32Array.from({ length: 4 * VECTORS }, (_, i) => [0, next() - 128, 2 ** 31 - 1, -(2 ** 31)][i % 4]!);
  return { w, x, acc };
}
