/** Numbers as the page says them. */

/** "1.34 MB". */
export function bytes(count: number): string {
  return count < 1e5 ? `${(count / 1e3).toFixed(1)} KB` : `${(count / 1e6).toFixed(2)} MB`;
}

/** "13.6 M", of multiply-adds and parameters. */
export function count(value: number): string {
  if (value < 1e4) return String(Math.round(value));
  if (value < 1e6) return `${(value / 1e3).toFixed(value < 1e5 ? 1 : 0)} k`;
  return `${(value / 1e6).toFixed(value < 1e8 ? 1 : 0)} M`;
}

/** "0.410", in three digits or so. */
export function digits(value: number): string {
  return value.toFixed(value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** "0.410 ms". */
export function milliseconds(ms: number): string {
  return `${digits(ms)} ms`;
}

/** "81 %". */
export function percent(score: number): string {
  return `${Math.round(score * 100)} %`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
