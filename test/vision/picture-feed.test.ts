import { describe, expect, it } from "vitest";
import { StateError } from "../../src/errors.ts";
import {
  build,
  feedPicture,
  initialize,
  mobilenetV1,
  type Numbers,
  quantize,
  type SessionInputOptions,
  sessionInput,
} from "../../src/index.ts";
import { random } from "../cases/random.ts";

const GRAPH = mobilenetV1({ alpha: 0.25, resolution: 32, classes: 5 });
const NORMALIZATION = { mean: 127.5, std: 127.5 };

function picture(width: number, height: number, channels: 1 | 3 | 4) {
  const numbers = random(`picture ${width} ${height} ${channels}`);
  return {
    width,
    height,
    channels,
    data: Uint8Array.from({ length: width * height * channels }, () => numbers.int(0, 255)),
  };
}

const SIZES = [
  [32, 32, 3],
  [97, 61, 3],
  [20, 90, 4],
  [300, 7, 1],
  [13, 11, 3],
] as const;

const OPTIONS: SessionInputOptions[] = [
  {},
  { fit: "cover" },
  { fit: "contain", padColor: [10, 200, 30] },
  { fit: "contain", position: "start" },
  { method: "bilinear" },
  { method: "bilinear-asymmetric", fit: "cover" },
  { crop: [2, 1, 9, 5] },
];

describe("a picture that is fed", () => {
  it.each(SIZES)("of %i×%i pixels, %i channels, gives the bits of the whole one", async (width, height, channels) => {
    const whole = picture(width, height, channels);
    const session = await build(GRAPH, { feed: true, memory: "small" });
    for (const option of OPTIONS) {
      const options = { normalization: NORMALIZATION, ...option };
      const { input, placement, range } = await sessionInput(session, whole, options);
      const expected = session.run<Numbers>(input).output;
      const feed = await feedPicture(session, whole, options);
      expect([feed.height, feed.rowLength]).toEqual([height, width * channels]);
      expect(feed.placement).toEqual(placement);
      expect(feed.range).toEqual(range);
      const numbers = random(JSON.stringify(option));
      while (feed.received < height) {
        const end = Math.min(height, feed.received + numbers.int(0, 5));
        feed.rows(whole.data.subarray(feed.received * feed.rowLength, end * feed.rowLength));
      }
      expect(feed.done().output, JSON.stringify(option)).toEqual(expected);
    }
  });

  it("of 8 bits does too", async () => {
    const samples = [0, 1, 2].map((seed) => random(`sample ${seed}`).floats(32 * 32 * 3));
    const session = await build(await quantize(initialize(GRAPH, 4), samples, { io: "int8" }), { feed: true });
    const whole = picture(50, 40, 3);
    const { input } = await sessionInput(session, whole, { normalization: NORMALIZATION });
    const expected = session.run<Numbers>(input).output;
    const feed = await feedPicture(session, whole, { normalization: NORMALIZATION });
    feed.rows(whole.data);
    expect(feed.done().output).toEqual(expected);
  });

  it("refuses what is no rows, and says when it is over", async () => {
    const session = await build(GRAPH, { feed: true });
    const feed = await feedPicture(session, { width: 40, height: 30, channels: 3 }, { normalization: NORMALIZATION });
    expect(() => feed.rows(new Uint8Array(50))).toThrow(/expected rows of 120 bytes, got 50 bytes/);
    expect(() => feed.rows(new Float32Array(120) as never)).toThrow(TypeError);
    expect(() => feed.rows(new Uint8Array(120 * 31))).toThrow(/expected 30 more rows at most, got 31/);
    feed.rows(new Uint8Array(120 * 29));
    expect(() => feed.done()).toThrow(StateError);
    feed.rows(new Uint8Array(120));
    feed.done();
    expect(() => feed.rows(new Uint8Array(0))).toThrow(StateError);
    const plain = await build(GRAPH);
    await expect(
      feedPicture(plain, { width: 4, height: 4, channels: 3 }, { normalization: NORMALIZATION }),
    ).rejects.toThrow(StateError);
  });
});
