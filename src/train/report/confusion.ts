/**
 * Which classes are taken for which others.
 * @module
 */
import { ShapeError } from "../../errors.ts";
import { coordinate, escaped, svg } from "./svg.ts";

/**
 * Counts how often pictures of each class got each answer.
 * @param labels the classes
 * @param answers the classes that were answered
 * @param classes how many classes there are
 * @returns [classes][classes]: rows by label, columns by answer
 * @throws ShapeError for unequal numbers, RangeError for a class that does not exist
 */
export function confusion(labels: ArrayLike<number>, answers: ArrayLike<number>, classes: number): number[][] {
  if (labels.length !== answers.length) {
    throw new ShapeError(`confusion: expected an answer for each of ${labels.length} labels, got ${answers.length}`);
  }
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) {
    const row = counts[labels[i]!];
    if (row?.[answers[i]!] === undefined) {
      throw new RangeError(`confusion: expected classes below ${classes}, got ${labels[i]} and ${answers[i]} at ${i}`);
    }
    row[answers[i]!]!++;
  }
  return counts;
}

const CELL = 46;
const LARGEST = 640;
const TOP = 64;
const LETTER = 6.6;

const STYLE = `
.right { fill: #12a67c } .wrong { fill: #d1242f } .cell { stroke: #8c959f; stroke-opacity: .2 }`;

/**
 * A confusion matrix as a picture: a row for each class, a column for each answer, green where they agree.
 * @param counts as {@link confusion} answers them
 * @param classes names of the classes
 * @returns an SVG, readable on light and on dark pages
 * @throws ShapeError for counts that are no square of the classes
 */
export function confusionChart(
  counts: readonly (readonly number[])[],
  classes: readonly string[],
  title = "Confusion matrix",
): string {
  const size = classes.length;
  if (size === 0 || counts.length !== size || counts.some((row) => row.length !== size)) {
    throw new ShapeError(`confusionChart: expected ${size} rows and columns, got ${counts.map((row) => row.length)}`);
  }
  const cell = Math.min(CELL, LARGEST / size);
  const shown = classes.map((name) => (name.length > 20 ? `${name.slice(0, 19)}…` : name));
  const left = 30 + LETTER * Math.max(...shown.map((name) => name.length));
  const total = counts.flat().reduce((sum, n) => sum + n, 0);
  const right = counts.reduce((sum, row, i) => sum + row[i]!, 0);
  const parts = [
    `<text x="20" y="22" class="title">${escaped(title)}</text>`,
    `<text x="20" y="44" class="small">A row for each class, a column for each answer: ${right.toLocaleString("en")} of ${total.toLocaleString("en")} agree (${(total === 0 ? 0 : (100 * right) / total).toFixed(2)} %).</text>`,
  ];
  for (const [i, row] of counts.entries()) {
    const y = TOP + i * cell;
    const sum = row.reduce((a, n) => a + n, 0);
    if (cell >= 12) {
      parts.push(
        `<text x="${coordinate(left - 8)}" y="${coordinate(y + cell / 2)}" text-anchor="end">${escaped(shown[i]!)}</text>`,
      );
    }
    for (const [k, count] of row.entries()) {
      const x = left + k * cell;
      // The root shows what is rare.
      const strength = sum === 0 ? 0 : Math.sqrt(count / sum);
      parts.push(
        `<rect x="${coordinate(x)}" y="${coordinate(y)}" width="${coordinate(cell)}" height="${coordinate(cell)}" class="cell ${i === k ? "right" : "wrong"}" fill-opacity="${strength.toFixed(2)}"><title>${escaped(`${classes[i]}: ${count} of ${sum} named ${classes[k]}`)}</title></rect>`,
      );
      if (count > 0 && cell >= 24) {
        parts.push(
          `<text x="${coordinate(x + cell / 2)}" y="${coordinate(y + cell / 2)}" text-anchor="middle">${count}</text>`,
        );
      }
    }
  }
  const bottom = TOP + size * cell;
  if (cell >= 12) {
    for (const [k, name] of shown.entries()) {
      const x = coordinate(left + (k + 0.5) * cell);
      parts.push(
        `<text x="${x}" y="${coordinate(bottom + 10)}" text-anchor="end" transform="rotate(-40 ${x} ${coordinate(bottom + 10)})">${escaped(name)}</text>`,
      );
    }
  }
  const names = cell >= 12 ? 20 + 0.66 * LETTER * Math.max(...shown.map((name) => name.length)) : 10;
  const width = Math.max(left + size * cell + 20, 480);
  return svg(width, bottom + names, title, STYLE, parts);
}
