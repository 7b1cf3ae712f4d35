/**
 * Aligned plain-text tables and the numbers in them.
 * @module
 */
import { elide, width } from "./width.ts";

/** A column: its title and on which side its cells line up. */
export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  /** Cells that may lose their middle where the table would be too wide: names, of one column a table. */
  readonly elastic?: boolean;
  /** The column may be left out where room is short: the one with the highest number first. */
  readonly spare?: number;
}

/** A column to the left, and one to the right. */
export const left = (title: string, more: Partial<Column> = {}): Column => ({ title, align: "left", ...more });
export const right = (title: string, more: Partial<Column> = {}): Column => ({ title, align: "right", ...more });

/** Columns that a name must get, before other columns are left out for it and after that. */
const ENOUGH = 16;
const LEAST = 8;

/**
 * Lines up `rows` (one string a cell) under the columns' titles; two spaces between columns, none at the end of a line.
 * `heading` may dress up the title line, after it has been measured. Where the lines would be longer than `room`,
 * elastic cells are cut and spare columns left out.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  heading: (line: string) => string = (line) => line,
  room = Number.POSITIVE_INFINITY,
): string {
  const widths = columns.map(({ title }, i) =>
    rows.reduce((most, row) => Math.max(most, width(row[i] ?? "")), width(title)),
  );
  const elastic = columns.findIndex((column) => column.elastic);
  const excess = widths.reduce((sum, each) => sum + each, 2 * (columns.length - 1)) - room;
  if (excess > 0) {
    const cut = elastic < 0 ? 0 : widths[elastic]! - excess;
    const spare = columns.reduce((most, column) => Math.max(most, column.spare ?? -1), -1);
    if (spare >= 0 && cut < Math.min(ENOUGH, widths[elastic] ?? 1)) {
      const kept = columns.map((column) => column.spare !== spare);
      const keep = <T>(list: readonly T[]) => list.filter((_, i) => kept[i]);
      return table(keep(columns), rows.map(keep), heading, room);
    }
    if (elastic >= 0) {
      const most = Math.min(widths[elastic]!, Math.max(cut, LEAST, width(columns[elastic]!.title)));
      const shorter = rows.map((row) => row.with(elastic, elide(row[elastic] ?? "", most)));
      // As narrow as it gets: what still doesn't fit is left to the terminal.
      return table(columns, shorter, heading);
    }
  }
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, i) => {
        const cell = cells[i] ?? "";
        const gap = " ".repeat(widths[i]! - width(cell));
        return align === "left" ? cell + gap : gap + cell;
      })
      .join("  ")
      .trimEnd();
  return [heading(line(columns.map(({ title }) => title))), ...rows.map(line)].join("\n");
}

/** 1234567 → "1,234,567". */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** 568740352 → "568.74 M". Always in millions: networks are compared by them. */
export function millions(value: number): string {
  return `${(value / 1e6).toFixed(2)} M`;
}

/** 6253568 → "6.25 MB"; KB below a megabyte. Decimal units: 1 KB = 1000 bytes. */
export function megabytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} KB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

/** 3.14159 → "3.14 ms"; three significant digits up to a thousand. */
export function milliseconds(ms: number): string {
  return `${ms < 1000 ? ms.toPrecision(3) : Math.round(ms)} ms`;
}

/** [1, 96, 96, 3] → "1×96×96×3". */
export function dimensions(shape: readonly number[]): string {
  return shape.join("×");
}
