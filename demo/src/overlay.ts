/** Boxes and points, drawn over the picture. */
import type { Detection, Pose, Segmentation } from "sepconv";
import type { Answer } from "./answers.ts";
import { percent } from "./format.ts";
import { overlay } from "./stage.ts";

const COLORS = ["#48f0b2", "#ffd166", "#7cc4ff", "#ff9f7c", "#d6a6ff"];
/** The same, RGBA in the order of memory, half transparent. */
const VEILS = COLORS.map((color) => {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)) as [number, number, number];
  return ((0x90 << 24) | (b << 16) | (g << 8) | r) >>> 0;
});
const DARK = "#0b1210";

export function draw(answer: Answer | undefined): void {
  const { context, scale, mirrored, width } = overlay();
  if (answer?.kind === "segments") paint(context, answer.map, mirrored);
  if (answer?.kind === "boxes") for (const found of answer.found) box(context, found, scale, mirrored ? width : 0);
  if (answer?.kind === "poses") for (const pose of answer.poses) points(context, pose, scale, mirrored ? width : 0);
}

/** @param mirror the width within which left and right change places; 0 where they stay */
function box(
  context: CanvasRenderingContext2D,
  { box: [left, y, width, height], score, label, class: number = 0, keyPoints = [] }: Detection,
  scale: number,
  mirror: number,
): void {
  const x = mirror ? mirror - left - width : left;
  const color = COLORS[number % COLORS.length]!;
  const round = Math.min(8 * scale, width / 4);
  for (const [style, line] of [
    [DARK, 5],
    [color, 2.5],
  ] as const) {
    context.strokeStyle = style;
    context.lineWidth = line * scale;
    context.beginPath();
    context.roundRect(x, y, width, height, round);
    context.stroke();
  }
  context.fillStyle = color;
  for (const point of keyPoints) {
    context.beginPath();
    context.arc(mirror ? mirror - point.x : point.x, point.y, 2.5 * scale, 0, 2 * Math.PI);
    context.fill();
  }
  // What every box would say, the list says.
  const text = label && label !== "face" ? `${label} ${percent(score)}` : percent(score);
  context.font = `600 ${13 * scale}px system-ui, sans-serif`;
  const [wide, high] = [context.measureText(text).width + 14 * scale, 22 * scale];
  // Above the box, or inside it at the picture's top.
  const top = y > high + 4 * scale ? y - high - 3 * scale : y + 5 * scale;
  const begin = top < y ? x : x + 5 * scale;
  context.fillStyle = color;
  context.beginPath();
  context.roundRect(begin, top, wide, high, 6 * scale);
  context.fill();
  context.fillStyle = DARK;
  context.textBaseline = "middle";
  context.fillText(text, begin + 7 * scale, top + high / 2);
}

function points(context: CanvasRenderingContext2D, { keyPoints }: Pose, scale: number, mirror: number): void {
  for (const { x, y, score } of keyPoints) {
    if (score < 0.3) continue;
    context.beginPath();
    context.arc(mirror ? mirror - x : x, y, 4 * scale, 0, 2 * Math.PI);
    context.fillStyle = DARK;
    context.fill();
    context.beginPath();
    context.arc(mirror ? mirror - x : x, y, 3 * scale, 0, 2 * Math.PI);
    context.fillStyle = COLORS[0]!;
    context.fill();
  }
}

/** Classes as veils of color; the first one, which is the background, stays clear. */
function paint(context: CanvasRenderingContext2D, { width, height, classes }: Segmentation, mirrored: boolean): void {
  const pixels = new Uint32Array(width * height);
  classes.forEach((of, i) => {
    if (of > 0) pixels[i] = VEILS[of % VEILS.length]!;
  });
  const veil = new OffscreenCanvas(width, height);
  veil.getContext("2d")!.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), width, height), 0, 0);
  // In pixels of the picture, whose size the map has.
  if (mirrored) context.transform(-1, 0, 0, 1, width, 0);
  context.drawImage(veil, 0, 0);
}
