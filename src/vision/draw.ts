/**
 * Drawing into RGBA pixels: rounded rectangles, their outlines, and text, all anti-aliased by the distance of a pixel
 * from the shape.
 * @module
 */
import { outline } from "./glyphs.ts";

/** Pixels, RGBA, row-major, 4·width·height bytes. */
export interface Bitmap {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** Red, green, blue (0 … 255). */
export type Color = readonly [red: number, green: number, blue: number];

/** x and y of the top left corner, width, height; in pixels, fractions allowed. */
export type Rectangle = readonly [x: number, y: number, width: number, height: number];

/** Signed distance of a point from a shape's edge, in pixels; negative inside. */
type Distance = (x: number, y: number) => number;

/** Fills a rectangle with rounded corners. */
export function fillRounded(image: Bitmap, rectangle: Rectangle, radius: number, color: Color, alpha = 1): void {
  const distance = rounded(rectangle, radius);
  paint(image, rectangle, 1, color, (x, y) => alpha * coverage(distance(x, y)));
}

/** Strokes the outline of a rectangle with rounded corners; the line, `width` pixels wide, is centered on the edge. */
export function strokeRounded(
  image: Bitmap,
  rectangle: Rectangle,
  radius: number,
  width: number,
  color: Color,
  alpha = 1,
): void {
  const distance = rounded(rectangle, radius);
  paint(image, rectangle, width, color, (x, y) => alpha * coverage(Math.abs(distance(x, y)) - width / 2));
}

/** Strokes only what of the outline lies within `length` pixels of both edges of a corner: four brackets. */
export function strokeCorners(
  image: Bitmap,
  rectangle: Rectangle,
  radius: number,
  width: number,
  length: number,
  color: Color,
): void {
  const distance = rounded(rectangle, radius);
  const [left, top, w, h] = rectangle;
  paint(image, rectangle, width, color, (x, y) => {
    const inward = Math.max(Math.min(x - left, left + w - x), Math.min(y - top, top + h - y));
    // The brackets end in half circles.
    const beyond = Math.max(0, inward - length);
    return coverage(Math.hypot(distance(x, y), beyond) - width / 2);
  });
}

/** Draws a line, `width` pixels wide, with round ends. */
export function drawLine(
  image: Bitmap,
  [x0, y0]: readonly [x: number, y: number],
  [x1, y1]: readonly [x: number, y: number],
  width: number,
  color: Color,
  alpha = 1,
): void {
  const box = [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)] as const;
  paint(image, box, width, color, (x, y) => alpha * coverage(fromLine(x - x0, y - y0, x1 - x0, y1 - y0) - width / 2));
}

/** Darkens what lies around an outline, fading over `reach` pixels, so that a bright line shows on bright pictures. */
export function shadeOutline(image: Bitmap, rectangle: Rectangle, radius: number, reach: number, alpha: number): void {
  const distance = rounded(rectangle, radius);
  paint(image, rectangle, 2 * reach, [0, 0, 0], (x, y) => {
    const near = Math.max(0, 1 - Math.abs(distance(x, y)) / reach);
    return alpha * near * near;
  });
}

/** Width in pixels of a line of text whose capitals are `size` pixels high. */
export function textWidth(text: string, size: number): number {
  return outline(text).width * innerSize(size) + PEN * size;
}

/** Writes a line of text in capitals, `size` pixels high; (x, y) is the top left corner of the first one. */
export function drawText(
  image: Bitmap,
  text: string,
  x: number,
  y: number,
  size: number,
  color: Color,
  alpha = 1,
): void {
  const { segments, width } = outline(text);
  const half = (PEN * size) / 2;
  const scale = innerSize(size);
  const lines = segments.map((segment) => segment.map((value, i) => (i % 2 ? y : x) + half + value * scale));
  // A distance of a pixel and more says no more than "outside", so each line is asked only near itself.
  const distance: Distance = (px, py) => {
    let nearest = half + 1;
    for (const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] of lines) {
      if (px < Math.min(x0, x1) - nearest || px > Math.max(x0, x1) + nearest) continue;
      nearest = Math.min(nearest, fromLine(px - x0, py - y0, x1 - x0, y1 - y0));
    }
    return nearest - half;
  };
  // Commas, slashes and Q reach below the baseline.
  paint(
    image,
    [x, y, width * scale + 2 * half, size * 1.2],
    size * 0.1,
    color,
    (px, py) => alpha * coverage(distance(px, py)),
  );
}

/** Width of the pen in parts of the height of capitals. */
const PEN = 0.14;

/** Pixels a glyph's unit: the pen's outer edge, not its center, touches cap line and baseline. */
function innerSize(size: number): number {
  return size * (1 - PEN);
}

function fromLine(px: number, py: number, dx: number, dy: number): number {
  const length = dx * dx + dy * dy;
  const along = length > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
  return Math.hypot(px - along * dx, py - along * dy);
}

function rounded([x, y, width, height]: Rectangle, radius: number): Distance {
  const corner = Math.max(0, Math.min(radius, width / 2, height / 2));
  return (px, py) => {
    const dx = Math.abs(px - x - width / 2) - width / 2 + corner;
    const dy = Math.abs(py - y - height / 2) - height / 2 + corner;
    return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - corner;
  };
}

/** How much of a pixel lies inside a shape whose edge is this far from the pixel's center. */
function coverage(distance: number): number {
  return Math.min(1, Math.max(0, 0.5 - distance));
}

/** Blends a color into the pixels of a rectangle, widened by `margin`, by the alpha at each pixel's center. */
function paint(
  { width, height, data }: Bitmap,
  [x, y, w, h]: Rectangle,
  margin: number,
  color: Color,
  alphaAt: (x: number, y: number) => number,
): void {
  const right = Math.min(width, Math.ceil(x + w + margin + 1));
  const bottom = Math.min(height, Math.ceil(y + h + margin + 1));
  for (let py = Math.max(0, Math.floor(y - margin - 1)); py < bottom; ++py) {
    for (let px = Math.max(0, Math.floor(x - margin - 1)); px < right; ++px) {
      const alpha = alphaAt(px + 0.5, py + 0.5);
      if (!(alpha > 0)) continue;
      const at = 4 * (py * width + px);
      for (let c = 0; c < 3; ++c) data[at + c] = Math.round(data[at + c]! + alpha * (color[c]! - data[at + c]!));
      data[at + 3] = Math.round(data[at + 3]! + alpha * (255 - data[at + 3]!));
    }
  }
}
