/**
 * What is in the way of a model that is sound but not supported: all of it, with the names of the nodes.
 * @module
 */
import { basename } from "node:path";
import process from "node:process";
import type { Blocker } from "../errors.ts";
import { paint, print, printable, printError } from "./output.ts";
import { columnsOf, wrap } from "./width.ts";

/** Columns in front of names. */
const INDENT = 2;

/** Prints all blockers on stdout and one line on stderr; the exit code will be 1. */
export function printBlockers(model: string, blockers: readonly Blocker[], json: boolean): void {
  print({ json: { blockers }, text: () => report(blockers) }, json);
  const nodes = blockers.reduce((sum, each) => sum + each.nodes.length, 0);
  const ops = blockers.length === 1 ? "one operator or setting" : `${blockers.length} operators or settings`;
  printError(`${basename(model)}: expected what sepconv has, got ${ops} that it has not, in ${nodes} nodes`);
  process.exitCode = 1;
}

/** Those that the most nodes ask for first. */
function report(blockers: readonly Blocker[]): string {
  const { bold } = paint(process.stdout);
  const room = columnsOf(process.stdout);
  const sorted = blockers.toSorted((a, b) => b.nodes.length - a.nodes.length);
  return sorted
    .map(({ what, nodes }) => {
      const names = wrap(nodes.map(printable).join(", "), room, INDENT);
      return `${bold(printable(what))}  × ${nodes.length}\n${" ".repeat(INDENT)}${names}`;
    })
    .join("\n");
}
