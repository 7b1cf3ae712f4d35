/**
 * All sixteen width × resolution networks of one reading, in every variant, every end point against the outside
 * reference.
 */
import { beforeAll, expect, it } from "vitest";
import { build } from "../../src/engine/build.ts";
import type { Session } from "../../src/engine/host/session.ts";
import { accepts, VARIANTS, type Variant } from "../../src/engine/variant.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { initialize, withWeights } from "../../src/graph/initialize.ts";
import { mobilenetV1, type Reading } from "../../src/models/mobilenet-v1.ts";
import { random } from "../cases/random.ts";
import {
  blockBound,
  type Image,
  layersOf,
  poolBound,
  referenceBlock,
  referencePool,
  startReference,
} from "./blocks.ts";

const END_POINTS = [...Array.from({ length: 14 }, (_, i) => `block${i}`), "output"];

/** Xavier weights, and batch norms that do something: every statistic drawn at random. */
export function randomNetwork(alpha: number, resolution: number, reading: Reading, seed: number): Graph {
  const graph = initialize(mobilenetV1({ alpha, resolution, reading }), seed);
  const { next } = random(`statistics of ${graph.name}, ${seed}`);
  const statistics = [...graph.constants.values()].filter(({ name }) => name.includes("/bn/"));
  const weights = statistics.map(({ name, shape }) => {
    const [lo, hi] = /gamma|variance/.test(name) ? [0.5, 1.5] : [-0.25, 0.25];
    return [name, Float32Array.from({ length: shape[0]! }, () => lo! + (hi! - lo!) * next())] as const;
  });
  return withWeights(graph, new Map(weights));
}

/** Registers the tests of one reading. */
export function testNetworks(reading: Reading): void {
  beforeAll(startReference);
  const variants = VARIANTS.filter(accepts);
  const missing = VARIANTS.filter((variant) => !accepts(variant));
  if (missing.length > 0) console.info(`networks: ${missing.join(", ")} left out, this host refuses the instructions`);
  for (const alpha of [0.25, 0.5, 0.75, 1]) {
    for (const resolution of [128, 160, 192, 224]) {
      const seed = Math.round(alpha * 1000) + resolution;
      it(`α = ${alpha}, ${resolution}×${resolution}: every end point, every variant`, async () => {
        const graph = randomNetwork(alpha, resolution, reading, seed);
        const { floats } = random(`input of ${graph.name}`);
        const input = floats(resolution * resolution * 3);
        const runs = new Map<Variant, { session: Session; endPoints: Readonly<Record<string, Float32Array>> }>();
        for (const variant of variants) {
          const session = await build(graph, { variant, endPoints: END_POINTS });
          expect(session.variant).toBe(variant);
          const { endPoints } = session.run(input);
          const again = session.run(input).endPoints;
          for (const name of END_POINTS) expect(equalBits(again[name]!, endPoints[name]!), `${name}, again`).toBe(true);
          runs.set(variant, { session, endPoints });
        }
        const { scalar, simd = scalar, relaxed } = Object.fromEntries(runs);
        for (const name of END_POINTS)
          expect(equalBits(simd!.endPoints[name]!, scalar!.endPoints[name]!), name).toBe(true);
        compare(
          graph,
          simd!.session,
          { h: resolution, w: resolution, c: 3, values: input },
          simd!.endPoints,
          relaxed?.endPoints,
        );
      });
    }
  }
}

type EndPoints = Readonly<Record<string, Float32Array>>;

/**
 * Walks the blocks: `simd` is held against the reference fed with its own values, `relaxed` too, its own deviation from
 * `simd` carried along.
 */
function compare(graph: Graph, session: Session, input: Image, simd: EndPoints, relaxed?: EndPoints): void {
  let image = input;
  let deviation: Float64Array | undefined;
  for (const { name, shape } of session.endPoints) {
    const [, h, w, c] = shape as [number, number, number, number];
    const layers = name === "output" ? undefined : layersOf(graph, Number(name.slice("block".length)));
    const images = layers ? referenceBlock(layers, image) : [image, referencePool(image)];
    const expected = images.at(-1)!;
    const bound = (error?: Float64Array) => (layers ? blockBound(layers, images, error) : poolBound(image, error));
    expect([expected.h, expected.w, expected.c], name).toEqual([h, w, c]);
    expect(
      worst(simd[name]!, expected, bound()),
      `simd, ${name}: difference in units of its bound`,
    ).toBeLessThanOrEqual(1);
    expect(new Set(simd[name]!.subarray(0, c)).size, `different channels of ${name}`).toBeGreaterThan(c / 4);
    if (relaxed) {
      expect(worst(relaxed[name]!, expected, bound(deviation)), `relaxed, ${name}`).toBeLessThanOrEqual(1);
      deviation = Float64Array.from(relaxed[name]!, (v, i) => Math.abs(v - simd[name]![i]!));
    }
    image = { h, w, c, values: simd[name]! };
  }
}

/** The largest difference in units of what it may be; NaN where a value is missing or not a number. */
function worst(actual: Float32Array, { values }: Image, bound: Float64Array): number {
  if (actual.length !== values.length) return Number.NaN;
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const difference = Math.abs(actual[i]! - values[i]!);
    if (!(difference <= most * bound[i]!)) most = difference / bound[i]!;
  }
  return most;
}

function equalBits(a: Float32Array, b: Float32Array): boolean {
  const bits = (x: Float32Array) => new Uint32Array(x.buffer, x.byteOffset, x.length);
  const [left, right] = [bits(a), bits(b)];
  return left.length === right.length && left.every((value, i) => value === right[i]);
}
