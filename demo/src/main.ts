/** The page: what is on the stage goes to the worker, and what comes back is shown. */
import "./theme.ts";
import type { WorkerSession } from "sepconv/worker";
import { type Answer, answerOf } from "./answers.ts";
import { cameras, openCamera } from "./camera.ts";
import { byId, make, setText } from "./dom.ts";
import { Engine, Outdated, type Variant } from "./engine.ts";
import { bytes, milliseconds } from "./format.ts";
import { kernelsCard, showTimes, showVariant } from "./kernels-card.ts";
import { showLayers } from "./layers-card.ts";
import { eachFrame, Rate } from "./loop.ts";
import { showMemory } from "./memory-card.ts";
import { Meter } from "./meter.ts";
import { networkCard, showNetwork } from "./network-card.ts";
import { at, drawn, faces, type Network, own } from "./networks.ts";
import { clear, notice } from "./notices.ts";
import { keepOffline } from "./offline.ts";
import { draw } from "./overlay.ts";
import { type Incoming, onFiles } from "./pictures.ts";
import { showLoading, showNothing, showSeen } from "./seen.ts";
import { hideCamera, onResize, showCamera, shown, showPicture, showRate } from "./stage.ts";
import { showStrip } from "./strip.ts";
import { Teacher } from "./teach-card.ts";

const cameraButton = byId("camera", HTMLButtonElement);
const facts = byId("facts", HTMLElement);
const device = byId("device", HTMLSelectElement);

let last: Answer | undefined;
let session: WorkerSession | undefined;
let offline = false;

const engine = new Engine((why, again) => {
  const text = `The worker that computes the network ended: ${why}.`;
  if (again) {
    notice("worker", `${text} Another was started.`, { kind: "hint" });
    engine.network && use(engine.network);
  } else {
    const action = ["Start again", () => engine.network && use(engine.network)] as const;
    notice("worker", `${text} It ended too often to be started by itself.`, { action });
    showNothing("No worker is running.");
  }
});
const meter = new Meter(engine, ({ times, layers }) => {
  showTimes(times);
  const ms = session && times.get(session.variant);
  if (ms && !stream) showRate(`${milliseconds(ms)} a picture`);
  if (layers.length > 0) showLayers(layers);
});
const teacher = new Teacher(engine, shown);

/**
 * Opens a network, and looks at what is on the stage with it.
 * @param instead what is opened where that fails; why it failed goes on standing there
 */
async function use(network: Network, instead?: Network, failed = false): Promise<void> {
  showLoading(network.name);
  showNetwork(network);
  if (!failed) clear("model");
  try {
    session = await engine.open(network);
  } catch (error) {
    if (error instanceof Outdated) return;
    session = undefined;
    draw(undefined);
    showNothing("No network is loaded.");
    notice("model", `${network.name}: ${(error as Error).message}`);
    if (instead) await use(instead, undefined, true);
    return;
  }
  document.documentElement.dataset.network = network.key;
  showSession();
  teacher.show();
  await look();
}

function showSession(): void {
  const { variant, memory } = session!;
  const words = [variant, bytes(memory.total), ...(offline ? ["works offline"] : [])];
  setText(facts, words.join(" · "));
  if (variant === "scalar" && engine.current === "best") {
    notice("kernels", "This browser has no WebAssembly SIMD: the scalar kernels run, several times slower.", {
      kind: "hint",
    });
  }
  showVariant(variant);
  showMemory(session!);
  meter.begin(variant);
}

/** Asks about what is on the stage. */
async function look(): Promise<void> {
  const { network } = engine;
  const stage = shown();
  if (network === undefined || session === undefined) return;
  try {
    const start = performance.now();
    const answer = await engine.ask((one) => answerOf(one, network, stage));
    if (stage !== shown()) return;
    last = answer;
    draw(answer);
    showSeen(answer, network.key === "faces" ? "face" : "thing");
    if (answer.kind === "boxes" && answer.found.length > 0) markFirst();
    const ms = performance.now() - start;
    document.documentElement.dataset.frames = String(++frames);
    if (stage instanceof HTMLVideoElement) {
      const perSecond = rate.add();
      document.documentElement.dataset.rate = perSecond.toFixed(1);
      showRate(`${perSecond.toFixed(0)} frames/s · ${milliseconds(ms)}`);
    }
    await teacher.ask(stage);
  } catch (error) {
    if (!(error instanceof Outdated)) notice("picture", (error as Error).message);
  }
}

/** For whoever measures: from the opening of the page to the first box. */
function markFirst(): void {
  if (performance.getEntriesByName("first box").length === 0) performance.mark("first box");
}

let frames = 0;
let rate = new Rate();
let stream: MediaStream | undefined;
let stopFrames: (() => void) | undefined;

async function startCamera(id?: string): Promise<void> {
  clear("camera");
  cameraButton.disabled = true;
  try {
    stopCamera();
    const camera = await openCamera(id);
    stream = camera.stream;
    camera.stream.getVideoTracks()[0]!.addEventListener("ended", () => {
      stopCamera();
      notice("camera", "The camera went away. Plug it in again, or choose another.");
    });
    const video = await showCamera(camera.stream, camera.mirrored);
    rate = new Rate();
    stopFrames = eachFrame(video, look);
    meter.live(true);
    setText(cameraButton, "Stop the camera");
    cameraButton.setAttribute("aria-pressed", "true");
    showStrip([], () => {});
    await showDevices(camera.device);
  } catch (error) {
    stopCamera();
    notice("camera", (error as Error).message);
  } finally {
    cameraButton.disabled = false;
  }
}

function stopCamera(): void {
  stopFrames?.();
  stopFrames = undefined;
  for (const track of stream?.getTracks() ?? []) track.stop();
  if (stream === undefined) return;
  stream = undefined;
  hideCamera();
  meter.live(false);
  setText(cameraButton, "Use the camera");
  cameraButton.setAttribute("aria-pressed", "false");
  delete document.documentElement.dataset.rate;
  look();
}

async function showDevices(used: string | undefined): Promise<void> {
  const all = await cameras();
  byId("cameras", HTMLElement).hidden = all.length < 2;
  device.replaceChildren(
    ...all.map(({ id, name }) => make("option", { value: id, textContent: name, selected: id === used })),
  );
}

async function lookAt(picture: string | Blob, text: string): Promise<void> {
  clear("picture");
  if (stream) stopCamera();
  try {
    await showPicture(picture, text);
  } catch (error) {
    const name = picture instanceof File ? `${picture.name}: ` : "";
    notice("picture", `${name}${(error as Error).message} JPEG, PNG, WebP, GIF and BMP are pictures that it can show.`);
    return;
  }
  await look();
}

async function take({ pictures, models }: Incoming): Promise<void> {
  const saved = pictures.filter(({ name }) => name.endsWith(".sepconv-knn"));
  for (const file of saved) {
    teacher.restore(file).then(look, (error) => notice("teach", `${file.name}: ${error.message}`));
  }
  const images = pictures.filter((file) => !saved.includes(file));
  if (models.length > 0) await own(models).then(use, (error) => notice("model", error.message));
  if (images.length > 0) {
    showStrip(images, (file) => lookAt(file, file.name));
    await lookAt(images[0]!, images[0]!.name);
  }
}

function chooseVariant(variant: Variant): void {
  engine.current = variant;
  clear("kernels");
  engine.session().then(
    (one) => {
      session = one;
      showSession();
      look();
    },
    (error) => error instanceof Outdated || notice("kernels", error.message),
  );
}

cameraButton.addEventListener("click", () => (stream ? stopCamera() : startCamera()));
device.addEventListener("change", () => startCamera(device.value));
byId("example", HTMLButtonElement).addEventListener("click", () => {
  showStrip([], () => {});
  lookAt("./photo.jpg", "The example: a photograph of people");
});
onFiles(take);
onResize(() => draw(last));
kernelsCard(chooseVariant);
networkCard((network) => use(network));
addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  rate = new Rate();
  if (!stream) look();
});
keepOffline(() => {
  offline = true;
  if (session) showSession();
});

if (typeof WebAssembly === "undefined") {
  showNothing("No network can run here.");
  notice(
    "kernels",
    "This browser runs no WebAssembly: it is switched off, or too old. Switch it on, or open the page in a current Chromium, Firefox or Safari.",
  );
} else {
  const model = new URLSearchParams(location.search).get("model");
  if (model) at(model).then(use);
  // The network of the faces may be missing where the page was put together by hand: MobileNet needs no file.
  else use(faces(), drawn(0.25, 128));
}
