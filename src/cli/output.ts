/**
 * What the command line prints: text or JSON on stdout, one line an error on stderr, colors only on a terminal.
 * @module
 */
import process from "node:process";

/**
 * Prints text for people (nothing when there is none), or one JSON document when `json` is set (indented on a terminal,
 * one line elsewhere).
 */
export function print(value: { readonly json: unknown; readonly text: () => string }, json: boolean): void {
  const text = json ? JSON.stringify(value.json, null, process.stdout.isTTY ? 2 : undefined) : value.text();
  if (text !== "") process.stdout.write(`${text}\n`);
}

/** Prints `sepconv: message` on stderr, in one line whatever the message holds, or the stack with `--debug`. */
export function printError(error: unknown, debug = false): void {
  const text = debug && error instanceof Error ? stackOf(error) : message(error);
  process.stderr.write(`${paint(process.stderr).red("sepconv:")} ${text}\n`);
}

/** An error's message in one printable line. */
export function message(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return printable(text.trim().replace(/\s*[\r\n]+\s*/g, " "));
}

function stackOf(error: Error): string {
  const stack = error.stack ?? error.message;
  return error.cause instanceof Error ? `${stack}\ncaused by ${stackOf(error.cause)}` : stack;
}

/**
 * Names come out of files that anyone may have made: what steers a terminal must not reach it, nor what breaks a line
 * or turns the direction of all that follows.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, "�");
}

/** Text in color when `stream` is a terminal and `NO_COLOR` is not set; plain otherwise. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
}

/** The colors that `stream` may have: see https://no-color.org. */
export function paint(stream: NodeJS.WriteStream): Paint {
  const { NO_COLOR, TERM } = process.env;
  const colored = stream.isTTY === true && (NO_COLOR ?? "") === "" && TERM !== "dumb";
  const wrap = (on: number, off: number) => (text: string) => (colored ? `\x1b[${on}m${text}\x1b[${off}m` : text);
  return { bold: wrap(1, 22), dim: wrap(2, 22), red: wrap(31, 39) };
}
