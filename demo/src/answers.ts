/** What a network says of a picture, whatever kind of network it is. */
import type { Classification, Detection, PictureLike, Pose, Segmentation } from "sepconv";
import { classify, detect, pose, segment, UnsupportedError, type WorkerSession } from "sepconv/worker";
import type { Network } from "./networks.ts";

export type Answer =
  | { readonly kind: "boxes"; readonly found: readonly Detection[] }
  | { readonly kind: "classes"; readonly classes: Classification["classes"]; readonly range: Classification["range"] }
  | { readonly kind: "poses"; readonly poses: readonly Pose[] }
  | { readonly kind: "segments"; readonly map: Segmentation }
  /** Numbers that are no names: of weights drawn at random, or of a network of another kind. */
  | { readonly kind: "numbers"; readonly why: string };

const UNTRAINED = "It knows no names: nobody trained it. Teach it some.";

/** @throws what `detect`, `pose` and `classify` throw */
export async function answerOf(session: WorkerSession, network: Network, picture: PictureLike): Promise<Answer> {
  const { labels } = network;
  const range = network.normalization && { normalization: network.normalization };
  if (session.manifest.source.detector) {
    return { kind: "boxes", found: await detect(session, picture, { minScore: 0.5 }) };
  }
  const [output] = session.outputs;
  const vector = output!.shape.filter((size) => size > 1).length <= 1;
  if (session.outputs.length > 1 || !vector) {
    const poses = await unless(pose(session, picture, { ...range }));
    if (poses) return { kind: "poses", poses };
    const map = await unless(segment(session, picture, { ...range, ...(labels && { labels }) }));
    if (map) return { kind: "segments", map };
    return { kind: "numbers", why: `No classes, boxes, poses or segments: it answers [${output!.shape.join(", ")}].` };
  }
  const said = await classify(session, picture, { top: 5, labels, ...range });
  return network.drawn ? { kind: "numbers", why: UNTRAINED } : { kind: "classes", ...said };
}

/** Nothing, where a network is not of that kind. */
async function unless<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
}
