/**
 * How this host multiplies 8-bit numbers, four at a time: it is asked, since the standard leaves it open. See
 * `docs/quantization.md`.
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

/** What {@link ask} needs of a module: its memory, and a function that multiplies. */
export interface Asked extends Pick<LinearMemory, "buffer" | "bytes"> {
  readonly exports: Pick<LinearMemory["exports"], "pwconv_s8_ask">;
}

/** Who was asked, and what came out: the host itself, or where it compiles nothing at run time, a module. */
interface Answer {
  readonly asked: Asked;
  product: Product;
}
let ofHost: Answer | undefined;
const ofModules = new WeakMap<WebAssembly.Module, Answer>();

/**
 * The product of these kernels on this host. Asked once, many times over; and, since an optimizing compiler may arrive
 * at any time later, briefly again in each call. A host that changes its answer has none from then on.
 */
export async function productOf({ module, variant }: Kernels): Promise<Product> {
  if (variant !== "relaxed") return "pairs";
  const known = ofHost ?? ofModules.get(module);
  if (known !== undefined) {
    if (known.product !== "pairs" && ask(known.asked, 1) !== known.product) known.product = "pairs";
    return known.product;
  }
  const probe = freshProbe();
  const asked = probe ?? (await LinearMemory.create(module, 4096));
  const answer = { asked, product: ask(asked, TIMES) };
  if (probe) ofHost = answer;
  else ofModules.set(module, answer);
  return answer.product;
}

/** Where the probe's results lie, and how often it multiplies before they are looked at. */
const RESULTS = 4096;
const PASSES = 50;

/**
 * A module that does nothing but multiply, and whose bytes no other one has. Engines keep the code of a module that
 * they have seen: the kernels' own function for asking may be optimized long ago, and answer rightly, while those that
 * multiply have yet to be, and do not. Undefined where nothing may be compiled.
 */
function freshProbe(): Asked | undefined {
  let exports: WebAssembly.Exports;
  try {
    exports = new WebAssembly.Instance(new WebAssembly.Module(probeBytes())).exports;
  } catch {
    return undefined;
  }
  const { buffer } = exports.memory as WebAssembly.Memory;
  const pass = exports.pass as (bytes: number) => void;
  const results = new Int32Array(buffer, RESULTS, 4 * VECTORS);
  return {
    buffer,
    bytes: (at, length) => new Uint8Array(buffer, at, length),
    exports: {
      pwconv_s8_ask(_w, _x, y, vectors, times) {
        pass(16 * vectors);
        const first = results.slice();
        let changed = 0;
        for (let done = 0; done < times; done += PASSES) {
          for (let i = 0; i < PASSES; i++) pass(16 * vectors);
          if (results.some((value, i) => value !== first[i])) changed++;
        }
        new Int32Array(buffer, y, first.length).set(results);
        return changed;
      },
    },
  };
}

/**
 * (module (memory (export "memory") 1)
 *   (func (export "pass") (param i32) (local i32)
 *     for each 16 bytes i of param: i32x4 at 4096 + i = relaxed dot of w at 2048 + i and x at 2560 + i, plus 3072 + i))
 */
function probeBytes(): Uint8Array<ArrayBuffer> {
  const unlike = Array.from({ length: 12 }, () => Math.floor(256 * Math.random()));
  const load = (offset: number) => [0x20, 1, 0xfd, 0, 4, 0x80, offset >> 7];
  const body = [
    ...[1, 1, 0x7f, 0x03, 0x40, 0x20, 1, ...load(AT.w), ...load(AT.x), ...load(AT.y), 0xfd, 0x93, 2],
    ...[0xfd, 0x0b, 4, 0x80, RESULTS >> 7, 0x20, 1, 0x41, 16, 0x6a, 0x22, 1, 0x20, 0, 0x49, 0x0d, 0, 0x0b, 0x0b],
  ];
  const name = (text: string) => [text.length, ...text].map((x) => (typeof x === "string" ? x.charCodeAt(0) : x));
  const sections = [
    [1, 1, 0x60, 1, 0x7f, 0],
    [3, 1, 0],
    [5, 1, 0, 1],
    [7, 2, ...name("memory"), 2, 0, ...name("pass"), 0, 0],
    [10, 1, body.length, ...body],
    [0, ...name("unlike"), ...unlike],
  ];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...sections.flatMap(([id, ...content]) => [id!, content.length, ...content]),
  ]);
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
export function ask(memory: Asked, times: number, emulated: Emulated = "pairs"): Product {
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
