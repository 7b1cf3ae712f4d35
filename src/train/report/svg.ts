/**
 * What the charts share: text, colors for light and dark pages, numbers as people write them.
 * @module
 */

/** Text between tags. */
export function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** A coordinate: tenths are enough. */
export function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** A whole chart around its parts. */
export function svg(width: number, height: number, title: string, style: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${coordinate(width)} ${coordinate(height)}" font-family="system-ui, sans-serif" role="img" aria-label="${escaped(title).replace(/"/g, "&quot;")}">
<style>
text { fill: #24292f; font-size: 12px; dominant-baseline: central }
.title { font-size: 16px; font-weight: 600 } .small { font-size: 11px; fill: #6e7781 } .strong { font-weight: 600 }
${style}
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #8b949e } }
</style>
${parts.join("\n")}
</svg>
`;
}
