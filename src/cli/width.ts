/**
 * Text in the columns of a terminal: how many it takes, and how it is cut and broken to fit.
 * @module
 */

/** Columns where there is no terminal to ask: a file, a pipe. */
const ELSEWHERE = 120;
/** A terminal narrower than that is written to as if it had so many; nothing readable fits into fewer. */
export const NARROWEST = 40;

/** Columns that a stream shows. */
export function columnsOf({ isTTY, columns }: Pick<NodeJS.WriteStream, "isTTY" | "columns">): number {
  // Some terminals say 0: they don't know.
  return isTTY && columns > 0 ? Math.max(columns, NARROWEST) : ELSEWHERE;
}

const NARROW = /^[\x20-\x7e]*$/;
const NOTHING = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]$/u;
/** East Asian wide and full-width characters, and pictures that are drawn two columns wide. */
const WIDE = new RegExp(
  `^[${[
    String.raw`\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f`,
    String.raw`\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}\p{Emoji_Presentation}`,
  ].join("")}]$`,
  "u",
);

/** Columns that a text takes. */
export function width(text: string): number {
  if (NARROW.test(text)) return text.length;
  return characters(text).reduce((sum, character) => sum + widthOf(character), 0);
}

/** What a reader sees as one character: letters with their accents, joined pictures. */
function characters(text: string): string[] {
  return NARROW.test(text) ? [...text] : Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

function widthOf(character: string): number {
  return [...character].reduce((most, point) => Math.max(most, NOTHING.test(point) ? 0 : WIDE.test(point) ? 2 : 1), 0);
}

/** Columns below which the end of a joined name tells nothing. */
const TELLING = 12;

/**
 * A text in at most `most` columns: the middle gives way to "…". Of names that a converter has joined by ";", the first
 * is what people know the layer by: it is kept whole if it fits, and alone if little else does.
 */
export function elide(text: string, most: number): string {
  if (width(text) <= most) return text;
  const end = text.indexOf(";");
  const first = end < 0 ? "" : text.slice(0, end + 1);
  if (first !== "" && width(first) + 1 + TELLING > most) {
    return `${elide(first.slice(0, -1), Math.max(most - 2, 1))};…`;
  }
  const all = characters(text);
  const head = taken(all, Math.max(width(first), Math.floor((most - 1) / 2)));
  const tail = taken(all.slice(head.length).reverse(), most - 1 - width(head.join("")));
  return `${head.join("")}…${tail.reverse().join("")}`;
}

/** As many characters from the front as fit. */
function taken(from: readonly string[], columns: number): string[] {
  let [end, used] = [0, 0];
  for (const character of from) {
    used += widthOf(character);
    if (used > columns) break;
    end++;
  }
  return from.slice(0, end);
}

/** A space at which {@link wrap} breaks no line; it comes out as a plain one. */
export const TIED = "\u00a0";

/**
 * Breaks the lines of a text at spaces, so that `indent` columns and a line fit into `columns`; further lines begin
 * with the indent.
 */
export function wrap(text: string, columns: number, indent = 0): string {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    const [first = "", ...words] = paragraph.split(" ");
    lines.push(first);
    for (const word of words) {
      const longer = `${lines.at(-1)} ${word}`;
      if (indent + width(longer) <= columns) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
  }
  return lines.join(`\n${" ".repeat(indent)}`).replaceAll(TIED, " ");
}
