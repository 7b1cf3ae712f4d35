import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import type { Node } from "../../src/graph/graph.ts";
import { initialize } from "../../src/graph/initialize.ts";
import {
  build,
  classify,
  type Detector,
  detect,
  type Graph,
  LoadError,
  mobilenetV1,
  toInput,
  UnsupportedError,
} from "../../src/index.ts";
import { graphOf } from "../graph/build.ts";
import { bmp } from "./pictures/writers.ts";

const folder = mkdtempSync(join(tmpdir(), "sepconv-given-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

const file = bmp({ width: 9, height: 7, bits: 24, at: (x, y) => x * 7000 + y * 31 });
const path = join(folder, "small.bmp");
writeFileSync(path, file);
const RANGE = { mean: 127.5, std: 127.5 };

/** Two classes: the mean of the first channel, and its opposite. */
const network = (source: Graph["source"]): Graph => ({
  ...graphOf({
    x: [1, 6, 6, 3],
    constants: { w: [3, 2] },
    nodes: [
      { op: "globalAveragePool", name: "p", inputs: ["x"], keepDims: false },
      { op: "dense", name: "y", inputs: ["p"], weights: "w" },
    ] as Node[],
  }),
  source,
});

describe("pictures as people hold them", () => {
  it("are the same pixels as path, URL, bytes, Blob and Response", async () => {
    const session = await build(network({ format: "test", normalization: RANGE }));
    const expected = await classify(session, path);
    const copy = new Uint8Array(file);
    for (const given of [
      pathToFileURL(path),
      pathToFileURL(path).href,
      copy,
      copy.buffer,
      new Blob([copy]),
      new Response(copy),
    ]) {
      expect(await classify(session, given)).toEqual(expected);
    }
    expect(expected.range).toEqual({ ...RANGE, from: "model" });
    const input = await toInput(path, { width: 6, height: 6, normalization: RANGE });
    expect(input).toEqual(await toInput(copy, { width: 6, height: 6, normalization: RANGE }));
  });

  it("may be many, answered in their order", async () => {
    const session = await build(network({ format: "test", normalization: RANGE }));
    const other = { data: new Uint8Array(12).fill(200), width: 2, height: 2 };
    const answers = await classify(session, [path, other]);
    expect(answers).toEqual([await classify(session, path), await classify(session, other)]);
    expect(answers[0]).not.toEqual(answers[1]);
    expect(await classify(session, [])).toEqual([]);
  });

  it("are refused in words where they are none", async () => {
    const session = await build(network({ format: "test", normalization: RANGE }));
    await expect(classify(session, join(folder, "none.png"))).rejects.toThrow(LoadError);
    await expect(classify(session, [1, 2, 3] as never)).rejects.toThrow(
      /a path, URL, bytes, Blob or Response, or an image, canvas, video or bitmap, got the number 1/,
    );
    await expect(classify(session, [[path]] as never)).rejects.toThrow(/got an Array/);
    await expect(classify(session, undefined as never)).rejects.toThrow(/got nothing/);
    await expect(classify(session, 7 as never)).rejects.toThrow(TypeError);
  });
});

describe("the range of pixels", () => {
  it("is said where it is assumed: in the answer, and once on stderr", async () => {
    const said = vi.spyOn(console, "warn").mockImplementation(() => {});
    const session = await build(network({ format: "test" }));
    expect((await classify(session, path)).range).toEqual({ ...RANGE, from: "assumed" });
    await classify(session, path);
    expect(said).toHaveBeenCalledTimes(1);
    expect(said.mock.calls[0]![0]).toMatch(/"test" does not say which range its pixels have; assumed \[-1, 1\]/);
    const asked = await classify(session, path, { normalization: { mean: 0, std: 255 } });
    expect(asked.range).toEqual({ mean: 0, std: 255, from: "option" });
    await classify(await build(network({ format: "test", normalization: RANGE })), path);
    await classify(await build(initialize(mobilenetV1({ alpha: 0.25, resolution: 32 }))), path);
    expect(said).toHaveBeenCalledTimes(1);
  });
});

describe("detectors and classifiers", () => {
  it("are told apart", async () => {
    const detector: Detector = {
      boxes: "y",
      scores: "y",
      anchors: new Float32Array(4),
      scales: { center: 10, size: 5 },
      classes: [],
    };
    const session = await build(network({ format: "test", normalization: RANGE, detector }));
    await expect(classify(session, path)).rejects.toThrow(UnsupportedError);
    await expect(classify(session, path)).rejects.toThrow(/expected a classifier, got the detector test; use detect/);
    await expect(detect(await build(network({ format: "test" })), path)).rejects.toThrow(UnsupportedError);
  });
});
