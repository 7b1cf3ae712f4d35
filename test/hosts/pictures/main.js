/** One picture in every form that a page has it in: each gets its label, and what has no pixels a clear error. */
import { classify, decodeImage, detect, load, segment, toInput } from "./sepconv.js";

const picture = new URL("/picture.jpg", location.href);
const answers = {};

async function answer(name, task, expected = "blue") {
  const got = await task().catch((error) => `${error.name}: ${error.message}`);
  answers[name] = {
    got: expected instanceof RegExp && expected.test(got) ? "matches" : got,
    expected: expected instanceof RegExp ? "matches" : expected,
  };
}

/** A video of the picture, as a camera would give one. */
async function video(canvas) {
  const element = document.createElement("video");
  element.muted = true;
  element.srcObject = canvas.captureStream(30);
  const timer = setInterval(() => canvas.getContext("2d").drawImage(canvas, 0, 0), 20);
  await element.play();
  if (element.readyState < 2)
    await new Promise((resolve) => element.addEventListener("loadeddata", resolve, { once: true }));
  clearInterval(timer);
  return element;
}

async function main() {
  const net = await load(new URL("/colors.tflite", location.href));
  const label = (given) => async () => (await classify(net, await given)).classes[0].label;
  const bytes = new Uint8Array(await (await fetch(picture)).arrayBuffer());
  const bitmap = await createImageBitmap(new Blob([bytes]));
  const { width, height } = bitmap;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  const offscreen = new OffscreenCanvas(width, height);
  offscreen.getContext("2d").drawImage(bitmap, 0, 0);
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height);
  const image = Object.assign(new Image(), { src: picture.href });
  const webp = await offscreen.convertToBlob({ type: "image/webp", quality: 1 });
  const png = await offscreen.convertToBlob({ type: "image/png" });
  const frame = document.body.appendChild(document.createElement("iframe"));

  await answer("path", label("picture.jpg"));
  await answer("URL", label(picture));
  await answer("URL of another realm", label(new frame.contentWindow.URL(picture.href)));
  await answer("bytes", label(bytes));
  await answer("bytes of another realm", label(new frame.contentWindow.Uint8Array(bytes)));
  await answer("Blob", label(new Blob([bytes])));
  await answer("File", label(new File([bytes], "picture.jpg")));
  await answer("Response", label(fetch(picture)));
  await answer("ImageData", label(pixels));
  await answer("ImageBitmap", label(bitmap));
  await answer("image", label(image));
  await answer("image of another document", () =>
    label(Object.assign(new frame.contentWindow.Image(), { src: picture.href }))(),
  );
  await answer("canvas", label(canvas));
  await answer("offscreen canvas", label(offscreen));
  await answer("video", async () => label(video(canvas))());
  const shown = new VideoFrame(bitmap, { timestamp: 0 });
  await answer("VideoFrame", label(shown));
  shown.close();
  await answer("pixels", label({ data: pixels.data, width, height }));
  await answer("WebP", label(webp));
  await answer("PNG", label(png));
  await answer(
    "many",
    async () => (await classify(net, [picture, bitmap, canvas])).map(({ classes }) => classes[0].label).join(),
    "blue,blue,blue",
  );
  await answer(
    "the same input of a canvas as of its pixels",
    async () => {
      const options = { width: 16, height: 16, normalization: { mean: 0, std: 255 } };
      return String((await toInput(canvas, options)).join() === (await toInput(pixels, options)).join());
    },
    "true",
  );
  await answer(
    "size of a WebP",
    async () => {
      const { width, height } = await decodeImage(webp);
      return `${width}×${height}`;
    },
    "96×64",
  );
  await answer("closed frame", label(shown), /^StateError: .*closed/);
  await answer(
    "empty canvas",
    label(Object.assign(document.createElement("canvas"), { width: 0 })),
    /^StateError: .*0×/,
  );
  await answer("image that is not there", label(new Image()), /^LoadError: .*without a source/);
  await answer("video without a frame", label(document.createElement("video")), /^StateError/);
  const other = Object.assign(new Image(), { src: picture.href.replace("127.0.0.1", "localhost") });
  await answer("image of another origin", label(other), /^LoadError: .*crossorigin/);
  await answer("a number", label(5), /^TypeError: .*canvas/);
  await answer("detect", () => detect(net, canvas), /^UnsupportedError/);
  await answer("segment", () => segment(net, [canvas]), /^UnsupportedError/);
  globalThis.answers = answers;
}

main().catch((error) => {
  globalThis.answers = error.stack;
});
