/**
 * Paints a segmentation over its picture: a color for each class but the background, light edges, and the names.
 * @module
 */
import { type Bitmap, type Color, drawText, fillRounded, textWidth } from "./draw.ts";
import type { Segmentation } from "./segment.ts";

const INK: Color = [14, 20, 26];

/**
 * A copy of `image` with its segments painted over.
 * @param image RGBA pixels of the size that was segmented; left as they are
 * @param background the class that is left as it is; 0, as most networks have it
 * @throws RangeError for an image of another size
 */
export function paintSegments(image: Bitmap, segmentation: Segmentation, background = 0): Bitmap {
  const { width, height, classes, segments } = segmentation;
  if (image.width !== width || image.height !== height || image.data.length !== 4 * width * height) {
    throw new RangeError(`image: expected ${width}×${height} pixels of RGBA, got ${image.width}×${image.height}`);
  }
  const copy: Bitmap = { width, height, data: new Uint8ClampedArray(image.data) };
  const colors = new Map(segments.map(({ index }) => [index, colorOf(index)]));
  const shown = (index: number) => index !== background && index >= 0;
  const edge = Math.max(1, Math.round(Math.max(width, height) / 480));
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const own = classes[i]!;
      const right = x + edge < width ? classes[i + edge]! : own;
      const below = y + edge < height ? classes[i + edge * width]! : own;
      if (own !== right || own !== below) blend(copy, i, [255, 255, 255], 0.85);
      else if (shown(own)) blend(copy, i, colors.get(own)!, 0.55);
    }
  }
  legend(
    copy,
    segments.filter(({ index }) => shown(index)),
  );
  return copy;
}

function blend({ data }: Bitmap, pixel: number, color: Color, alpha: number): void {
  for (let c = 0; c < 3; c++) data[4 * pixel + c] = (1 - alpha) * data[4 * pixel + c]! + alpha * color[c]!;
}

/** Names and shares, one below the other. */
function legend(image: Bitmap, segments: Segmentation["segments"]): void {
  const size = Math.max(8, Math.max(image.width, image.height) / 95);
  const padding = 0.62 * size;
  let top = 2 * padding;
  for (const { index, label, share } of segments.slice(0, 12)) {
    const text = `${label ?? `class ${index}`} ${(100 * share).toFixed(share < 0.0995 ? 1 : 0)}%`;
    const height = size + 2 * padding;
    if (top + height > image.height) return;
    const chip = [2 * padding, top, textWidth(text, size) + 2.2 * padding, height] as const;
    fillRounded(image, chip, height / 2, colorOf(index), 0.95);
    drawText(image, text, chip[0] + 1.1 * padding, top + padding, size, INK);
    top += height + 0.5 * padding;
  }
}

/** Light colors, those of neighbors in the list of classes far apart: hues by the golden angle. */
function colorOf(index: number): Color {
  const hue = (index * 137.508) % 360;
  const channel = (offset: number) => {
    const k = (offset + hue / 30) % 12;
    return Math.round(255 * (0.68 - 0.32 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
