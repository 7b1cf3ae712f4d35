import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { assets } from "./vite/assets.mjs";
import { offline } from "./vite/offline.mjs";
import { policy } from "./vite/policy.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const packaged = (name, file) => join(dirname(require.resolve(`${name}/package.json`)), file);

/** Models that were put into `public/models`, in the order of their names. */
function models() {
  const folder = join(HERE, "public/models");
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  return JSON.stringify(files.filter((name) => !name.startsWith(".")));
}

// Isolated pages have finer clocks, so that layers of a few microseconds can be told apart.
const headers = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

export default {
  root: HERE,
  base: "./",
  build: { target: "es2022", modulePreload: { polyfill: false } },
  server: { headers },
  preview: { headers },
  plugins: [
    assets({
      "faces.tflite": () => readFileSync(packaged("@mediapipe/face_detection", "face_detection_short_range.tflite")),
      "photo.jpg": () => readFileSync(packaged("@vladmandic/face-api", "demo/sample6.jpg")),
      "models.json": models,
    }),
    policy(),
    offline(join(HERE, "src/service.js")),
  ],
};
