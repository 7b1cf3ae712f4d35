/**
 * `npm run demo`: finds the faces in the six photographs that the npm package @vladmandic/face-api ships, with the
 * detector that it ships, whose backbone is a pretrained MobileNet v1. Prints what it found and writes annotated
 * pictures to demo-output/.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeImage, detect, load, toInput } from "sepconv";
import { annotate, drawText, encodePng, fillRounded, textWidth } from "sepconv/annotate";

const home = dirname(createRequire(import.meta.url).resolve("@vladmandic/face-api/package.json"));
const folder = fileURLToPath(new URL("../demo-output/", import.meta.url));
const NAMES = [1, 2, 3, 4, 5, 6].map((i) => `sample${i}.jpg`);
const REPEATS = 5;

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
const milliseconds = (ms) => `${Math.round(ms)} ms`;

const start = performance.now();
const net = await load(join(home, "model/ssd_mobilenetv1_model-weights_manifest.json"));
const loaded = performance.now() - start;

const { weights, arena, total } = net.memory;
const [, height, width] = net.inputs[0].shape;
console.log(`Face detector on MobileNet v1 (α = 1, ${width}×${height}), pretrained, from @vladmandic/face-api`);
console.log(`variant ${net.variant} · ready in ${milliseconds(loaded)}`);
console.log(`memory ${megabytes(total)}, fixed: weights ${megabytes(weights)}, activations ${megabytes(arena)}\n`);

/**
 * The answer, and milliseconds of the first run and of the median of further ones: resize, network and decoding
 * together.
 */
async function timed(task) {
  const times = [];
  let answer;
  for (let i = 0; i <= REPEATS; ++i) {
    const begin = performance.now();
    answer = await task();
    times.push(performance.now() - begin);
  }
  const [first, ...rest] = times;
  return { answer, first, steady: rest.sort((a, b) => a - b)[REPEATS >> 1] };
}

const photos = [];
for (const name of NAMES) {
  const bitmap = await decodeImage(await readFile(join(home, "demo", name)), { name });
  const { answer, first, steady } = await timed(() => detect(net, bitmap));
  photos.push({ name, bitmap, faces: answer, first, steady });
}

const columns = ["image", "size", "faces", "score", "x", "y", "width", "height", "first run", "steady"];
const rows = photos.flatMap(({ name, bitmap, faces, first, steady }) => {
  const found = faces.map(({ score, box }) => [score.toFixed(3), ...box.map((value) => String(Math.round(value)))]);
  if (found.length === 0) found.push(["", "", "", "", ""]);
  const about = [name, `${bitmap.width}×${bitmap.height}`, String(faces.length)];
  return found.map((face, i) =>
    i === 0 ? [...about, ...face, milliseconds(first), milliseconds(steady)] : ["", "", "", ...face],
  );
});
const widths = columns.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
const line = (cells) =>
  widths
    .map((width, i) => (i === 0 ? (cells[i] ?? "").padEnd(width) : (cells[i] ?? "").padStart(width)))
    .join("  ")
    .trimEnd();
console.log([line(columns), "─".repeat(line(columns).length), ...rows.map(line)].join("\n"));

/** The contact sheet: six pictures in two rows of equal width, each row as high as that makes it. */
const SHEET = { width: 1920, margin: 36, gap: 16, title: 96 };
const BACKGROUND = [14, 20, 19];

function layOut() {
  const inner = SHEET.width - 2 * SHEET.margin;
  let y = SHEET.title + SHEET.margin;
  const tiles = [photos.slice(0, 3), photos.slice(3)].flatMap((row) => {
    const aspects = row.map(({ bitmap }) => bitmap.width / bitmap.height);
    const rowHeight = (inner - SHEET.gap * (row.length - 1)) / aspects.reduce((sum, aspect) => sum + aspect, 0);
    let x = SHEET.margin;
    const placed = row.map((photo, i) => {
      const tile = {
        photo,
        x: Math.round(x),
        y: Math.round(y),
        width: Math.round(rowHeight * aspects[i]),
        height: Math.round(rowHeight),
      };
      x += rowHeight * aspects[i] + SHEET.gap;
      return tile;
    });
    y += rowHeight + SHEET.gap;
    return placed;
  });
  return { tiles, height: Math.round(y - SHEET.gap + SHEET.margin) };
}

/** A photograph made smaller, then annotated, so that lines and letters keep their size. */
async function thumbnail({ photo: { bitmap, faces }, width, height }) {
  // The package's own resizing, which otherwise makes inputs: each pixel is the mean of those that it stands for.
  const rgb = await toInput(bitmap, { width, height, method: "area", normalization: { mean: 0, std: 1 } });
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  rgb.forEach((value, i) => {
    data[4 * Math.floor(i / 3) + (i % 3)] = value;
  });
  const [sx, sy] = [width / bitmap.width, height / bitmap.height];
  const scaled = faces.map((face) => ({ ...face, box: face.box.map((value, i) => value * (i % 2 ? sy : sx)) }));
  return annotate({ width, height, data }, scaled, 1.4);
}

async function contactSheet() {
  const { tiles, height } = layOut();
  const sheet = { width: SHEET.width, height, data: new Uint8ClampedArray(4 * SHEET.width * height) };
  fillRounded(sheet, [0, 0, SHEET.width, height], 0, BACKGROUND);
  const count = photos.reduce((sum, { faces }) => sum + faces.length, 0);
  const steady = photos.map((photo) => photo.steady).sort((a, b) => a - b)[photos.length >> 1];
  const about = `${count} faces · MobileNet v1 · wasm ${net.variant} · ${milliseconds(steady)} each`;
  drawText(sheet, "sepconv", SHEET.margin, SHEET.margin + 4, 44, [72, 240, 178]);
  drawText(sheet, about, SHEET.width - SHEET.margin - textWidth(about, 24), SHEET.margin + 22, 24, [214, 228, 222]);
  for (const tile of tiles) {
    const { data } = await thumbnail(tile);
    for (let row = 0; row < tile.height; ++row) {
      sheet.data.set(
        data.subarray(4 * row * tile.width, 4 * (row + 1) * tile.width),
        4 * ((tile.y + row) * SHEET.width + tile.x),
      );
    }
  }
  return sheet;
}

async function writePng(name, image) {
  const path = join(folder, name);
  await writeFile(path, await encodePng(image));
  console.log(`  ${relative(process.cwd(), path)}`);
}

await mkdir(folder, { recursive: true });
console.log("\nannotated:");
for (const { name, bitmap, faces } of photos) await writePng(name.replace(".jpg", ".png"), annotate(bitmap, faces));
await writePng("faces.png", await contactSheet());
net.dispose();
