/**
 * How training went, as a picture.
 * @module
 */
import type { EpochResult } from "../fit.ts";
import { coordinate, escaped, svg } from "./svg.ts";

const WIDTH = 860;
const LEFT = 56;
const RIGHT = 150;
const TOP = 66;
const PANEL = 150;
const GAP = 44;

const STYLE = `
.grid { stroke: #8c959f; stroke-opacity: .25 } path { fill: none; stroke-width: 2; stroke-linejoin: round }
.validation { stroke: #12a67c } .training { stroke: #8c959f } circle.validation { fill: #12a67c } circle.training { fill: #8c959f }`;

/** One line of a panel. */
interface Line {
  readonly kind: "training" | "validation";
  readonly values: readonly number[];
}

/**
 * Accuracy and loss by epoch, of the pictures that were learned from (gray) and of those that were held back (green).
 * @param epochs what `fit` answers, one or more
 * @returns an SVG, readable on light and on dark pages
 * @throws RangeError without an epoch
 */
export function learningCurve(epochs: readonly EpochResult[], title = "Learning curve"): string {
  const last = epochs.at(-1);
  if (last === undefined) throw new RangeError("learningCurve: expected an epoch, got none");
  const numbers = epochs.map(({ epoch }) => epoch);
  const held = epochs.every(({ validation }) => validation !== undefined);
  const lines = (of: (result: { loss: number; accuracy: number }) => number): Line[] => [
    { kind: "training", values: epochs.map(of) },
    ...(held ? [{ kind: "validation", values: epochs.map(({ validation }) => of(validation!)) } as const] : []),
  ];
  const percent = (value: number, digits: number) => `${(100 * value).toFixed(digits)} %`;
  const parts = [
    `<text x="${LEFT}" y="22" class="title">${escaped(title)}</text>`,
    ...panel(
      "accuracy",
      TOP,
      numbers,
      lines(({ accuracy }) => accuracy),
      percent,
    ),
    ...panel(
      "loss, nats",
      TOP + PANEL + GAP,
      numbers,
      lines(({ loss }) => loss),
      (value, digits) => value.toFixed(digits + 1),
    ),
    `<text x="${LEFT}" y="${TOP + 2 * PANEL + GAP + 40}" class="small">${escaped(told(last, held))}</text>`,
  ];
  return svg(WIDTH, TOP + 2 * PANEL + GAP + 58, title, STYLE, parts);
}

function told({ epoch, count, accuracy, validation }: EpochResult, held: boolean): string {
  const part = (value: number) => `${(100 * value).toFixed(2)} %`;
  const learned = `Epoch ${epoch}: ${part(accuracy)} of ${count.toLocaleString("en")} pictures it learned from were named rightly at the time`;
  return held
    ? `${learned}; ${part(validation!.accuracy)} of ${validation!.count.toLocaleString("en")} that it has not seen.`
    : `${learned}.`;
}

function panel(
  name: string,
  top: number,
  epochs: readonly number[],
  lines: readonly Line[],
  shown: (value: number, digits: number) => string,
): string[] {
  const all = lines.flatMap(({ values }) => values).filter(Number.isFinite);
  const step = tick(Math.max(...all) - Math.min(...all) || 0.1);
  const low = Math.floor(Math.min(...all) / step) * step;
  const high = Math.max(low + step, Math.ceil(Math.max(...all) / step) * step);
  const y = (value: number) => top + PANEL * (1 - (value - low) / (high - low));
  const [first, end] = [epochs[0]!, Math.max(epochs.at(-1)!, epochs[0]! + 1)];
  const x = (epoch: number) => LEFT + ((WIDTH - LEFT - RIGHT) * (epoch - first)) / (end - first);
  const parts = [`<text x="${LEFT}" y="${top - 14}" class="strong">${name}</text>`];
  for (let i = 0; i <= Math.round((high - low) / step); i++) {
    const at = coordinate(y(low + i * step));
    parts.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" class="grid"/>`,
      `<text x="${LEFT - 8}" y="${at}" text-anchor="end" class="small">${shown(low + i * step, step < 0.0095 ? 1 : 0)}</text>`,
    );
  }
  const apart = Math.max(1, Math.ceil(epochs.length / 12));
  for (const epoch of epochs.filter((_, i) => i % apart === 0)) {
    parts.push(
      `<text x="${coordinate(x(epoch))}" y="${top + PANEL + 14}" text-anchor="middle" class="small">${epoch}</text>`,
    );
  }
  const ends = apartFrom(lines.map(({ values }) => y(values.at(-1)!)));
  for (const [i, { kind, values }] of lines.entries()) {
    const points = values.map((value, k) => `${coordinate(x(epochs[k]!))} ${coordinate(y(value))}`);
    const [ex, ey] = points.at(-1)!.split(" ");
    parts.push(
      `<path d="M${points.join(" L")}" class="${kind}"/><circle cx="${ex}" cy="${ey}" r="3" class="${kind}"/>`,
      `<text x="${coordinate(Number(ex) + 10)}" y="${coordinate(ends[i]!)}"${kind === "validation" ? ' class="strong"' : ""}>${kind} ${shown(values.at(-1)!, 2)}</text>`,
    );
  }
  return parts;
}

/** Heights of labels, moved where two would stand in each other's way. */
function apartFrom(heights: readonly number[]): readonly number[] {
  const [a, b] = heights;
  if (a === undefined || b === undefined || Math.abs(a - b) >= 14) return heights;
  const [middle, up] = [(a + b) / 2, a < b ? -7 : 7];
  return [middle + up, middle - up];
}

/** The distance of grid lines, 1, 2 or 5 times a power of ten, of which some three to six fit into a range. */
function tick(range: number): number {
  const power = 10 ** Math.floor(Math.log10(range));
  return [0.2, 0.5, 1, 2].map((factor) => factor * power).find((step) => range / step <= 6)!;
}
