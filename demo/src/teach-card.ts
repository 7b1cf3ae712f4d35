/** New classes out of what is on the stage: the network's features, and the examples that are most like them. */
import type { PictureLike } from "sepconv";
import { KNNClassifier } from "sepconv/learn";
import { embed } from "sepconv/worker";
import { setPart, track } from "./bars.ts";
import { byId, make, setText } from "./dom.ts";
import { type Engine, Outdated } from "./engine.ts";
import { percent } from "./format.ts";
import { clear, notice } from "./notices.ts";
import { speak } from "./seen.ts";

const form = byId("teach", HTMLFormElement);
const field = byId("class-name", HTMLInputElement);
const add = byId("add", HTMLButtonElement);
const list = byId("taught", HTMLUListElement);
const tools = byId("teach-tools", HTMLElement);
const note = byId("teach-note", HTMLElement);

/** Milliseconds between the examples that are taken while the button is held. */
const EVERY = 180;

export class Teacher {
  readonly #engine: Engine;
  readonly #stage: () => PictureLike;
  readonly #known = new Map<string, KNNClassifier>();
  #held: ReturnType<typeof setInterval> | undefined;
  #lines = new Map<string, { readonly line: HTMLElement; readonly track: HTMLElement; readonly value: HTMLElement }>();
  #last = "";

  constructor(engine: Engine, stage: () => PictureLike) {
    this.#engine = engine;
    this.#stage = stage;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add();
    });
    // Held down, it takes one example after the other; a press that is short is a submission.
    add.addEventListener("pointerdown", () => {
      if (field.value.trim()) this.#held = setInterval(() => this.#add(), EVERY);
    });
    for (const end of ["pointerup", "pointerleave", "pointercancel"] as const) {
      add.addEventListener(end, () => clearInterval(this.#held));
    }
    byId("forget", HTMLButtonElement).addEventListener("click", () => {
      this.#known.delete(this.#key);
      this.show();
    });
    byId("save", HTMLButtonElement).addEventListener("click", () => this.#save());
  }

  get #key(): string {
    return this.#engine.network?.key ?? "";
  }

  get #classes(): KNNClassifier | undefined {
    return this.#known.get(this.#key);
  }

  #features(picture: PictureLike): Promise<Float32Array> {
    const { features, normalization } = this.#engine.network ?? {};
    const range = normalization && { normalization };
    return this.#engine.ask((session) => embed(session, picture, { endPoint: features, ...range }));
  }

  async #add(): Promise<void> {
    const label = field.value.trim();
    if (label === "") return;
    clear("teach");
    const key = this.#key;
    try {
      const vector = await this.#features(this.#stage());
      const classes = this.#known.get(key) ?? new KNNClassifier();
      classes.add(label, vector);
      this.#known.set(key, classes);
      this.show();
      speak(`${label}: ${classes.count(label)} examples`);
    } catch (error) {
      if (!(error instanceof Outdated)) notice("teach", `Nothing was learned: ${(error as Error).message}`);
    }
  }

  /** Asks which class a picture is of, where there are any. */
  async ask(picture: PictureLike): Promise<void> {
    const classes = this.#classes;
    if (classes === undefined || classes.labels.length < 1) return;
    // No class may lose for want of examples: of the nearest, as many are asked as the smallest class could outvote.
    const least = Math.min(...classes.labels.map((label) => classes.count(label)));
    const predictions = classes.predict(await this.#features(picture), { k: Math.min(5, 2 * least - 1) });
    for (const { label, score } of predictions) {
      const line = this.#lines.get(label);
      if (line === undefined) continue;
      setPart(line.track, score);
      line.line.classList.toggle("best", label === predictions[0]!.label && classes.labels.length > 1);
      setText(line.value, classes.labels.length > 1 ? percent(score) : "");
    }
    const [first] = predictions;
    if (classes.labels.length > 1 && first!.label !== this.#last) {
      this.#last = first!.label;
      speak(`It looks like ${first!.label}`);
    }
  }

  /** Lays out the classes of the network that is in use. */
  show(): void {
    const classes = this.#classes;
    const labels = classes?.labels ?? [];
    this.#lines = new Map();
    const lines = labels.map((label) => {
      const bar = track();
      const value = make("span", { className: "value" });
      const remove = make("button", { type: "button", className: "close", textContent: "×" });
      remove.setAttribute("aria-label", `Forget ${label}`);
      remove.addEventListener("click", () => {
        classes!.remove(label);
        this.show();
        field.focus();
      });
      const many = make("small", { textContent: String(classes!.count(label)), title: "examples" });
      const name = make("span", { className: "name" }, label, " ", many);
      const line = make("li", { className: "bar" }, name, bar, value, remove);
      this.#lines.set(label, { line, track: bar, value });
      return line;
    });
    list.replaceChildren(...lines);
    tools.hidden = labels.length === 0;
    if (labels.length === 1) setText(note, "Now name another thing, show it, and add a few examples.");
    else if (labels.length > 1) setText(note, "The likeliest of your classes, by the examples that are most alike.");
    else setText(note, "Name something, show it, and add a few examples. Then another thing.");
  }

  #save(): void {
    const classes = this.#classes;
    if (classes === undefined) return;
    const link = make("a", { href: URL.createObjectURL(new Blob([classes.save()])), download: "classes.sepconv-knn" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  /**
   * Takes classes that were saved.
   * @throws FormatError for another file, ShapeError where they were learned from another network
   */
  async restore(file: Blob): Promise<void> {
    const classes = KNNClassifier.load(new Uint8Array(await file.arrayBuffer()));
    // Says at once where they are not about this network's features.
    if (classes.labels.length > 0) classes.predict(await this.#features(this.#stage()));
    this.#known.set(this.#key, classes);
    this.show();
  }
}
