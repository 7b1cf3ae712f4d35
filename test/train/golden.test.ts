/**
 * A hundred steps from seeded weights on seeded pictures come to the same bits on every host: those that stand here.
 */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Graph } from "../../src/graph/graph.ts";
import { mobilenetV1 } from "../../src/index.ts";
import { trainer } from "../../src/train/index.ts";
import { numbers } from "../graph/build.ts";
import { readTraining } from "./builds.ts";

const BATCH = 16;
const STEPS = 100;
/** SHA-256 of names and weights after so many steps. */
const GOLDEN: Readonly<Record<number, string>> = {
  20: "c4ee29b0bcfe9977b7b3860cc98116a527323433521c68c26002d7ad09f3dda8",
  100: "c58c5c13bb77203ae3fe2b31f6d0345705f3a4022aa995fb55faca624160b993",
};
const SIZE = 32 * 32;

/** Pictures of ten classes: a bright square each at a place of its own, and noise. */
function pictures(seed: number) {
  const noise = numbers(BATCH * SIZE, seed);
  const labels = Uint8Array.from({ length: BATCH }, (_, i) => (i * 7 + seed * 3) % 10);
  const inputs = noise.map((value, i) => {
    const [label, y, x] = [labels[Math.floor(i / SIZE)]!, Math.floor(i / 32) % 32, i % 32];
    const inside = Math.floor(y / 10) === Math.floor(label / 4) && Math.floor(x / 8) === label % 4;
    return inside ? 0.75 + value / 4 : value / 2 - 0.5;
  });
  return { inputs, labels };
}

function hashOf({ constants }: Graph): string {
  const hash = createHash("sha256");
  for (const [name, { data }] of constants) hash.update(name).update(new Uint8Array(data!.buffer));
  return hash.digest("hex");
}

describe("a hundred steps", () => {
  // Without vectors they take four times as long: the first ones tell as much.
  for (const [build, steps] of [
    ["simd", STEPS],
    ["scalar", 20],
  ] as const) {
    it(`come to the bits that stand here: ${build}`, async () => {
      const graph = mobilenetV1({ alpha: 0.25, resolution: 32, firstStride: 1, inputChannels: 1, classes: 10 });
      const t = await trainer(graph, {
        ...{ batch: BATCH, learningRate: 0.1, nesterov: true, weightDecay: 5e-4, seed: 1, labelSmoothing: 0.1 },
        ...{ schedule: { warmUp: 20, decay: "cosine", steps: STEPS }, dropout: 0.1, clip: 5 },
        wasm: readTraining(build),
      });
      const losses: number[] = [];
      for (let step = 1; step <= steps; step++) {
        const { inputs, labels } = pictures(step);
        losses.push(t.step(inputs, labels).loss);
        if (step in GOLDEN) expect(hashOf(t.graph()), `after ${step} steps`).toBe(GOLDEN[step]);
      }
      expect(losses.at(-1)!).toBeLessThan(losses[0]!);
    }, 120_000);
  }
});
