/**
 * From PoseNet's heat maps and offsets to poses.
 * source: Papandreou et al. 2018, "PersonLab: Person Pose Estimation and Instance Segmentation", §3.1
 * @module
 */
import { BODY, EDGES } from "./skeleton.ts";

/** What a PoseNet answers; places of the maps are the units of all offsets, y before x. */
export interface PoseMaps {
  readonly height: number;
  readonly width: number;
  /** Logits [height, width, 17]. */
  readonly heatmaps: Float32Array;
  /** [height, width, 34]: the y of all points, then the x. */
  readonly shortOffsets: Float32Array;
  /** [height, width, 32]: the y of all edges, then the x; from the inner end, and from the outer one. */
  readonly outward: Float32Array;
  readonly inward: Float32Array;
}

/** What counts as a pose. */
export interface PoseLimits {
  readonly minScore: number;
  readonly maxResults: number;
  /** In places of the maps. */
  readonly radius: number;
}

/** A key point in places of the maps. */
export interface MapPoint {
  readonly y: number;
  readonly x: number;
  /** 0 … 1. */
  readonly score: number;
}

/** A pose in places of the maps; points in the order of {@link BODY}. */
export interface MapPose {
  readonly score: number;
  readonly points: readonly MapPoint[];
}

interface Place {
  readonly y: number;
  readonly x: number;
}

/** A point that a pose may begin with, or go on to. */
interface Candidate extends Place {
  readonly point: number;
  readonly logit: number;
}

const POINTS = BODY.length;
/** Times that a point that an offset leads to is drawn to the nearest one of its kind. */
const REFINEMENTS = 5;

/**
 * The poses in the maps, best first. Each begins with the highest peak that is left, and grows along the skeleton, the
 * most certain point first. A pose counts as much as its points that no better pose has, in the mean of all.
 */
export function decodePoses(maps: PoseMaps, { minScore, maxResults, radius }: PoseLimits): MapPose[] {
  const found: MapPose[] = [];
  for (const peak of peaks(maps, minScore)) {
    if (found.length >= maxResults) break;
    if (found.some(({ points }) => near(points[peak.point]!, peak, radius))) continue;
    const points = grown(maps, peak);
    const score = points.reduce((sum, point) => sum + point.score, 0) / POINTS;
    // NaN does not count either.
    if (score >= minScore) found.push({ score, points });
  }
  const best = found.sort((a, b) => b.score - a.score);
  return best
    .map(({ points }, i) => {
      const own = points.filter((point, k) => !best.slice(0, i).some((other) => near(other.points[k]!, point, radius)));
      return { points, score: own.reduce((sum, point) => sum + point.score, 0) / POINTS };
    })
    .filter(({ score }) => score >= minScore)
    .sort((a, b) => b.score - a.score);
}

function near(a: Place, b: Place, radius: number): boolean {
  return (a.y - b.y) ** 2 + (a.x - b.x) ** 2 <= radius ** 2;
}

/** The places that are not below any around them, the highest first, moved by their short offsets. */
function peaks({ height, width, heatmaps, shortOffsets }: PoseMaps, minScore: number): Candidate[] {
  const least = logit(minScore);
  const list: Candidate[] = [];
  const isPeak = (y: number, x: number, point: number, value: number) => {
    for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
      for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
        if (heatmaps[(v * width + u) * POINTS + point]! > value) return false;
      }
    }
    return true;
  };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let point = 0; point < POINTS; point++, i++) {
        const value = heatmaps[i]!;
        if (!(value >= least && isPeak(y, x, point, value))) continue;
        const at = (y * width + x) * 2 * POINTS + point;
        const place = inside(y + shortOffsets[at]!, x + shortOffsets[at + POINTS]!, height, width);
        list.push({ ...place, point, logit: value });
      }
    }
  }
  return list.sort((a, b) => b.logit - a.logit);
}

/** All points of the pose that has this one. */
function grown(maps: PoseMaps, { y, x, point }: Place & { readonly point: number }): MapPoint[] {
  const points: MapPoint[] = [];
  const waiting: Candidate[] = [{ y, x, point, logit: sampled(maps, maps.heatmaps, POINTS, { y, x }, point) }];
  while (waiting.length > 0) {
    let next = 0;
    for (let i = 1; i < waiting.length; i++) if (waiting[i]!.logit > waiting[next]!.logit) next = i;
    const [taken] = waiting.splice(next, 1);
    if (points[taken!.point]) continue;
    points[taken!.point] = { y: taken!.y, x: taken!.x, score: sigmoid(taken!.logit) };
    for (const [edge, [from, to]] of EDGES.entries()) {
      const [here, there, offsets] = from === taken!.point ? [from, to, maps.outward] : [to, from, maps.inward];
      if (here !== taken!.point || points[there]) continue;
      const place = followed(maps, taken!, offsets, edge, there);
      waiting.push({ ...place, point: there, logit: sampled(maps, maps.heatmaps, POINTS, place, there) });
    }
  }
  return points;
}

/**
 * Where an edge's offsets lead from a place, drawn to the point of that kind that lies nearest. Coral's decoder takes
 * the offsets from the left eye to the nose, the first of the inward ones, from other channels by one off; here they
 * are their own.
 */
function followed(maps: PoseMaps, from: Place, offsets: Float32Array, edge: number, point: number): Place {
  const { height, width, shortOffsets } = maps;
  const moved = (place: Place, map: Float32Array, channels: number, channel: number) =>
    inside(
      place.y + sampled(maps, map, channels, place, channel),
      place.x + sampled(maps, map, channels, place, channel + channels / 2),
      height,
      width,
    );
  let place = moved(from, offsets, 2 * EDGES.length, edge);
  for (let i = 0; i < REFINEMENTS; i++) place = moved(place, shortOffsets, 2 * POINTS, point);
  return place;
}

/** A map's channel at a place between its own, bilinearly. */
function sampled({ width }: PoseMaps, map: Float32Array, channels: number, { y, x }: Place, channel: number): number {
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const [down, right] = [y - top, x - left];
  const row = (v: number) => {
    const at = (u: number) => map[(v * width + u) * channels + channel]!;
    return (1 - right) * at(left) + right * at(Math.ceil(x));
  };
  return (1 - down) * row(top) + down * row(Math.ceil(y));
}

function inside(y: number, x: number, height: number, width: number): Place {
  return { y: Math.min(height - 1, Math.max(0, y)), x: Math.min(width - 1, Math.max(0, x)) };
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** The number whose sigmoid this is; a hair beyond 0 and 1, so that it is finite but for 1. */
function logit(score: number): number {
  return -Math.log(1 / (score + 1e-6) - 1);
}
