/**
 * The bits of whole networks: hashes of every output and end point, recorded once. What changes no arithmetic changes
 * none of them; what does is recorded anew, by `UPDATE_GOLDEN=1 npx vitest run test/golden.test.ts`, and the change
 * says why.
 *
 * `scalar` and `simd` have one hash, the same on every machine. `relaxed` has one for hosts that fuse multiplication
 * and addition; others are left out.
 * @module
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { accepts, VARIANTS, type Variant } from "../src/engine/variant.ts";
import {
  build,
  type Graph,
  initialize,
  load,
  mobilenetV1,
  type Numbers,
  type RunInput,
  type Session,
} from "../src/index.ts";
import { quantizedGraph } from "./cases/quantized-graphs.ts";
import { random } from "./cases/random.ts";
import { missingShared, shared } from "./formats/builders/shared.ts";
import { graphOf } from "./graph/build.ts";

const FILE = fileURLToPath(new URL("data/golden.json", import.meta.url));
const UPDATE = process.env.UPDATE_GOLDEN === "1";
const recorded: Record<string, string> = existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : {};
const seen: Record<string, string> = {};

afterAll(() => {
  if (!UPDATE) return;
  const all = Object.entries({ ...recorded, ...seen }).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(all), null, 1)}\n`);
});

/** Whether relaxed multiplication and addition are rounded once here: (1 + 2⁻¹²)² − (1 + 2⁻¹¹) is 2⁻²⁴ then, else 0. */
async function fuses(): Promise<boolean> {
  const graph = graphOf({
    x: [1, 1],
    constants: { w: [1, 4], b: [4] },
    nodes: [{ op: "dense", name: "y", inputs: ["x"], weights: "w", bias: "b" }],
  });
  const constants = new Map(graph.constants);
  constants.set("w", { ...constants.get("w")!, data: new Float32Array(4).fill(1 + 2 ** -12) });
  constants.set("b", { ...constants.get("b")!, data: new Float32Array(4).fill(-(1 + 2 ** -11)) });
  const session = await build({ ...graph, constants }, { variant: "relaxed" });
  return session.run(Float32Array.of(1 + 2 ** -12)).output[0] !== 0;
}

const fused = accepts("relaxed") && (await fuses());

function inputOf(session: Session, name: string): RunInput {
  return Object.fromEntries(
    session.inputs.map((input) => {
      const size = input.shape.reduce((a, b) => a * b, 1);
      const numbers = random(`golden ${name} ${input.name}`);
      if (input.dtype === "float32") return [input.name, numbers.floats(size)];
      const bytes = input.dtype === "int8" ? new Int8Array(size) : new Uint8Array(size);
      return [
        input.name,
        bytes.map(() => numbers.int(input.dtype === "int8" ? -128 : 0, input.dtype === "int8" ? 127 : 255)),
      ];
    }),
  );
}

function hashOf(values: Iterable<readonly [string, Numbers]>): string {
  const hash = createHash("sha256");
  for (const [name, { buffer, byteOffset, byteLength }] of values)
    hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest("hex").slice(0, 16);
}

/** Hashes of a graph in every build, fused and with every end point. */
async function check(name: string, graph: Graph): Promise<void> {
  for (const variant of VARIANTS.filter(accepts)) {
    if (variant === "relaxed" && !fused) continue;
    for (const endPoints of [[], [...graph.endPoints.keys()]]) {
      if (endPoints.length === 0 && graph.endPoints.size > 0 && variant === "scalar") continue;
      const session = await build(graph, { variant, endPoints });
      const result = session.run<Numbers>(inputOf(session, name));
      const hash = hashOf([...Object.entries(result.outputs), ...Object.entries(result.endPoints)]);
      const key = `${name}, ${endPoints.length > 0 ? "end points" : "outputs"}, ${kindOf(variant, graph)}`;
      // Scalar and simd must agree with each other, whatever is recorded.
      if (seen[key] !== undefined) expect(hash, `${key}: ${variant}`).toBe(seen[key]);
      seen[key] = hash;
      if (!UPDATE) expect(hash, `${key} (${variant})`).toBe(recorded[key]);
      session.dispose();
    }
  }
}

/** 8 bits are the same in every build. */
function kindOf(variant: Variant, graph: Graph): string {
  const bytes = [...graph.constants.values()].some(({ dtype }) => dtype === "int8" || dtype === "uint8");
  return variant === "relaxed" && !bytes ? "relaxed" : "exact";
}

describe("bits of whole networks", () => {
  for (const reading of ["paper", "article"] as const) {
    for (const alpha of [1, 0.75, 0.5, 0.25]) {
      it(`${reading}, α = ${alpha}`, async () => {
        for (const resolution of [224, 192, 160, 128]) {
          const graph = initialize(mobilenetV1({ alpha, resolution, reading }), 7);
          await check(`${reading} ${alpha}_${resolution}`, scaled(graph));
        }
      });
    }
  }

  it("100 random 8-bit graphs", async () => {
    for (let seed = 0; seed < 100; seed++) {
      const { graph } = quantizedGraph(seed);
      const endPoints = new Map(graph.nodes.map(({ name }) => [name, name]));
      await check(`random ${seed}`, { ...graph, endPoints });
    }
  });

  for (const file of [
    ...["vww_96.h5", "vww_96_float.tflite", "vww_96_int8.tflite", "mobilenet_v1_0.5_160_quant.tflite"],
    "person_detect_int8.tflite",
  ]) {
    it.skipIf(missingShared(shared(`models/${file}`)))(file, async () => {
      await check(file, (await load(shared(`models/${file}`))).graph);
    });
  }
});

/** Weights and statistics such that numbers stay alive through all layers, as in trained networks. */
function scaled(graph: Graph): Graph {
  const constants = new Map(graph.constants);
  for (const [name, constant] of constants) {
    const { data } = constant;
    if (!(data instanceof Float32Array) || !/depthwise|weights|kernel/i.test(name)) continue;
    constants.set(name, { ...constant, data: data.map((w) => 2.2 * w) });
  }
  return { ...graph, constants };
}
