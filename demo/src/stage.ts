/** The picture or the camera as it is shown, with what is drawn over it. */
import { byId, setText } from "./dom.ts";

const figure = byId("stage", HTMLElement);
const image = byId("picture", HTMLImageElement);
const video = byId("video", HTMLVideoElement);
const canvas = byId("overlay", HTMLCanvasElement);
const rate = byId("rate", HTMLElement);

let address: string | undefined;

/** What is on the stage; its pixels are what networks are asked about. */
export function shown(): HTMLImageElement | HTMLVideoElement {
  return video.hidden ? image : video;
}

/** Its size, in pixels of its own. */
export function sizeOf(source: HTMLImageElement | HTMLVideoElement): readonly [width: number, height: number] {
  return source instanceof HTMLVideoElement
    ? [source.videoWidth, source.videoHeight]
    : [source.naturalWidth, source.naturalHeight];
}

function fit(): void {
  const [width, height] = sizeOf(shown());
  if (width > 0 && height > 0) figure.style.setProperty("--ratio", String(width / height));
}

/**
 * Shows a picture.
 * @throws where the browser cannot decode it
 */
export async function showPicture(source: string | Blob, text: string): Promise<void> {
  const next = typeof source === "string" ? source : URL.createObjectURL(source);
  const trial = new Image();
  trial.src = next;
  try {
    await trial.decode();
  } catch (cause) {
    if (next !== source) URL.revokeObjectURL(next);
    throw new Error("This browser cannot show that file as a picture.", { cause });
  }
  if (address !== undefined) URL.revokeObjectURL(address);
  address = next === source ? undefined : next;
  image.src = next;
  image.alt = text;
  await image.decode();
  video.hidden = true;
  image.hidden = false;
  setText(rate, "");
  clearOverlay();
  fit();
}

/** Shows a camera; resolves with its first frame. */
export async function showCamera(stream: MediaStream, mirrored: boolean): Promise<HTMLVideoElement> {
  video.srcObject = stream;
  video.classList.toggle("mirrored", mirrored);
  await video.play();
  image.hidden = true;
  video.hidden = false;
  clearOverlay();
  fit();
  return video;
}

export function hideCamera(): void {
  video.srcObject = null;
  video.hidden = true;
  image.hidden = false;
  setText(rate, "");
  clearOverlay();
  fit();
}

/** Frames a second and milliseconds a frame, in the picture's corner. */
export function showRate(text: string): void {
  setText(rate, text);
}

/** The overlay, cleared, in pixels of the picture. */
export function overlay(): {
  readonly context: CanvasRenderingContext2D;
  readonly scale: number;
  readonly mirrored: boolean;
  readonly width: number;
} {
  const [width, height] = sizeOf(shown());
  const { clientWidth, clientHeight } = canvas;
  const dense = Math.min(devicePixelRatio, 2);
  const size = [Math.round(clientWidth * dense), Math.round(clientHeight * dense)] as const;
  if (canvas.width !== size[0]) canvas.width = size[0];
  if (canvas.height !== size[1]) canvas.height = size[1];
  const context = canvas.getContext("2d")!;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.scale(canvas.width / width, canvas.height / height);
  const mirrored = shown() === video && video.classList.contains("mirrored");
  return { context, scale: width / clientWidth, mirrored, width };
}

function clearOverlay(): void {
  canvas.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
}

/** Told where what is drawn has another size, and must be drawn again. */
export function onResize(act: () => void): void {
  new ResizeObserver(act).observe(figure);
}

if (image.complete) fit();
else image.addEventListener("load", fit, { once: true });
