/** Lines with a bar each, which are changed in place while numbers come in. */
import { make, setText } from "./dom.ts";

export interface Bar {
  readonly name: string;
  /** What is said at its end. */
  readonly value: string;
  /** 0 … 1. */
  readonly part: number;
}

/** Shows bars in a list. */
export function showBars(list: HTMLElement, bars: readonly Bar[]): void {
  while (list.children.length > bars.length) list.lastElementChild!.remove();
  bars.forEach((bar, i) => {
    const line = list.children[i] ?? list.appendChild(newLine());
    const [name, track, value] = line.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
    setText(name, bar.name);
    setText(value, bar.value);
    setPart(track, bar.part);
  });
}

function newLine(): HTMLLIElement {
  return make(
    "li",
    { className: "bar" },
    make("span", { className: "name" }),
    track(),
    make("span", { className: "value" }),
  );
}

/** An empty track. */
export function track(): HTMLSpanElement {
  const line = make("span", { className: "track" }, make("i"));
  line.setAttribute("aria-hidden", "true");
  return line;
}

/** Fills a track, 0 … 1. */
export function setPart(line: HTMLElement, part: number): void {
  (line.firstElementChild as HTMLElement).style.transform = `scaleX(${Math.max(0, Math.min(1, part)).toFixed(4)})`;
}
