/**
 * From a picture to the key points of the people in it.
 * @module
 */
import type { Numbers, Session } from "../engine/host/session.ts";
import { UnsupportedError } from "../errors.ts";
import type { Normalization, PoseHeads } from "../graph/graph.ts";
import type { KeyPoint } from "./detect.ts";
import { toPicture } from "./fit.ts";
import { type PictureLike, pictureGiven } from "./given.ts";
import { decodePoses, type MapPose, sigmoid } from "./pose-decode.ts";
import { toReal } from "./real.ts";
import { type SessionInputOptions, sessionInput } from "./session-input.ts";
import { BODY, BODY_33 } from "./skeleton.ts";

/** A key point of a body. */
export interface PosePoint extends KeyPoint {
  /** How sure the network is of it, 0 … 1. */
  readonly score: number;
}

/** A person that was found. */
export interface Pose {
  /** 0 … 1. */
  readonly score: number;
  /** In pixels of the picture, in the network's order; they may lie outside of it. */
  readonly keyPoints: readonly PosePoint[];
}

/** What counts as a pose. */
export interface PoseLimitOptions {
  /** Least score to be reported, 0 … 1; by default what the model's file says, else 0.25. */
  readonly minScore?: number | undefined;
  /** Most poses, the best ones; by default as many as the model's file says, else 20. */
  readonly maxResults?: number | undefined;
  /**
   * Pixels of the network's input within which the same key points of two poses are one; by default what the model's
   * file says, else 20.
   */
  readonly radius?: number | undefined;
}

/**
 * What can be asked of {@link pose}. By default the picture keeps its proportions, in the middle of the input, black
 * beside it.
 */
export interface PoseOptions extends SessionInputOptions, PoseLimitOptions {}

const DEFAULTS = { minScore: 0.25, maxResults: 20, radius: 20 };

/** How a network says where people are. */
interface Reader {
  /** The range that its family has, where the model says nothing. */
  readonly normalization?: Normalization;
  /** The poses in outputs, in pixels of the input, whose first one's middle is 0. */
  read(outputs: Readonly<Record<string, Numbers>>, limits: Required<Limits>): Pose[];
}

type Limits = { readonly [K in keyof PoseLimitOptions]: Exclude<PoseLimitOptions[K], undefined> };

/** `pose` of `tasks.ts`. */
export async function pose(session: Session, given: PictureLike, options: PoseOptions = {}): Promise<Pose[]> {
  const { minScore, maxResults, radius, ...how } = options;
  const { normalization } = readerOf(session);
  check(session, options);
  const picture = await pictureGiven("picture", given);
  const known = session.manifest.source.normalization ?? normalization;
  const { input, placement } = await sessionInput(session, picture, {
    ...{ fit: "contain", ...how },
    ...(session.inputs[0]!.dtype === "float32" && { normalization: how.normalization ?? known }),
  });
  const { outputs } = session.run<Numbers>(input);
  return posesOf(session, outputs, options).map(({ score, keyPoints }) => ({
    score,
    keyPoints: keyPoints.map((point) => {
      const [x, y] = toPicture(placement, [point.x + 0.5, point.y + 0.5, 0, 0]);
      return { ...point, x, y };
    }),
  }));
}

/** `posesOf` of `tasks.ts`. */
export function posesOf(
  session: Session,
  outputs: Readonly<Record<string, Numbers>>,
  options: PoseLimitOptions = {},
): Pose[] {
  return readerOf(session).read(outputs, check(session, options));
}

/** Options with what they leave open. */
function check({ manifest: { source } }: Session, options: PoseLimitOptions): Required<Limits> {
  const { minScore, maxResults, radius } = { ...DEFAULTS, ...source.pose };
  const asked = {
    minScore: options.minScore ?? minScore,
    maxResults: options.maxResults ?? maxResults,
    radius: options.radius ?? radius,
  };
  if (!(asked.minScore >= 0 && asked.minScore <= 1)) {
    throw new RangeError(`minScore: expected a number from 0 to 1, got ${asked.minScore}`);
  }
  if (!Number.isInteger(asked.maxResults) || asked.maxResults < 1) {
    throw new RangeError(`maxResults: expected a whole number from 1, got ${asked.maxResults}`);
  }
  if (!(asked.radius >= 0)) throw new RangeError(`radius: expected pixels from 0, got ${asked.radius}`);
  return asked;
}

/** Whether a network's outputs are poses. */
export function answersPoses(session: Session): boolean {
  return knownReader(session) !== undefined;
}

function readerOf(session: Session): Reader {
  const reader = knownReader(session);
  if (reader) return reader;
  const shapes = session.outputs.map(({ name, shape }) => `${name} [${shape.join(", ")}]`).join(", ");
  throw new UnsupportedError(
    `pose: expected outputs of PoseNet, MoveNet or BlazePose, got ${shapes} from ${session.manifest.name}`,
  );
}

/** By what the file says, else by the shapes of the outputs. */
function knownReader(session: Session): Reader | undefined {
  const { source } = session.manifest;
  const [input] = session.inputs;
  if (input!.shape.length !== 4) return undefined;
  const heads = source.pose ?? headsOf(session);
  if (heads) return poseNet(session, heads);
  const { outputs } = session;
  const of = (...shape: readonly number[]) => outputs.filter((output) => `${output.shape}` === `${shape}`);
  const [points] = of(1, 1, BODY.length, 3);
  if (points && outputs.length === 1) return moveNet(session, points.name);
  const [landmarks, presence] = [of(1, 39 * 5)[0], of(1, 1)[0]];
  return landmarks && presence && blazePose(session, landmarks.name, presence.name);
}

/** PoseNet's four outputs, of whatever names, with a pixel more in the input than steps. */
function headsOf({ inputs, outputs }: Session): PoseHeads | undefined {
  const [, height, width] = inputs[0]!.shape;
  const [heat] = outputs.filter(({ shape }) => shape.length === 4 && shape[3] === BODY.length);
  const [, rows, columns] = heat?.shape ?? [];
  const of = (channels: number) => outputs.filter(({ shape }) => `${shape}` === `1,${rows},${columns},${channels}`);
  const stride = (height! - 1) / (rows! - 1);
  if (!heat || !Number.isInteger(stride) || (width! - 1) / (columns! - 1) !== stride) return undefined;
  const [short, mid, ways] = [of(34), of(64), of(32)];
  const named = (way: RegExp) => ways.filter(({ name }) => way.test(name));
  const [outward, inward] = [named(/fwd|forward/i), named(/bwd|backward/i)];
  const both = mid.length === 1 ? mid : [...outward, ...inward];
  if (short.length !== 1 || both.length !== (mid.length === 1 ? 1 : 2) || (mid.length !== 1 && outward.length !== 1)) {
    return undefined;
  }
  const midOffsets = both.map(({ name }) => name);
  return { heatmaps: heat.name, shortOffsets: short[0]!.name, midOffsets, stride, ...DEFAULTS };
}

function poseNet(session: Session, heads: PoseHeads): Reader {
  const { stride } = heads;
  const info = (name: string) => session.outputs.find((output) => output.name === name)!;
  const [, height, width] = info(heads.heatmaps).shape as [number, number, number];
  // PoseNets that are made of a ResNet subtract ImageNet's mean color.
  const isResNet = session.outputs.some(({ name }) => /resnet/i.test(name));
  return {
    normalization: isResNet ? { mean: [123.15, 115.9, 103.06], std: 1 } : { mean: 127.5, std: 127.5 },
    read(outputs, { minScore, maxResults, radius }) {
      const real = (name: string) => toReal(outputs[name]!, info(name));
      const places = (pixels: Float32Array) => pixels.map((offset) => offset / stride);
      const mid = heads.midOffsets.map((name) => places(real(name)));
      const [outward, inward] = mid.length === 2 ? mid : halves(mid[0]!, 64);
      const maps = {
        ...{ height, width, heatmaps: real(heads.heatmaps), shortOffsets: places(real(heads.shortOffsets)) },
        ...{ outward: outward!, inward: inward! },
      };
      return decodePoses(maps, { minScore, maxResults, radius: radius / stride }).map((found) =>
        inPixels(found, stride),
      );
    },
  };
}

function inPixels({ score, points }: MapPose, stride: number): Pose {
  return {
    score,
    keyPoints: points.map((point, i) => ({
      ...{ label: BODY[i]!, score: point.score },
      ...{ x: point.x * stride, y: point.y * stride },
    })),
  };
}

/** The first and the second half of the channels. */
function halves(map: Float32Array, channels: number): [Float32Array, Float32Array] {
  const half = channels / 2;
  const part = (from: number) =>
    Float32Array.from({ length: map.length / 2 }, (_, i) => map[Math.floor(i / half) * channels + from + (i % half)]!);
  return [part(0), part(half)];
}

/** One person: y, x in parts of the input, and a score, for each point. The file's own first step takes bytes. */
function moveNet(session: Session, name: string): Reader {
  const [, height, width] = session.inputs[0]!.shape as [number, number, number];
  return {
    normalization: { mean: 0, std: 1 },
    read(outputs, { minScore }) {
      const numbers = toReal(outputs[name]!, session.outputs[0]!);
      const keyPoints = BODY.map((label, i): PosePoint => {
        const [y, x, score] = numbers.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number];
        return { label, score, x: x * width - 0.5, y: y * height - 0.5 };
      });
      const score = keyPoints.reduce((sum, point) => sum + point.score, 0) / keyPoints.length;
      return score >= minScore ? [{ score, keyPoints }] : [];
    },
  };
}

/**
 * One person, who fills the input: x, y in pixels, a depth, and logits of being seen and of being there for each of 33
 * points and 6 more, which say where to look next.
 */
function blazePose(session: Session, landmarks: string, presence: string): Reader {
  const info = (name: string) => session.outputs.find((output) => output.name === name)!;
  return {
    normalization: { mean: 0, std: 255 },
    read(outputs, { minScore }) {
      const real = (name: string) => toReal(outputs[name]!, info(name));
      const score = real(presence)[0]!;
      const numbers = real(landmarks);
      const keyPoints = BODY_33.map((label, i): PosePoint => {
        const [x, y, , seen] = numbers.subarray(5 * i, 5 * i + 4) as unknown as [number, number, number, number];
        return { label, score: sigmoid(seen), x: x - 0.5, y: y - 0.5 };
      });
      return score >= minScore ? [{ score, keyPoints }] : [];
    },
  };
}
