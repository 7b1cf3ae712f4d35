/** Where the time goes, layer by layer: a table whose rows are bars. */
import type { ProfileRow } from "sepconv";
import { setPart, track } from "./bars.ts";
import { byId, make, setText } from "./dom.ts";
import { count, digits } from "./format.ts";

const place = byId("layers", HTMLElement);

/** What layers do, in as few kinds as can be told apart by color. */
const KINDS: readonly (readonly [kind: string, text: string, ops: RegExp])[] = [
  ["separable", "separable", /separable/i],
  ["depthwise", "depthwise", /depthwise/i],
  ["matrix", "convolution, dense", /conv|dense|matmul/i],
  ["rest", "everything else", /./],
];
const kindOf = (op: string) => KINDS.find(([, , ops]) => ops.test(op))![0];

/** What gives way on narrow screens. */
const CLASSES = ["number wide", "number wide"] as const;

let rows: readonly (readonly [track: HTMLElement, value: HTMLElement])[] = [];
let shownSteps = "";
const total = make("p", { className: "note" });

/** @param profile one row a layer, with the milliseconds that it takes */
export function showLayers(profile: readonly ProfileRow[]): void {
  const steps = profile.map(({ name }) => name).join("\n");
  if (steps !== shownSteps) {
    shownSteps = steps;
    lay(profile);
  }
  const longest = Math.max(...profile.map(({ ms }) => ms), 1e-9);
  profile.forEach(({ ms }, i) => {
    const [line, value] = rows[i]!;
    setPart(line, ms / longest);
    setText(value, digits(ms));
  });
  const sum = profile.reduce((all, { ms }) => all + ms, 0);
  const macs = profile.reduce((all, row) => all + row.macs, 0);
  const rate = (macs / sum / 1e6).toFixed(1);
  setText(total, `${profile.length} steps, ${count(macs)} multiply-adds, ${rate} of them a nanosecond.`);
}

function lay(profile: readonly ProfileRow[]): void {
  const table = make("table", { className: "steps" });
  table.createCaption().textContent = "Milliseconds of each layer";
  table
    .createTHead()
    .insertRow()
    .append(...["layer", "output", "multiply-adds", "time", "ms"].map(heading));
  const body = table.createTBody();
  const titles = distinct(profile.map(({ name }) => name));
  rows = profile.map(({ name, op, shape, macs }, i) => {
    const row = body.insertRow();
    row.dataset.kind = kindOf(op);
    const title = make("th", { scope: "row", textContent: titles[i]!, title: `${name}: ${op}` });
    const [line, value] = [track(), make("td", { className: "number" })];
    const numbers = [shape.slice(1).join("×"), macs ? count(macs) : "–"];
    row.append(title, ...numbers.map((text, at) => make("td", { className: CLASSES[at]!, textContent: text })));
    row.append(make("td", { className: "time" }, line), value);
    return [line, value] as const;
  });
  const kinds = new Set(profile.map(({ op }) => kindOf(op)));
  const legend = make("p", { className: "legend" });
  for (const [kind, text] of KINDS) {
    if (kinds.has(kind)) legend.append(make("span", { data: { kind }, textContent: text }));
  }
  const box = make("div", { className: "scroll", tabIndex: 0 }, table);
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", "Milliseconds of each layer");
  place.replaceChildren(total, legend, box);
}

function heading(text: string, column: number): HTMLTableCellElement {
  const className = ["", ...CLASSES, "", "number"][column]!;
  return make("th", { scope: "col", textContent: text, className });
}

/** What tells each name from the others: its parts without those that many have. */
function distinct(names: readonly string[]): string[] {
  const parts = names.map((name) => name.split("/").filter(Boolean));
  const many = new Map<string, number>();
  for (const part of parts.flatMap((all) => [...new Set(all)])) many.set(part, (many.get(part) ?? 0) + 1);
  return parts.map((all, i) => {
    const own = all.filter((part) => many.get(part)! <= names.length / 4).join("/") || all.slice(-2).join("/");
    return own || names[i]!;
  });
}
