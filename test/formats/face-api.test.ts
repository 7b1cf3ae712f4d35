import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { beforeAll, describe, expect, test } from "vitest";
import { FormatError, LoadError, ShapeError } from "../../src/errors.ts";
import { fromFaceApi } from "../../src/formats/face-api/read.ts";
import { cost } from "../../src/graph/cost.ts";
import { inferShapes } from "../../src/graph/shape.ts";
import { validate } from "../../src/graph/validate.ts";
import { nameEndPoints } from "../../src/models/end-points.ts";

const folder = new URL(
  "./model/",
  `file://${createRequire(import.meta.url).resolve("@vladmandic/face-api/package.json")}`,
);
const sibling = async (name: string) => new Uint8Array(await readFile(new URL(name, folder)));

interface Entry {
  name: string;
  shape: number[];
  dtype: string;
}
type Manifest = { paths: string[]; weights: Entry[] }[];
let text: string;
const manifest = (): Manifest => JSON.parse(text);

beforeAll(async () => {
  text = await readFile(new URL("ssd_mobilenetv1_model-weights_manifest.json", folder), "utf8");
});

describe("fromFaceApi", () => {
  test("builds the detector that the manifest's weights belong to", async () => {
    const graph = await fromFaceApi(manifest(), sibling);
    validate(graph);
    const shapes = inferShapes(graph);
    expect(graph.inputs).toEqual([{ name: "image", shape: [1, 512, 512, 3], dtype: "float32" }]);
    expect(graph.outputs.map((name) => [name, shapes.get(name)])).toEqual([
      ["boxes", [1, 5118, 4]],
      ["scores", [1, 5118, 3]],
    ]);
    const { detector, normalization } = graph.source;
    expect(normalization).toEqual({ mean: 127.5, std: 127.5 });
    expect(detector?.anchors).toHaveLength(5118 * 4);
    expect(detector?.classes).toEqual([{ column: 1, label: "face" }]);
    // All of the file's weights but the few that belong to pre- and postprocessing are in use.
    const unused = manifest()[0]!.weights.filter(
      ({ name }) => !graph.constants.has(name) && name !== "Output/extra_dim",
    );
    expect(unused.every(({ shape }) => shape.reduce((a, b) => a * b, 1) <= 3)).toBe(true);
  });

  test("names block0 … block13 as every MobileNet v1 does", async () => {
    const graph = await fromFaceApi(manifest(), sibling);
    const shapes = inferShapes(graph);
    const expected = [
      ...[
        [256, 32],
        [256, 64],
        [128, 128],
        [128, 128],
        [64, 256],
        [64, 256],
        [32, 512],
      ],
      ...[
        [32, 512],
        [32, 512],
        [32, 512],
        [32, 512],
        [32, 512],
        [16, 1024],
        [16, 1024],
      ],
    ].map(([side, channels], i) => [`block${i}`, [1, side, side, channels]]);
    expect([...graph.endPoints].map(([name, value]) => [name, shapes.get(value)])).toEqual(expected);
    expect(nameEndPoints({ ...graph, endPoints: new Map() }).endPoints).toEqual(graph.endPoints);
  });

  test("has the backbone's cost and no more than 16 % beside it", async () => {
    const graph = await fromFaceApi(manifest(), sibling);
    // 568.74 M without the classifier's 1.03, at (512/224)² of the area.
    const backbone = ((568.74 - 1.03) * (512 * 512)) / (224 * 224);
    const macs = cost(graph).macs / 1e6;
    expect(macs).toBeGreaterThan(backbone);
    expect(macs).toBeLessThan(1.16 * backbone);
  });
});

describe("a manifest that is not this detector's", () => {
  const edit = (name: string, change: (entry: Entry) => void) => {
    const edited = manifest();
    change(edited[0]!.weights.find((entry) => entry.name === name)!);
    return edited;
  };

  test("a missing weight is named", async () => {
    const name = "MobilenetV1/Conv2d_5_pointwise/weights";
    const edited = edit(name, (entry) => {
      entry.name = "elsewhere";
    });
    await expect(fromFaceApi(edited, sibling)).rejects.toThrow(FormatError);
    await expect(fromFaceApi(edited, sibling)).rejects.toThrow(
      `face-api: expected weight "${name}" [1, 1, 256, 256], got none`,
    );
  });

  test("a wrong shape is shown beside the right one", async () => {
    const edited = edit("MobilenetV1/Conv2d_3_depthwise/depthwise_weights", (entry) => {
      entry.shape = [3, 3, 64, 2];
    });
    await expect(fromFaceApi(edited, sibling)).rejects.toThrow(ShapeError);
    await expect(fromFaceApi(edited, sibling)).rejects.toThrow("expected shape [3, 3, 128, 1], got [3, 3, 64, 2]");
  });

  test("a wrong dtype is shown", async () => {
    const edited = edit("Prediction/BoxPredictor_2/ClassPredictor/biases", (entry) => {
      entry.dtype = "int32";
    });
    await expect(fromFaceApi(edited, sibling)).rejects.toThrow(FormatError);
    await expect(fromFaceApi(edited, sibling)).rejects.toThrow("expected dtype float32, got int32");
  });

  test("another of face-api's networks", async () => {
    const other = JSON.parse(await readFile(new URL("tiny_face_detector_model-weights_manifest.json", folder), "utf8"));
    await expect(fromFaceApi(other, sibling)).rejects.toThrow(
      'expected weight "MobilenetV1/Conv2d_0_pointwise/weights"',
    );
  });

  test("a missing, a truncated and an empty shard", async () => {
    const missing = async (name: string) => {
      throw new LoadError(`${name}: expected a readable file, got no such file`);
    };
    await expect(fromFaceApi(manifest(), missing)).rejects.toThrow("ssd_mobilenetv1_model.bin");
    const cut = (bytes: number) => async (name: string) => (await sibling(name)).subarray(0, bytes);
    await expect(fromFaceApi(manifest(), cut(5_000_000))).rejects.toThrow(
      /ssd_mobilenetv1_model\.bin: expected \d+ bytes, got 5000000/,
    );
    await expect(fromFaceApi(manifest(), cut(0))).rejects.toThrow(FormatError);
  });

  test.each([null, {}, "manifest", [1], [{ paths: ["a.bin"] }]])("%j", async (other) => {
    await expect(fromFaceApi(other, sibling)).rejects.toThrow(FormatError);
  });

  test("an empty list", async () => {
    await expect(fromFaceApi([], sibling)).rejects.toThrow("expected weight");
  });

  test("an aborted signal rejects with its reason", async () => {
    const reason = new Error("enough");
    await expect(fromFaceApi(manifest(), sibling, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
