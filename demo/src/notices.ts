/** What went wrong and what can be done about it, under the picture; read aloud when it appears. */
import { byId, make } from "./dom.ts";

const place = byId("notices", HTMLElement);

/** Topics, of which each has one notice at most. */
export type Topic = "camera" | "picture" | "model" | "worker" | "kernels" | "pause" | "teach";

/**
 * Shows a notice in place of the last one of its topic.
 * @param action a button's text, and what it does
 */
export function notice(
  topic: Topic,
  text: string,
  {
    kind = "error",
    action,
  }: {
    readonly kind?: "error" | "hint";
    readonly action?: readonly [text: string, act: () => void] | undefined;
  } = {},
): void {
  // What stands there already is not said again with each frame.
  if (place.querySelector(`[data-topic="${topic}"] p`)?.textContent === text) return;
  clear(topic);
  const line = make("div", { className: `notice ${kind}`, data: { topic } }, make("p", { textContent: text }));
  line.setAttribute("role", kind === "error" ? "alert" : "status");
  if (action) line.append(make("button", { type: "button", textContent: action[0], onclick: () => action[1]() }));
  const close = make("button", { type: "button", className: "close", textContent: "×", onclick: () => line.remove() });
  close.setAttribute("aria-label", "Dismiss this notice");
  line.append(close);
  place.append(line);
}

export function clear(topic: Topic): void {
  place.querySelector(`[data-topic="${topic}"]`)?.remove();
}
