import { describe, expect, it } from "vitest";
import { buildGraph } from "../../src/engine/build.ts";
import { LinearMemory } from "../../src/engine/host/memory.ts";
import { ask, type Product, productOf } from "../../src/engine/host/product.ts";
import { accepts, loadKernels } from "../../src/engine/variant.ts";
import { initialize, mobilenetV1, type Numbers, open, quantize } from "../../src/index.ts";
import { random } from "../cases/random.ts";
import { readBuild, whyNot } from "../variants.ts";

const PRODUCTS: readonly Product[] = ["unsigned", "signed"];

describe("how a host multiplies 8-bit numbers", () => {
  it("tells hosts of each kind apart, as the debug build emulates them", async () => {
    const memory = await LinearMemory.create(new WebAssembly.Module(readBuild("debug")), 4096);
    for (const product of PRODUCTS) expect(ask(memory, 3, product)).toBe(product);
    // One that cuts sums of two products to 16 bits is exact for some bytes only.
    expect(ask(memory, 3, "saturating")).toBe("pairs");
  });

  it("takes pairs where a sum is none that is known, or changes from one time to the next", async () => {
    const memory = await LinearMemory.create(new WebAssembly.Module(readBuild("debug")), 4096);
    const { pwconv_s8_ask } = memory.exports;
    const host = (change: (y: DataView, call: number) => number) => {
      let call = 0;
      const exports = {
        ...memory.exports,
        pwconv_s8_ask(w: number, x: number, y: number, vectors: number, times: number, product: number) {
          pwconv_s8_ask(w, x, y, vectors, times, product);
          return change(new DataView(memory.buffer, y, 16 * vectors), call++);
        },
      };
      return { exports, buffer: memory.buffer, bytes: memory.bytes.bind(memory) } as unknown as LinearMemory;
    };
    expect(
      ask(
        host(() => 0),
        1,
        "signed",
      ),
    ).toBe("signed");
    expect(
      ask(
        host(() => 1),
        1,
        "signed",
      ),
    ).toBe("pairs");
    const off = host((y) => {
      y.setInt32(60, y.getInt32(60, true) + 1, true);
      return 0;
    });
    expect(ask(off, 1, "signed")).toBe("pairs");
  });

  it("is pairs without relaxed SIMD", async () => {
    const variant = accepts("simd") ? "simd" : "scalar";
    expect(await productOf(await loadKernels(variant))).toBe("pairs");
  });

  const reason = whyNot("relaxed");
  it.skipIf(reason)(`is the same each time${reason ? `: ${reason}` : ""}`, async () => {
    const kernels = await loadKernels("relaxed");
    const first = await productOf(kernels);
    console.info(`products of this host: ${first}`);
    expect([...PRODUCTS, "pairs"]).toContain(first);
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await productOf(kernels)).toBe(first);
    }
  });
});

describe("a session", () => {
  it("has a product where it multiplies 8-bit numbers, and saves the same file whichever it is", async () => {
    const float = initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 10 }), 1);
    const sample = random("product").floats(32 * 32 * 3, 1);
    const graph = await quantize(float, [sample], { io: "int8" });
    const input = Int8Array.from(sample, (x) => 100 * x);
    const wasm = readBuild("debug");
    expect((await buildGraph(float, { wasm })).product).toBeUndefined();
    const pairs = await buildGraph(graph, { wasm });
    expect(pairs.product).toBe("pairs");
    const { output } = pairs.run<Numbers>(input);
    const saved = pairs.save();
    for (const product of PRODUCTS) {
      const session = await buildGraph(graph, { wasm }, { product });
      expect(session.run<Numbers>(input).output, product).toEqual(output);
      expect(Buffer.from(session.save()).equals(Buffer.from(saved)), product).toBe(true);
      expect(session.run<Numbers>(input).output, `${product}, once saved`).toEqual(output);
    }
    if (whyNot("relaxed") === undefined) {
      expect((await open(saved, { variant: "relaxed" })).run<Numbers>(input).output).toEqual(output);
    }
  });
});
