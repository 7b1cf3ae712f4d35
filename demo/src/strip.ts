/** The pictures that were opened together, small, to be chosen among. */
import { byId, make } from "./dom.ts";

const list = byId("strip", HTMLUListElement);
let addresses: string[] = [];

export function showStrip(files: readonly File[], pick: (file: File) => void): void {
  for (const address of addresses.splice(0)) URL.revokeObjectURL(address);
  list.hidden = files.length < 2;
  if (list.hidden) {
    list.replaceChildren();
    return;
  }
  addresses = files.map((file) => URL.createObjectURL(file));
  list.replaceChildren(
    ...files.map((file, i) => {
      const button = make("button", { type: "button" });
      button.addEventListener("click", () => choose(button, file, pick));
      button.append(make("img", { src: addresses[i]!, alt: file.name, loading: "lazy" }));
      button.setAttribute("aria-pressed", String(i === 0));
      return make("li", {}, button);
    }),
  );
}

function choose(button: HTMLElement, file: File, pick: (file: File) => void): void {
  for (const other of list.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
  pick(file);
}
