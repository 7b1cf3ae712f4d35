/** A film for Chromium's camera that is none: a photograph that moves a little, as raw YUV 4:2:0. */
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { ROOT } from "./tools.mjs";

const [WIDTH, HEIGHT, RATE, FRAMES] = [640, 480, 60, 30];

/** Luma, and both chromas at half the size, of one frame (BT.601). */
function frame(rgb) {
  const chroma = (WIDTH * HEIGHT) / 4;
  const out = new Uint8Array(WIDTH * HEIGHT + 2 * chroma);
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    const [r, g, b] = [rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]];
    out[i] = 16 + 0.257 * r + 0.504 * g + 0.098 * b;
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    if (x % 2 === 1 || y % 2 === 1) continue;
    const at = WIDTH * HEIGHT + (y / 2) * (WIDTH / 2) + x / 2;
    out[at] = 128 - 0.148 * r - 0.291 * g + 0.439 * b;
    out[at + chroma] = 128 + 0.439 * r - 0.368 * g - 0.071 * b;
  }
  return out;
}

/** Writes it; 60 frames a second, 640 × 480. */
export async function writeVideo(photograph, file) {
  const { decodeImage, toInput } = await import(pathToFileURL(`${ROOT}dist/index.js`).href);
  const picture = await decodeImage(readFileSync(photograph));
  const parts = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${RATE}:1 Ip A1:1 C420mpeg2\n`)];
  for (let i = 0; i < FRAMES; i++) {
    const shift = Math.round(20 * Math.sin((2 * Math.PI * i) / FRAMES));
    const crop = [40 + shift, 20, picture.width - 80, picture.height - 40];
    const rgb = await toInput(picture, { width: WIDTH, height: HEIGHT, crop, normalization: { mean: 0, std: 1 } });
    parts.push(Buffer.from("FRAME\n"), Buffer.from(frame(rgb)));
  }
  writeFileSync(file, Buffer.concat(parts));
}
