/**
 * Real accuracy: the network that the project has trained itself, in float32 and in 8 bits, on the 10,000 test pictures
 * of Fashion-MNIST, in each build and frozen. Debian's package dataset-fashion-mnist has them.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { accepts } from "../../src/engine/variant.ts";
import { frozen } from "../../src/frozen.ts";
import { classify, freeze, load } from "../../src/index.ts";
import { batches, type Dataset, idxDataset } from "../../src/train/index.ts";

const folder = new URL("../../networks/fashion/", import.meta.url);
const network = (name: string) => fileURLToPath(new URL(name, folder));

/** Right answers of 10,000: in 8 bits the same bytes everywhere, in floats the same in scalar and simd. */
const RIGHT = { "fashion.tflite": 9345, "fashion_int8.tflite": 9358 } as const;
type File = keyof typeof RIGHT;
/** Relaxed SIMD rounds floats otherwise: pictures about which the network hardly decides may go the other way. */
const ROUNDED = 10;
/** The scalar build is slow: fewer pictures tell as much. */
const FEW = 1000;

const DATA = process.env.FASHION_MNIST ?? "/usr/share/datasets/fashion-mnist";
const data = (kind: string) => `${DATA}/t10k-${kind}-ubyte.gz`;
const there = ["images-idx3", "labels-idx1"].every((kind) => existsSync(data(kind)));
if (!there) console.info(`skipped: Fashion-MNIST is not in ${DATA} (apt install dataset-fashion-mnist)`);

async function pictures(): Promise<Dataset> {
  return idxDataset(readFileSync(data("images-idx3")), readFileSync(data("labels-idx1")));
}

/** Which of the first pictures are named rightly. */
function right(run: (input: Float32Array) => Float32Array, examples: Dataset, count: number): boolean[] {
  const all: boolean[] = [];
  for (const { inputs, labels } of batches(examples, { batch: 1, height: 32, width: 32 })) {
    const output = run(inputs);
    all.push(output.indexOf(Math.max(...output)) === labels[0]);
    if (all.length === count) break;
  }
  return all;
}

const sum = (answers: readonly boolean[]) => answers.filter(Boolean).length;

describe("a network of our own", () => {
  it.each(Object.keys(RIGHT) as File[])("%s names what is on the pictures beside it", async (file) => {
    const net = await load(network(file));
    const all = readdirSync(network("pictures"));
    expect(all.length).toBeGreaterThanOrEqual(10);
    for (const name of all) {
      const { classes } = await classify(net, network(`pictures/${name}`));
      // "ankle-boot-1.png" is an ankle boot.
      const label = name.replace(/-\d+\.png$/, "");
      expect(classes[0]!.label!.toLowerCase().replace(/\W+/g, "-"), name).toBe(label);
    }
  });

  describe.skipIf(!there)("on all test pictures", () => {
    for (const file of Object.keys(RIGHT) as File[]) {
      it.skipIf(!accepts("relaxed"))(`${file} is as right in relaxed SIMD`, async () => {
        const net = await load(network(file), { variant: "relaxed" });
        const count = sum(right((input) => net.run(input).output, await pictures(), 10_000));
        if (file === "fashion_int8.tflite") expect(count).toBe(RIGHT[file]);
        else expect(Math.abs(count - RIGHT[file])).toBeLessThanOrEqual(ROUNDED);
      });

      it(`${file} is right ${RIGHT[file]} times of 10,000, in scalar and simd, frozen or not`, async () => {
        const examples = await pictures();
        const net = await load(network(file), { variant: "simd" });
        const all = right((input) => net.run(input).output, examples, 10_000);
        expect(sum(all)).toBe(RIGHT[file]);
        const scalar = await load(network(file), { variant: "scalar" });
        expect(right((input) => scalar.run(input).output, examples, FEW)).toEqual(all.slice(0, FEW));
        const ice = await frozen(await freeze(net.graph, { variant: "simd" }));
        const alone = (input: Float32Array) => ice.run(input).output as Float32Array;
        expect(right(alone, examples, 10_000)).toEqual(all);
      });
    }
  });
});
