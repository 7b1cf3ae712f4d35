/** Which network: faces, MobileNet v1 by width and resolution, one of the folder's models, or a file of one's own. */
import { cost, mobilenetV1 } from "sepconv";
import { byId, make, setText } from "./dom.ts";
import { count } from "./format.ts";
import { ALPHAS, at, drawn, faces, type Network, RESOLUTIONS } from "./networks.ts";
import { choose } from "./pictures.ts";

const tabs = byId("networks", HTMLElement);
const body = byId("network-body", HTMLElement);

type Tab = "faces" | "mobilenet" | "own";
const TABS: readonly (readonly [Tab, string])[] = [
  ["faces", "Faces"],
  ["mobilenet", "MobileNet v1"],
  ["own", "Your own"],
];

let picked: (network: Network) => void = () => {};
let size: readonly [alpha: number, resolution: number] = [0.25, 128];

/** @param pick is told what is picked */
export function networkCard(pick: (network: Network) => void): void {
  picked = pick;
  for (const [tab, text] of TABS) {
    const input = make("input", { type: "radio", name: "network", value: tab });
    input.addEventListener("change", () => choosing(tab));
    tabs.append(make("label", { className: "tab" }, input, make("span", { textContent: text })));
  }
}

function choosing(tab: Tab): void {
  if (tab === "faces") picked(faces());
  else if (tab === "mobilenet") picked(drawn(...size));
  else showTab("own");
}

/** Shows which network is in use. */
export function showNetwork(network: Network): void {
  showTab(network.key === "faces" ? "faces" : network.drawn ? "mobilenet" : "own", network);
}

function showTab(tab: Tab, network?: Network): void {
  for (const input of tabs.querySelectorAll("input")) input.checked = input.value === tab;
  // The grid of sizes stays as it is, with the focus that may be in it.
  if (tab === "mobilenet" && body.querySelector(".sizes")) return;
  body.replaceChildren();
  if (tab === "mobilenet") body.append(sizes());
  if (tab === "own") body.append(...ownModels(network));
  body.append(make("p", { className: "note", textContent: network?.about ?? OWN }));
}

const OWN = "TFLite, Keras, ONNX, safetensors, TF.js; a .txt beside it names its classes. It stays in this page.";

/** Widths by resolutions, each with the multiply-adds of an inference in millions. */
function sizes(): HTMLElement {
  const table = make("table", { className: "sizes" });
  const head = table.createTHead().insertRow();
  head.append(make("th", { textContent: "α", scope: "col" }));
  for (const resolution of RESOLUTIONS) head.append(make("th", { textContent: `${resolution}²`, scope: "col" }));
  const rows = table.createTBody();
  for (const alpha of ALPHAS) {
    const row = rows.insertRow();
    row.append(make("th", { textContent: String(alpha), scope: "row" }));
    for (const resolution of RESOLUTIONS) row.insertCell().append(cell(alpha, resolution));
  }
  table.createCaption().textContent = "Multiply-adds of one picture, by width and resolution";
  return table;
}

function cell(alpha: number, resolution: number): HTMLElement {
  const { macs } = cost(mobilenetV1({ alpha, resolution, classes: 1000 }));
  const input = make("input", { type: "radio", name: "size", checked: `${size}` === `${[alpha, resolution]}` });
  input.setAttribute("aria-label", `α ${alpha}, ${resolution} × ${resolution}, ${count(macs)} multiply-adds`);
  input.addEventListener("change", () => {
    size = [alpha, resolution];
    picked(drawn(alpha, resolution));
  });
  return make("label", {}, input, make("span", { textContent: count(macs) }));
}

function ownModels(network: Network | undefined): HTMLElement[] {
  const open = make("button", { type: "button", textContent: "Open a model …", onclick: () => choose("") });
  const name = make("p", { className: "model", textContent: network?.name ?? "" });
  const list = make("div", { className: "controls" });
  // What `npm run demo:page -- --models` put beside the page.
  listed().then((names) => {
    for (const file of names) {
      const pick = async () => picked(await at(`./models/${file}`));
      list.append(make("button", { type: "button", textContent: file, onclick: pick }));
    }
  });
  return [make("div", { className: "controls" }, open, name), list];
}

async function listed(): Promise<readonly string[]> {
  const response = await fetch("./models.json").catch(() => undefined);
  const names: unknown = response?.ok ? await response.json().catch(() => []) : [];
  return Array.isArray(names) ? names.filter((name) => !/\.(txt|bin)$/i.test(name)) : [];
}

export function sayLoaded(text: string): void {
  setText(byId("facts", HTMLElement), text);
}
