/**
 * Draws what was found into a picture: a rounded frame with bright corners around each object, and a label with its
 * score; skeletons, and segments in their colors. Letters, and PNG files, for those who draw more.
 * @module
 */
import type { Detection } from "./detect.ts";
import {
  type Bitmap,
  type Color,
  drawText,
  fillRounded,
  type Rectangle,
  shadeOutline,
  strokeCorners,
  strokeRounded,
  textWidth,
} from "./draw.ts";

export { type Bitmap, type Color, drawText, fillRounded, type Rectangle, textWidth } from "./draw.ts";
export { paintPoses } from "./paint-poses.ts";
export { paintSegments } from "./paint-segments.ts";
export { encodePng } from "./picture/png-write.ts";

/** Colors by class, in the order in which classes appear. */
const PALETTE: readonly Color[] = [
  [72, 240, 178],
  [255, 196, 77],
  [120, 190, 255],
  [255, 138, 158],
  [200, 160, 255],
  [190, 232, 88],
];
const INK: Color = [10, 34, 27];

/**
 * A copy of `image` with the detections drawn in. Lines and letters grow with the picture, so that it may be shown at
 * any size.
 * @param image RGBA pixels; left as they are
 * @param detections in pixels of `image`
 * @param scale makes lines and letters larger or smaller than they would be by themselves
 */
export function annotate(image: Bitmap, detections: readonly Detection[], scale = 1): Bitmap {
  const { width, height } = image;
  if (image.data.length !== 4 * width * height) {
    throw new RangeError(
      `image: expected ${4 * width * height} bytes of RGBA for ${width}×${height}, got ${image.data.length}`,
    );
  }
  const copy: Bitmap = { width, height, data: new Uint8ClampedArray(image.data) };
  const unit = Math.max(1, Math.max(width, height) / 640) * scale;
  const labels = [...new Set(detections.map(({ label }) => label))];
  const colorOf = ({ label }: Detection) => PALETTE[labels.indexOf(label) % PALETTE.length]!;
  for (const detection of detections) drawFrame(copy, detection.box, unit, colorOf(detection));
  for (const detection of detections) drawPoints(copy, detection, unit, colorOf(detection));
  // Labels last: no frame crosses them.
  for (const detection of detections) drawLabel(copy, detection, unit, colorOf(detection));
  return copy;
}

function drawFrame(image: Bitmap, box: Rectangle, unit: number, color: Color): void {
  const [, , width, height] = box;
  const side = Math.min(width, height);
  const radius = Math.min(0.1 * side, 8 * unit);
  shadeOutline(image, box, radius, 4 * unit, 0.4);
  strokeRounded(image, box, radius, 0.8 * unit, [255, 255, 255], 0.75);
  strokeCorners(image, box, radius, 1.8 * unit, Math.max(radius, 0.2 * side), color);
}

/** A dot on each key point, with a rim that shows on any ground. */
function drawPoints(image: Bitmap, { keyPoints = [], box }: Detection, unit: number, color: Color): void {
  const radius = Math.min(2.6 * unit, Math.max(1, 0.03 * Math.min(box[2], box[3])));
  for (const { x, y } of keyPoints) {
    const dot = (r: number): Rectangle => [x - r, y - r, 2 * r, 2 * r];
    shadeOutline(image, dot(radius), radius, 2 * unit, 0.4);
    fillRounded(image, dot(1.5 * radius), 1.5 * radius, [255, 255, 255], 0.9);
    fillRounded(image, dot(radius), radius, color);
  }
}

/** Above the frame where there is room, else inside it; never outside the picture if it fits at all. */
function drawLabel(image: Bitmap, { score, label, box: [x, y] }: Detection, unit: number, color: Color): void {
  const percent = `${(100 * score).toFixed(score < 0.9995 ? 1 : 0)}%`;
  const text = label === undefined ? percent : `${label} ${percent}`;
  const size = Math.max(8, 6.2 * unit);
  const padding = 0.62 * size;
  const width = textWidth(text, size) + 2.2 * padding;
  const height = size + 2 * padding;
  const gap = 2.5 * unit;
  const left = Math.max(0, Math.min(x - 0.9 * unit, image.width - width));
  const top = y - gap - height >= 0 ? y - gap - height : Math.min(Math.max(0, y) + gap, image.height - height);
  const chip: Rectangle = [left, top, width, height];
  shadeOutline(image, chip, height / 2, 3 * unit, 0.3);
  fillRounded(image, chip, height / 2, color, 0.96);
  drawText(image, text, left + 1.1 * padding, top + padding, size, INK);
}
