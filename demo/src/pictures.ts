/** Files that come in: chosen, dropped or pasted, told apart as pictures and models. */
import { byId } from "./dom.ts";

const MODEL = /\.(tflite|lite|h5|hdf5|keras|onnx|safetensors|sepconv|wasm|json|bin|txt)$/i;

export interface Incoming {
  readonly pictures: readonly File[];
  readonly models: readonly File[];
}

/**
 * A file is a picture where the browser takes it for one, or where it is no model by its name. What comes with a model
 * belongs to it.
 */
export function sorted(files: Iterable<File>): Incoming {
  const all = [...files];
  const shown = all.filter(({ type }) => type.startsWith("image/"));
  const others = all.filter((file) => !shown.includes(file));
  return others.some(({ name }) => MODEL.test(name))
    ? { pictures: shown, models: others }
    : { pictures: all, models: [] };
}

/** Tells of every file that comes into the page. */
export function onFiles(take: (incoming: Incoming) => void): void {
  const input = byId("files", HTMLInputElement);
  input.addEventListener("change", () => {
    take(sorted(input.files ?? []));
    input.value = "";
  });
  byId("choose", HTMLButtonElement).addEventListener("click", () => choose("image/*"));

  let depth = 0;
  const over = (change: number) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle("dropping", depth > 0);
  };
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  addEventListener("dragenter", (event) => hasFiles(event) && over(1));
  addEventListener("dragleave", (event) => hasFiles(event) && over(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    over(-depth);
    take(sorted(event.dataTransfer?.files ?? []));
  });
  addEventListener("paste", (event) => {
    const { files } = event.clipboardData ?? {};
    if (files?.length) take(sorted(files));
  });
}

/** Opens the browser's own dialog. */
export function choose(accept: string): void {
  const input = byId("files", HTMLInputElement);
  input.accept = accept;
  input.click();
}
