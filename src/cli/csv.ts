/**
 * Tables for spreadsheets, as RFC 4180 has them.
 * @module
 */

/** A line for each row, ended by CR LF; what has a comma, a quote or a line's end in it stands in quotes. */
export function csv(rows: readonly (readonly (string | number)[])[]): string {
  const field = (value: string | number) => {
    const text = String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(field).join(",")}\r\n`).join("");
}
