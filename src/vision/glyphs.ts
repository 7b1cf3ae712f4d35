/**
 * Letters as strokes: capitals, digits and a few signs, one unit high from cap line (y = 0) to baseline (y = 1), y
 * pointing down. Drawn with a round pen they stay sharp at any size, and need no font file.
 *
 * A glyph is a list of strokes: `l x y x y …` is a polyline, `a cx cy rx ry from to` an elliptic arc in degrees (0 is
 * right, 90 is down).
 * @module
 */

/** A straight piece of a stroke; both ends are round. */
export type Segment = readonly [x0: number, y0: number, x1: number, y1: number];

/** Text laid out on one line from x = 0. */
export interface Outline {
  readonly segments: readonly Segment[];
  /** Units, without space before the first and behind the last glyph. */
  readonly width: number;
}

/** Between two glyphs, in units. */
const TRACKING = 0.25;
const SPACE = 0.42;
/** Degrees of an arc that one segment spans. */
const ARC_STEP = 15;

const GLYPHS: Readonly<Record<string, string>> = {
  "0": "a .3 .3 .3 .3 180 360; l .6 .3 .6 .7; a .3 .7 .3 .3 0 180; l 0 .7 0 .3",
  "1": "l .08 .2 .34 0 .34 1",
  "2": "a .3 .3 .29 .3 190 395; l .538 .472 .01 1 .6 1",
  "3": "a .28 .245 .26 .245 200 450; a .28 .745 .31 .255 -90 160",
  "4": "l .46 1 .46 0 0 .72 .62 .72",
  "5": "l .54 0 .08 0 .05 .45; a .28 .69 .32 .31 -135 150",
  "6": "a .3 .69 .3 .31 0 360; l .05 .53 .38 0",
  "7": "l 0 0 .59 0 .22 1",
  "8": "a .3 .245 .26 .245 0 360; a .3 .745 .3 .255 0 360",
  "9": "a .3 .31 .3 .31 0 360; l .55 .47 .22 1",
  A: "l 0 1 .34 0 .68 1; l .12 .66 .56 .66",
  B: "l .3 .49 0 .49 0 0 .3 0; a .3 .245 .25 .245 -90 90; l 0 .49 0 1 .3 1; a .3 .745 .29 .255 -90 90",
  C: "a .32 .32 .32 .32 180 325; l 0 .32 0 .68; a .32 .68 .32 .32 35 180",
  D: "l .25 0 0 0 0 1 .25 1; a .25 .36 .36 .36 -90 0; l .61 .36 .61 .64; a .25 .64 .36 .36 0 90",
  E: "l .5 0 0 0 0 1 .5 1; l 0 .49 .44 .49",
  F: "l .5 0 0 0 0 1; l 0 .5 .43 .5",
  G: "a .32 .32 .32 .32 180 325; l 0 .32 0 .68; a .32 .68 .32 .32 0 180; l .64 .68 .64 .54 .38 .54",
  H: "l 0 0 0 1; l .58 0 .58 1; l 0 .49 .58 .49",
  I: "l 0 0 0 1",
  J: "l .44 0 .44 .74; a .18 .74 .26 .26 0 140",
  K: "l 0 0 0 1; l .56 0 0 .6; l .2 .4 .6 1",
  L: "l 0 0 0 1 .48 1",
  M: "l 0 1 0 0 .36 .6 .72 0 .72 1",
  N: "l 0 1 0 0 .58 1 .58 0",
  O: "a .32 .32 .32 .32 180 360; l .64 .32 .64 .68; a .32 .68 .32 .32 0 180; l 0 .68 0 .32",
  P: "l 0 1 0 0 .3 0; a .3 .27 .27 .27 -90 90; l .3 .54 0 .54",
  Q: "a .32 .32 .32 .32 180 360; l .64 .32 .64 .68; a .32 .68 .32 .32 0 180; l 0 .68 0 .32; l .4 .74 .68 1.04",
  R: "l 0 1 0 0 .3 0; a .3 .27 .27 .27 -90 90; l .3 .54 0 .54; l .28 .54 .58 1",
  S: "a .29 .25 .26 .25 -35 -270; a .29 .75 .29 .25 -90 145",
  T: "l 0 0 .6 0; l .3 0 .3 1",
  U: "l 0 0 0 .7; a .3 .7 .3 .3 0 180; l .6 .7 .6 0",
  V: "l 0 0 .32 1 .64 0",
  W: "l 0 0 .22 1 .45 .2 .68 1 .9 0",
  X: "l 0 0 .58 1; l .58 0 0 1",
  Y: "l 0 0 .3 .52 .6 0; l .3 .52 .3 1",
  Z: "l 0 0 .56 0 0 1 .56 1",
  "%": "a .16 .21 .16 .21 0 360; a .66 .79 .16 .21 0 360; l .66 0 .16 1",
  ".": "l .02 .98 .04 .98",
  ",": "l .06 .95 0 1.14",
  ":": "l .02 .3 .04 .3; l .02 .9 .04 .9",
  "-": "l 0 .54 .32 .54",
  _: "l 0 1.1 .5 1.1",
  "/": "l .4 -.06 0 1.1",
  "·": "l .03 .52 .05 .52",
  "×": "l 0 .32 .44 .8; l .44 .32 0 .8",
};

/** What stands for a character without a glyph. */
const MISSING = "l 0 0 .5 0 .5 1 0 1 0 0";

/** Lays out a line of text; small letters become capitals. */
export function outline(text: string): Outline {
  const segments: Segment[] = [];
  let pen = 0;
  let width = 0;
  for (const character of text.toUpperCase()) {
    if (character.trim() === "") {
      pen += SPACE;
      continue;
    }
    const glyph = strokes(GLYPHS[character] ?? MISSING);
    const right = Math.max(...glyph.flatMap(([x0, , x1]) => [x0, x1]));
    for (const [x0, y0, x1, y1] of glyph) segments.push([pen + x0, y0, pen + x1, y1]);
    width = pen + right;
    pen = width + TRACKING;
  }
  return { segments, width };
}

function strokes(glyph: string): Segment[] {
  return glyph.split(";").flatMap((stroke) => {
    const [kind, ...rest] = stroke.trim().split(" ");
    const numbers = rest.map(Number);
    return kind === "a" ? arc(numbers) : polyline(numbers);
  });
}

function polyline(points: readonly number[]): Segment[] {
  const segments: Segment[] = [];
  for (let i = 0; i + 3 < points.length; i += 2) {
    segments.push([points[i]!, points[i + 1]!, points[i + 2]!, points[i + 3]!]);
  }
  return segments;
}

function arc([cx = 0, cy = 0, rx = 0, ry = 0, from = 0, to = 0]: readonly number[]): Segment[] {
  const steps = Math.ceil(Math.abs(to - from) / ARC_STEP);
  const points = Array.from({ length: steps + 1 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / steps) * Math.PI) / 180;
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
  });
  return polyline(points.flat());
}
