/**
 * The key points of bodies by their names, and what of them belongs together. Left and right are the person's own.
 * @module
 */

/** Both sides of a part, the left one first. */
const both = (part: string): [string, string] => [`left ${part}`, `right ${part}`];

/** The points that COCO marks, in its order, which is that of PoseNet and MoveNet. */
export const BODY: readonly string[] = [
  "nose",
  ...["eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"].flatMap(both),
];

/** The points of BlazePose, in its order. */
export const BODY_33: readonly string[] = [
  "nose",
  ...["left", "right"].flatMap((side) => ["inner", "middle", "outer"].map((part) => eye(side, part))),
  ...["ear", "mouth", "shoulder", "elbow", "wrist", "little finger", "index finger", "thumb"].flatMap(both),
  ...["hip", "knee", "ankle", "heel", "toes"].flatMap(both),
];

function eye(side: string, part: string): string {
  return part === "middle" ? `${side} eye` : `${side} eye, ${part} corner`;
}

/**
 * PoseNet's 16 edges from the nose outwards, in the order of its channels: the offsets of the way back lie behind those
 * of the way out.
 * source: Papandreou et al. 2018, "PersonLab: Person Pose Estimation and Instance Segmentation", §3.1.1
 */
export const EDGES: readonly (readonly [from: number, to: number])[] = [
  ...[chain("nose", "left eye", "left ear"), chain("nose", "right eye", "right ear")],
  ...["left", "right"].flatMap((side) => [
    chain("nose", ...["shoulder", "elbow", "wrist"].map((part) => `${side} ${part}`)),
    chain(...["shoulder", "hip", "knee", "ankle"].map((part) => `${side} ${part}`)),
  ]),
].flat();

function chain(...names: readonly string[]): [number, number][] {
  const points = names.map((name) => BODY.indexOf(name));
  return points.slice(1).map((to, i) => [points[i]!, to]);
}

/** Lines that are drawn between points where both are there. */
export const BONES: readonly (readonly [string, string])[] = [
  ["left shoulder", "right shoulder"],
  ["left hip", "right hip"],
  ["left mouth", "right mouth"],
  ...["left", "right"].flatMap((side) =>
    [
      ...[
        ["eye", "ear"],
        ["shoulder", "elbow"],
        ["elbow", "wrist"],
        ["shoulder", "hip"],
        ["hip", "knee"],
      ],
      ...[
        ["knee", "ankle"],
        ["ankle", "heel"],
        ["heel", "toes"],
        ["ankle", "toes"],
      ],
      ...[
        ["wrist", "thumb"],
        ["wrist", "index finger"],
        ["wrist", "little finger"],
      ],
      ["index finger", "little finger"],
    ].map(([a, b]): [string, string] => [`${side} ${a}`, `${side} ${b}`]),
  ),
  ["nose", "left eye"],
  ["nose", "right eye"],
];
