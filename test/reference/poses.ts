/**
 * PoseNet's maps, drawn of poses that are known, and read again in the plainest way: every step over all places, in
 * double precision. Points by their numbers in COCO's order; offsets in places of the maps.
 */

/** From the nose outwards, by hand. */
export const TREE: readonly (readonly [number, number])[] = [
  ...([
    [0, 1],
    [1, 3],
    [0, 2],
    [2, 4],
    [0, 5],
    [5, 7],
    [7, 9],
    [5, 11],
    [11, 13],
    [13, 15],
  ] as const),
  ...([
    [0, 6],
    [6, 8],
    [8, 10],
    [6, 12],
    [12, 14],
    [14, 16],
  ] as const),
];

export interface Maps {
  readonly height: number;
  readonly width: number;
  /** [y][x][point], logits. */
  readonly heat: number[][][];
  /** [y][x][point], [dy, dx]. */
  readonly short: [number, number][][][];
  /** [y][x][edge], [dy, dx]: outwards, inwards. */
  readonly out: [number, number][][][];
  readonly back: [number, number][][][];
}

export type Point = readonly [y: number, x: number, score: number];
export interface Found {
  readonly score: number;
  readonly points: readonly Point[];
}

export function grid<T>(height: number, width: number, count: number, make: (y: number, x: number, i: number) => T) {
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => Array.from({ length: count }, (_, i) => make(y, x, i))),
  );
}

/** The maps that a perfect network would have of people, each 17 points [y, x]. */
export function drawn(
  height: number,
  width: number,
  people: readonly (readonly (readonly [number, number])[])[],
): Maps {
  const distance = (y: number, x: number, [v, u]: readonly [number, number]) => (y - v) ** 2 + (x - u) ** 2;
  const nearest = (y: number, x: number, point: number) =>
    people.reduce((a, b) => (distance(y, x, b[point]!) < distance(y, x, a[point]!) ? b : a));
  const towards = (y: number, x: number, near: number, to: number): [number, number] => {
    const [v, u] = nearest(y, x, near)[to]!;
    return [v - y, u - x];
  };
  return {
    ...{ height, width },
    heat: grid(height, width, 17, (y, x, i) => 4 - 3 * distance(y, x, nearest(y, x, i)[i]!)),
    short: grid(height, width, 17, (y, x, i) => towards(y, x, i, i)),
    out: grid(height, width, 16, (y, x, i) => towards(y, x, TREE[i]![0], TREE[i]![1])),
    back: grid(height, width, 16, (y, x, i) => towards(y, x, TREE[i]![1], TREE[i]![0])),
  };
}

/** The poses in the maps. */
export function decode(maps: Maps, minScore: number, most: number, radius: number): Found[] {
  const { height, width, heat, short, out, back } = maps;
  const clamp = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1);
  const blend = (y: number, x: number, at: (v: number, u: number) => number) => {
    let sum = 0;
    for (let v = 0; v < height; v++) {
      for (let u = 0; u < width; u++) {
        const weight = Math.max(0, 1 - Math.abs(v - y)) * Math.max(0, 1 - Math.abs(u - x));
        if (weight > 0) sum += weight * at(v, u);
      }
    }
    return sum;
  };
  const shifted = ([y, x]: readonly [number, number], map: [number, number][][][], i: number): [number, number] => [
    clamp(y + blend(y, x, (v, u) => map[v]![u]![i]![0]), height),
    clamp(x + blend(y, x, (v, u) => map[v]![u]![i]![1]), width),
  ];
  const score = ([y, x]: readonly [number, number], i: number) =>
    1 / (1 + Math.exp(-blend(y, x, (v, u) => heat[v]![u]![i]!)));
  const close = (a: readonly number[], b: readonly number[]) =>
    (a[0]! - b[0]!) ** 2 + (a[1]! - b[1]!) ** 2 <= radius ** 2;
  const peaks: { value: number; i: number; place: [number, number] }[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let i = 0; i < 17; i++) {
        const value = heat[y]![x]![i]!;
        const around = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => heat[y + dy]?.[x + dx]?.[i] ?? -Infinity));
        if (1 / (1 + Math.exp(-value)) < minScore || Math.max(...around) > value) continue;
        const [dy, dx] = short[y]![x]![i]!;
        peaks.push({ value, i, place: [clamp(y + dy, height), clamp(x + dx, width)] });
      }
    }
  }
  const poses: Found[] = [];
  for (const { i: root, place } of peaks.sort((a, b) => b.value - a.value)) {
    if (poses.length === most) break;
    if (poses.some(({ points }) => close(points[root]!, place))) continue;
    const points = new Map<number, Point>([[root, [...place, score(place, root)]]]);
    while (points.size < 17) {
      // Of all edges from what is known to what is not, the one whose end is the most certain.
      const steps = TREE.flatMap(([from, to], edge) => {
        if (points.has(from) === points.has(to)) return [];
        const [here, there] = points.has(from) ? [from, to] : [to, from];
        const [y, x] = points.get(here)!;
        let at = shifted([y, x], here === from ? out : back, edge);
        for (let k = 0; k < 5; k++) at = shifted(at, short, there);
        return [{ there, at, score: score(at, there) }];
      });
      const best = steps.reduce((a, b) => (b.score > a.score ? b : a));
      points.set(best.there, [...best.at, best.score]);
    }
    const list = Array.from({ length: 17 }, (_, i) => points.get(i)!);
    const mean = list.reduce((sum, point) => sum + point[2], 0) / 17;
    if (mean >= minScore) poses.push({ score: mean, points: list });
  }
  poses.sort((a, b) => b.score - a.score);
  return poses
    .map(({ points }, n) => {
      const own = points.map((point, i) =>
        poses.slice(0, n).some((better) => close(better.points[i]!, point)) ? 0 : point[2],
      );
      return { points, score: own.reduce((a, b) => a + b, 0) / 17 };
    })
    .filter((pose) => pose.score >= minScore)
    .sort((a, b) => b.score - a.score);
}
