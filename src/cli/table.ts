/**
 * Aligned plain-text tables and the numbers in them.
 * @module
 */

/** A column: its title and on which side its cells line up. */
export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

/**
 * Lines up `rows` (one string a cell) under the columns' titles; two spaces between columns, none at the end of a line.
 * `heading` may dress up the title line, after it has been measured.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  heading: (line: string) => string = (line) => line,
): string {
  const widths = columns.map(({ title }, i) => Math.max(width(title), ...rows.map((row) => width(row[i] ?? ""))));
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

function width(text: string): number {
  return [...text].length;
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
