/**
 * Draws poses into a picture: bones, joints, and the score of each person.
 * @module
 */
import { type Bitmap, type Color, drawLine, drawText, fillRounded, type Rectangle, textWidth } from "./draw.ts";
import type { Pose, PosePoint } from "./pose.ts";
import { BONES } from "./skeleton.ts";

/** By the person's own sides. */
const LEFT: Color = [72, 240, 178];
const RIGHT: Color = [255, 150, 110];
const MIDDLE: Color = [244, 246, 255];
const INK: Color = [14, 20, 26];

/**
 * A copy of `image` with the poses drawn in; the person's left is green, the right orange.
 * @param image RGBA pixels; left as they are
 * @param poses in pixels of `image`
 * @param minPointScore points below it are left out, 0 … 1
 * @throws RangeError for pixels of another number than the size says
 */
export function paintPoses(image: Bitmap, poses: readonly Pose[], minPointScore = 0.3): Bitmap {
  const { width, height } = image;
  if (image.data.length !== 4 * width * height) {
    throw new RangeError(
      `image: expected ${4 * width * height} bytes of RGBA for ${width}×${height}, got ${image.data.length}`,
    );
  }
  const copy: Bitmap = { width, height, data: new Uint8ClampedArray(image.data) };
  const unit = Math.max(1, Math.max(width, height) / 640);
  const shown = poses.map(({ score, keyPoints }) => ({
    score,
    points: new Map(keyPoints.filter((point) => point.score >= minPointScore).map((point) => [point.label, point])),
  }));
  for (const { points } of shown) drawBones(copy, points, unit);
  for (const { points } of shown) for (const point of points.values()) drawJoint(copy, point, unit);
  for (const { points, score } of shown) drawScore(copy, [...points.values()], score, unit);
  return copy;
}

function drawBones(image: Bitmap, points: ReadonlyMap<string, PosePoint>, unit: number): void {
  const bones = BONES.flatMap(([a, b]) => {
    const [from, to] = [points.get(a), points.get(b)];
    return from && to ? [{ from, to, color: a.split(" ")[0] === b.split(" ")[0] ? colorOf(a) : MIDDLE }] : [];
  });
  const line = (width: number, colorFor: (color: Color) => Color, alpha: number) => {
    for (const { from, to, color } of bones) {
      drawLine(image, [from.x, from.y], [to.x, to.y], width * unit, colorFor(color), alpha);
    }
  };
  line(5.5, () => INK, 0.35);
  line(3, (color) => color, 0.95);
}

function drawJoint(image: Bitmap, { label, x, y }: PosePoint, unit: number): void {
  const dot = (r: number): Rectangle => [x - r, y - r, 2 * r, 2 * r];
  const radius = 2.6 * unit;
  fillRounded(image, dot(1.7 * radius), 1.7 * radius, INK, 0.35);
  fillRounded(image, dot(1.35 * radius), 1.35 * radius, [255, 255, 255], 0.95);
  fillRounded(image, dot(0.85 * radius), 0.85 * radius, label === "nose" ? INK : colorOf(label));
}

/** Above the person's head, inside the picture. */
function drawScore(image: Bitmap, points: readonly PosePoint[], score: number, unit: number): void {
  const [first] = points;
  if (!first) return;
  const top = points.reduce((highest, point) => (point.y < highest.y ? point : highest), first);
  const text = `${(100 * score).toFixed(0)}%`;
  const size = Math.max(8, 6.2 * unit);
  const padding = 0.62 * size;
  const [width, height] = [textWidth(text, size) + 2.2 * padding, size + 2 * padding];
  const x = Math.max(0, Math.min(top.x - width / 2, image.width - width));
  // From the eyes to the top of a head it is about as far as from eye to eye, and half as far again.
  const faces = points.filter(({ label }) => /eye|ear|nose/.test(label)).map((point) => point.x);
  const head = 0.75 * Math.max(0, ...faces.map((a) => Math.max(...faces.map((b) => a - b))));
  const y = Math.max(0, Math.min(top.y - head - height - 6 * unit, image.height - height));
  fillRounded(image, [x, y, width, height], height / 2, MIDDLE, 0.92);
  drawText(image, text, x + 1.1 * padding, y + padding, size, INK);
}

function colorOf(label: string): Color {
  if (label.startsWith("left ")) return LEFT;
  return label.startsWith("right ") ? RIGHT : MIDDLE;
}
