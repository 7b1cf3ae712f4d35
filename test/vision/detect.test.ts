import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { beforeAll, describe, expect, test } from "vitest";
import { build } from "../../src/engine/build.ts";
import type { Session } from "../../src/engine/host/session.ts";
import { ShapeError, UnsupportedError } from "../../src/errors.ts";
import { fromFaceApi } from "../../src/formats/face-api/read.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";
import { decodeImage } from "../../src/vision/decode.ts";
import { type Detection, detect, iou } from "../../src/vision/detect.ts";
import type { Picture } from "../../src/vision/given.ts";
import { forEachVariant, readBuild } from "../variants.ts";

/** What scripts/record-face-api.mjs writes. */
interface Recorded {
  minConfidence: number;
  images: Record<string, { width: number; height: number; faces: Detection[] }>;
}

// face-api maps boxes back as if the shorter side of the input were a whole number of pixels, which moves them by up to
// 1/341 of it.
const SCORE = 1e-4;
const BOX = 0.003;

const home = new URL("./", `file://${createRequire(import.meta.url).resolve("@vladmandic/face-api/package.json")}`);
const recorded: Recorded = JSON.parse(await readFile(new URL("../data/face-api.json", import.meta.url), "utf8"));
const pictures = new Map<string, Picture>();
let graph: Graph;

beforeAll(async () => {
  const model = new URL("model/", home);
  const manifest = JSON.parse(await readFile(new URL("ssd_mobilenetv1_model-weights_manifest.json", model), "utf8"));
  graph = await fromFaceApi(manifest, async (name) => new Uint8Array(await readFile(new URL(name, model))));
  for (const name of Object.keys(recorded.images)) {
    pictures.set(name, await decodeImage(await readFile(new URL(`demo/${name}`, home)), { name }));
  }
});

const corners = ([x, y, width, height]: Detection["box"]) => [y, x, y + height, x + width] as const;

describe("finds the faces that face-api finds", () => {
  forEachVariant((variant) => {
    let net: Session;
    beforeAll(async () => {
      net = await build(graph, { wasm: readBuild(variant) });
    });

    test.each(Object.keys(recorded.images))("in %s", async (name) => {
      const { width, height, faces } = recorded.images[name]!;
      const picture = pictures.get(name)!;
      expect([picture.width, picture.height]).toEqual([width, height]);
      const found = await detect(net, picture, { minScore: recorded.minConfidence });
      expect(found).toHaveLength(faces.length);
      for (const face of faces) {
        // Equal scores may change places: a face is matched by its place.
        const [ours] = found.toSorted(
          (a, b) => iou(corners(b.box), corners(face.box)) - iou(corners(a.box), corners(face.box)),
        );
        expect(Math.abs(ours!.score - face.score)).toBeLessThan(SCORE);
        for (const [i, value] of face.box.entries()) {
          expect(Math.abs(ours!.box[i]! - value), `box[${i}]`).toBeLessThan(BOX * (i % 2 ? height : width));
        }
        expect(ours!.label).toBe("face");
      }
      expect(found.map(({ score }) => score)).toEqual(found.map(({ score }) => score).sort((a, b) => b - a));
    });
  });
});

describe("detect", () => {
  let net: Session;
  beforeAll(async () => {
    net = await build(graph, { variant: "simd" });
  });

  test("fewer and surer results when asked for", async () => {
    const picture = pictures.get("sample4.jpg")!;
    const all = await detect(net, picture);
    expect(await detect(net, picture, { maxResults: 2 })).toEqual(all.slice(0, 2));
    expect(await detect(net, picture, { minScore: 0.9 })).toEqual(all.filter(({ score }) => score >= 0.9));
    const many = await detect(net, picture, { minScore: 0.01, iouThreshold: 1 });
    expect(many.length).toBeGreaterThan(all.length);
    // Whatever is reported lies inside the picture and has an area.
    for (const {
      box: [x, y, width, height],
    } of many) {
      expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
      expect(Math.min(width, height)).toBeGreaterThan(0);
      expect(x + width).toBeLessThanOrEqual(picture.width * (1 + 1e-12));
      expect(y + height).toBeLessThanOrEqual(picture.height * (1 + 1e-12));
    }
  });

  test("the same pixels as RGB and RGBA give the same faces", async () => {
    const picture = pictures.get("sample1.jpg")!;
    const rgb = picture.data.filter((_, i) => i % 4 !== 3);
    expect(await detect(net, { ...picture, channels: 3, data: rgb })).toEqual(await detect(net, picture));
  });

  test("an upright picture: faces keep their places in a taller one", async () => {
    const picture = pictures.get("sample1.jpg")!;
    const tall = 2400;
    const data = new Uint8Array(4 * picture.width * tall);
    data.set(picture.data);
    const found = await detect(net, { width: picture.width, height: tall, data });
    const faces = recorded.images["sample1.jpg"]!.faces;
    expect(found).toHaveLength(faces.length);
    for (const { box } of faces)
      expect(Math.max(...found.map((other) => iou(corners(other.box), corners(box))))).toBeGreaterThan(0.8);
  });

  test.each([
    [1, 1],
    [1, 300],
    [300, 1],
    [7, 5],
  ])("nothing in a gray picture of %i×%i", async (width, height) => {
    expect(await detect(net, { width, height, data: new Uint8Array(width * height).fill(128) })).toEqual([]);
  });

  test("a network that is no detector", async () => {
    const other = await build(mobilenetV1({ alpha: 0.25, resolution: 128 }), { variant: "simd" });
    const call = () => detect(other, pictures.get("sample1.jpg")!);
    await expect(call()).rejects.toThrow(UnsupportedError);
    await expect(call()).rejects.toThrow("detect: expected a detector, got");
  });

  test("a detector of several images at a time", async () => {
    const two = await build(graph, { variant: "simd", batch: 2 });
    await expect(detect(two, pictures.get("sample1.jpg")!)).rejects.toThrow(UnsupportedError);
    await expect(detect(two, pictures.get("sample1.jpg")!)).rejects.toThrow("[2, 512, 512, 3]");
  });

  test.each<[Picture, new (message: string) => Error]>([
    [{ width: 4, height: 4, data: new Uint8Array(32) }, ShapeError],
    [{ width: 0, height: 4, data: new Uint8Array(0) }, ShapeError],
    [{ width: 4, height: 4.5, data: new Uint8Array(54) }, RangeError],
  ])("pixels that do not fit their size: %#", async (picture, error) => {
    await expect(detect(net, picture)).rejects.toThrow(error);
  });

  test("what isn't pixels", async () => {
    await expect(detect(net, { width: 1, height: 1, data: [1, 2, 3] } as unknown as Picture)).rejects.toThrow(
      TypeError,
    );
    await expect(detect(net, { width: 1, height: 1 } as Picture)).rejects.toThrow(TypeError);
  });

  test("a bad option is found before anything runs", async () => {
    await expect(detect(net, pictures.get("sample1.jpg")!, { minScore: 2 })).rejects.toThrow(RangeError);
  });
});
