/** What a network says, as a list; and, now and then, aloud. */
import type { Answer } from "./answers.ts";
import { showBars } from "./bars.ts";
import { byId, setText } from "./dom.ts";
import { percent } from "./format.ts";

const list = byId("seen", HTMLOListElement);
const note = byId("seen-note", HTMLElement);
const spoken = byId("spoken", HTMLElement);

/** Milliseconds between two sentences of the screen reader. */
const PAUSE = 2500;
let said = -PAUSE;
let waiting: ReturnType<typeof setTimeout> | undefined;

/** Says it once there was a pause; of what comes meanwhile, the last. */
export function speak(text: string): void {
  clearTimeout(waiting);
  const wait = Math.max(0, said + PAUSE - performance.now());
  waiting = setTimeout(() => {
    said = performance.now();
    setText(spoken, text);
  }, wait);
}

/** @param what "face", where a detector knows one class without a name */
export function showSeen(answer: Answer, what: string): void {
  if (answer.kind === "boxes") {
    const { found } = answer;
    showBars(
      list,
      found.slice(0, 8).map(({ label, score }, i) => ({
        ...{ name: label && label !== what ? label : `${what} ${i + 1}`, value: percent(score), part: score },
      })),
    );
    const many = found.length === 1 ? `1 ${what}` : `${found.length || "No"} ${what}s`;
    setText(note, found.length > 0 ? `${many} found.` : `${many} found. Try another picture, or come nearer.`);
    speak(found.length > 0 ? `${many}, ${found.map(({ score }) => percent(score)).join(", ")}` : many);
  } else if (answer.kind === "classes") {
    const { classes, range } = answer;
    const nameOf = ({ label, index }: (typeof classes)[number]) => label ?? `class ${index}`;
    showBars(
      list,
      // What rounds to nothing is no answer.
      classes
        .filter(({ score }, i) => i === 0 || score >= 0.005)
        .map((one) => ({ name: nameOf(one), value: percent(one.score), part: one.score })),
    );
    const assumed = range.from === "assumed" ? " Pixels are taken as [−1, 1]: the file does not say." : "";
    setText(note, `The likeliest classes.${assumed}`);
    speak(classes.length > 0 ? `${nameOf(classes[0]!)}, ${percent(classes[0]!.score)}` : "");
  } else if (answer.kind === "poses") {
    const { poses } = answer;
    showBars(
      list,
      poses.map(({ score }, i) => ({ name: `person ${i + 1}`, value: percent(score), part: score })),
    );
    setText(note, poses.length > 0 ? "Key points of people." : "Nobody found.");
    speak(poses.length === 1 ? "1 person" : `${poses.length || "No"} people`);
  } else if (answer.kind === "segments") {
    const { segments } = answer.map;
    const nameOf = ({ label, index }: (typeof segments)[number]) => label ?? `class ${index}`;
    showBars(
      list,
      segments.slice(0, 6).map((one) => ({ name: nameOf(one), value: percent(one.share), part: one.share })),
    );
    setText(note, "Classes of the pixels, and their parts of the picture.");
    speak(segments.map((one) => `${nameOf(one)}, ${percent(one.share)}`).join(", "));
  } else {
    showBars(list, []);
    setText(note, answer.why);
    speak("");
  }
}

export function showLoading(name: string): void {
  showBars(list, []);
  setText(note, `Loading ${name} …`);
}

export function showNothing(why: string): void {
  showBars(list, []);
  setText(note, why);
}
