/**
 * `posesOf` beside the decoder of `@tensorflow-models/posenet`, on photographs: as many people, whose points are in the
 * same places. Not to the pixel: that decoder takes offsets from the nearest place of the maps, ours what lies between.
 * @module
 */
import { createRequire } from "node:module";
import { join } from "node:path";

const MOBILENET = "MobilenetV1";
const LIMITS = { minScore: 0.25, radius: 20, maxResults: 20 };
/** A score from which a point counts. */
const SURE = 0.5;

/**
 * How far points are from each other in parts of a place of the maps, half of them at the most and all of them, and of
 * how many people; `agree`: whether these are as many, and half of the points within half a place.
 */
export async function comparePoses(modules, session, { posesOf, sessionInput }, photographs) {
  const require = createRequire(join(modules, "none.js"));
  const { decodeMultiplePoses } = require("@tensorflow-models/posenet/dist/multi_pose/decode_multiple_poses");
  const stride = (session.inputs[0].shape[1] - 1) / (session.outputs[0].shape[1] - 1);
  const people = { ours: 0, theirs: 0 };
  const distances = [];
  for (const photograph of photographs) {
    const { input } = await sessionInput(session, photograph, { normalization: { mean: 127.5, std: 127.5 } });
    const { outputs } = session.run(input);
    const map = (part, change = (x) => x) => {
      const name = `${MOBILENET}/${part}_2/BiasAdd`;
      const { shape } = session.outputs.find((output) => output.name === name);
      const numbers = outputs[name].map(change);
      const [, height, width, channels] = shape;
      return { shape: [height, width, channels], get: (y, x, c) => numbers[(y * width + x) * channels + c] };
    };
    const theirs = decodeMultiplePoses(
      ...[map("heatmap", (x) => 1 / (1 + Math.exp(-x))), map("offset")],
      ...[map("displacement_fwd"), map("displacement_bwd"), stride, LIMITS.maxResults, SURE, LIMITS.radius],
    ).filter(({ score }) => score >= LIMITS.minScore);
    const ours = await posesOf(session, outputs, LIMITS);
    people.ours += ours.length;
    people.theirs += theirs.length;
    for (const { keypoints } of theirs) {
      const each = ours.map(({ keyPoints }) =>
        keyPoints.flatMap(({ x, y, score }, i) => {
          const { position, score: other } = keypoints[i];
          return Math.min(score, other) < SURE ? [] : [Math.hypot(x - position.x, y - position.y) / stride];
        }),
      );
      distances.push(...each.reduce((best, list) => (mean(list) < mean(best) ? list : best)));
    }
  }
  distances.sort((a, b) => a - b);
  const [half, all] = [distances[distances.length >> 1], distances.at(-1)];
  return { half, all, people: people.ours, agree: people.ours === people.theirs && half <= 0.5 };
}

/** Infinite where there is nothing, which is nobody's. */
function mean(list) {
  return list.length === 0 ? Number.POSITIVE_INFINITY : list.reduce((sum, x) => sum + x, 0) / list.length;
}
