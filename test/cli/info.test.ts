import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type MemoryUse, mobilenetV1 } from "../../src/index.ts";
import { beforeLast, planTraining } from "../../src/train/index.ts";
import { GraphFile } from "../formats/builders/graphdef.ts";
import { failure, json, scratchFolder, sepconv, shared } from "./sepconv.ts";

interface Info {
  readonly layers: readonly {
    readonly name: string;
    readonly op: string;
    readonly inputShape: readonly number[];
    readonly outputShape: readonly number[];
    readonly macs: number;
    readonly params: number;
  }[];
  readonly macs: number;
  readonly params: number;
  readonly memory: MemoryUse;
}

/**
 * Multiply-adds in millions by input size, and parameters in millions: Howard et al. 2017 and the TF-slim model page.
 */
const COSTS: Readonly<Record<string, { readonly macs: Readonly<Record<string, string>>; readonly params: string }>> = {
  "1": { macs: { 224: "568.74", 192: "418.12", 160: "290.68", 128: "186.40" }, params: "4.24" },
  "0.75": { macs: { 224: "325.40", 192: "239.27", 160: "166.40", 128: "106.77" }, params: "2.59" },
  "0.5": { macs: { 224: "149.50", 192: "109.97", 160: "76.53", 128: "49.16" }, params: "1.34" },
  "0.25": { macs: { 224: "41.03", 192: "30.21", 160: "21.06", 128: "13.57" }, params: "0.47" },
};

const SMALL = ["--alpha", "0.25", "--resolution", "128"];

describe("sepconv info", () => {
  for (const [alpha, { macs, params }] of Object.entries(COSTS)) {
    it(`prints the known totals for alpha ${alpha}`, async () => {
      for (const [resolution, millions] of Object.entries(macs)) {
        const { code, stdout } = await sepconv("info", "--alpha", alpha, "--resolution", resolution);
        expect(code).toBe(0);
        expect(stdout).toContain(`MACs        ${millions} M`);
        expect(stdout).toContain(`params      ${params} M`);
      }
    });
  }

  it("prints the totals of the full-convolution twin and the shallow variant", async () => {
    const full = (await json("info", "--alpha", "1", "--resolution", "224", "--full-convolution")) as Info;
    expect([Math.round(full.macs / 1e6), (full.params / 1e6).toFixed(1)]).toEqual([4867, "29.3"]);
    const shallow = (await json("info", "--alpha", "1", "--resolution", "224", "--shallow")) as Info;
    expect([Math.round(shallow.macs / 1e6), (shallow.params / 1e6).toFixed(1)]).toEqual([307, "2.9"]);
  });

  it("gives JSON of the documented shape, which adds up", async () => {
    const info = (await json("info", ...SMALL)) as Info;
    expect(Object.keys(info)).toEqual(["layers", "macs", "params", "memory", "kernels"]);
    expect(Object.keys(info.memory)).toEqual(["module", "steps", "weights", "arena", "total"]);
    for (const layer of info.layers) {
      expect(Object.keys(layer)).toEqual(["name", "op", "inputShape", "outputShape", "macs", "params"]);
    }
    expect(info.layers.reduce((sum, { macs }) => sum + macs, 0)).toBe(info.macs);
    expect(info.layers.reduce((sum, { params }) => sum + params, 0)).toBe(info.params);
    const { total, ...parts } = info.memory;
    expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
    expect(info.layers[0]).toMatchObject({ op: "conv2d", inputShape: [1, 128, 128, 3], outputShape: [1, 64, 64, 8] });
  });

  it("knows both readings, class counts and tops", async () => {
    const paper = (await json("info", ...SMALL, "--classes", "10")) as Info;
    expect(paper.layers.at(-1)!.outputShape).toEqual([1, 10]);
    const article = (await json("info", ...SMALL, "--reading", "article")) as Info;
    expect(article.layers[0]!.outputShape).toEqual([1, 64, 64, 32]);
    expect(article.layers.at(-1)!.outputShape).toEqual([1, 1, 1, 256]);
    const pool = (await json("info", ...SMALL, "--top", "pool")) as Info;
    expect(pool.layers.at(-1)!.outputShape).toEqual([1, 1, 1, 256]);
  });

  const model = shared("models/vww_96_float.tflite");
  it.skipIf(!model)("tells what a model file is", async () => {
    const { stdout } = await sepconv("info", model!);
    expect(stdout).toMatch(/^vww_96_float\.tflite {2}tflite\n/);
    expect(stdout).toMatch(/\ninput +\S+ +float32 \[1, 96, 96, 3\]\n/);
    expect(stdout).toMatch(/\noutput +\S+ +float32 \[1, 2\]\n/);
    expect(stdout).toMatch(/\nend points +block0 .*block13/);
    const info = (await json("info", model!)) as Info;
    // 7.75 M is the ImageNet network's, whose classifier has 1000 classes: this one has 2.
    expect(Math.abs(info.macs / 1e6 - (7.75 - 0.256))).toBeLessThan(0.01);
  });

  it("lists all that is in the way of a model, each node by its name", async () => {
    const file = new GraphFile()
      .placeholder("x", 1, 4, 4, 2)
      .list("axis", 1)
      .node("a", "Selu", ["x"])
      .node("b/c", "Selu", ["a"])
      .node("d", "Cumsum", ["x", "axis"]);
    const folder = scratchFolder();
    const files = Object.entries(file.files("b/c", "d"));
    for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
    const { code, stdout, stderr } = await sepconv("info", join(folder, "model.json"));
    expect(code).toBe(1);
    expect(stdout).toBe("Selu  × 2\n  a, b/c\nCumsum  × 1\n  d\n");
    expect(stderr).toMatch(/^sepconv: model\.json: expected .* got 2 operators or settings .* in 3 nodes\n$/);
    const told = await sepconv("info", join(folder, "model.json"), "--json");
    expect(JSON.parse(told.stdout)).toEqual({
      blockers: [
        { what: "Selu", nodes: ["a", "b/c"] },
        { what: "Cumsum", nodes: ["d"] },
      ],
    });
  });

  it("is readable: aligned, without colors off a terminal", async () => {
    const { stdout } = await sepconv("info", ...SMALL);
    expect(stdout).not.toContain("\x1b");
    const lines = stdout.split("\n");
    const head = lines.findIndex((line) => line.startsWith("layer"));
    const layers = lines.slice(head, lines.indexOf("", head));
    expect(new Set(layers.map((line) => line.search(/\S+$/) + /\S+$/.exec(line)![0].length)).size).toBeLessThan(5);
    expect(Math.max(...layers.map((line) => line.length))).toBeLessThan(110);
    for (const line of lines) expect(line).toBe(line.trimEnd());
  });

  it("says what training takes, the whole network's and the last block's", async () => {
    const args = ["info", "--alpha", "0.25", "--resolution", "96", "--classes", "2", "--training", "--batch", "16"];
    const graph = mobilenetV1({ alpha: 0.25, resolution: 96, classes: 2 });
    for (const [more, freeze] of [
      [[], undefined],
      [["--blocks", "1"], beforeLast(graph, 1)],
    ] as const) {
      const { memory, trainedParameters } = planTraining(graph, { batch: 16, freeze });
      expect(await json(...args, ...more)).toMatchObject({
        training: { batch: 16, optimizer: "sgd", memory, trainedParameters },
      });
      const { stdout } = await sepconv(...args, ...more);
      expect(stdout).toMatch(/\n\ntraining, 16 pictures a step, sgd: .* weights learn/);
      expect(stdout).toMatch(/\nin all +\d+\.\d\d MB\n/);
    }
  });

  it.each([
    ["a batch without training", [...SMALL, "--batch", "3"], /--batch: expected --training beside it/],
    ["neither model nor multipliers", [], /MODEL, or --alpha and --resolution, got neither/],
    ["only one multiplier", ["--alpha", "1"], /got --alpha/],
    ["model and multipliers", ["x.tflite", "--alpha", "1"], /got both/],
    [
      "an alpha the article forbids",
      [...SMALL.with(1, "0.3"), "--reading", "article"],
      /0\.25, 0\.5, 0\.75, 1\b.* 0\.3/,
    ],
    ["a resolution not divisible by 32", SMALL.with(3, "100"), /divisible by 32.* 100/],
    ["an alpha that is no number", SMALL.with(1, "wide"), /--alpha: .*"wide"/],
    ["an alpha of 0", SMALL.with(1, "0"), /--alpha: .*greater than 0/],
    ["a fractional resolution", SMALL.with(3, "128.5"), /--resolution: expected a whole number/],
    ["no such reading", [...SMALL, "--reading", "magazine"], /paper, article/],
  ] as [string, string[], RegExp][])("refuses %s", async (_, args, words) => {
    expect(await failure("info", ...args)).toMatch(words);
  });
});
