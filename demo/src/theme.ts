/** Light, dark, or as the system has it. */
import { byId, setText } from "./dom.ts";

const THEMES = ["system", "light", "dark"] as const;
const KEY = "sepconv-theme";
const button = byId("theme", HTMLButtonElement);

function show(theme: string): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  setText(button, `Theme: ${theme}`);
}

/** Storage may be denied to a page. */
function stored(): string {
  try {
    return localStorage.getItem(KEY) ?? "system";
  } catch {
    return "system";
  }
}

let theme = stored();
show(theme);
button.addEventListener("click", () => {
  theme = THEMES[(THEMES.indexOf(theme as "system") + 1) % THEMES.length]!;
  show(theme);
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It holds until the page is left.
  }
});
