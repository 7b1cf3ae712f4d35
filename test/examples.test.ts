/**
 * The examples that stand in the docstrings of all public functions, and in the README: each runs as it stands, in a
 * folder with a model and pictures.
 */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as sepconv from "../src/index.ts";
import { initialize, mobilenetV1, toTflite } from "../src/index.ts";
import { buildHdf5 } from "./formats/builders/hdf5.ts";
import { functional, kerasMobilenet } from "./formats/builders/keras.ts";
import { graphOf, PLAIN } from "./graph/build.ts";
import { bmp } from "./vision/pictures/writers.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "sepconv-examples-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The code of a docstring or a page between its fences. */
function blocks(text: string): string[] {
  return [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code!);
}

/** Examples by the function that they stand above. */
const examples = new Map<string, string>();
for (const file of readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })) {
  if (!file.endsWith(".ts")) continue;
  const text = readFileSync(join(ROOT, "src", file), "utf8");
  for (const [, doc, name] of text.matchAll(
    /\/\*\*((?:(?!\*\/)[\s\S])*?@example(?:(?!\*\/)[\s\S])*)\*\/\nexport (?:(?:async )?function|class) (\w+)/g,
  )) {
    examples.set(name!, blocks(doc!.replace(/^ \* ?/gm, ""))[0]!);
  }
}

beforeAll(async () => {
  const network = {
    ...initialize(mobilenetV1({ alpha: 0.25, resolution: 96, classes: 2 }), 1),
    source: { format: "test" },
  };
  writeFileSync(join(folder, "model.tflite"), await toTflite(network));
  const map = graphOf({
    x: [1, 9, 9, 3],
    constants: { w: [1, 1, 3, 4] },
    nodes: [{ op: "conv2d", name: "scores", inputs: ["x"], weights: "w", ...PLAIN }],
  });
  writeFileSync(join(folder, "deeplabv3.tflite"), await toTflite(map));
  const heads = { heatmap: 17, short_offset: 34, displacement_fwd: 32, displacement_bwd: 32 };
  const steps = { ...PLAIN, strides: [16, 16] } as const;
  const poses = graphOf({
    x: [1, 65, 65, 3],
    constants: Object.fromEntries(Object.entries(heads).map(([name, n]) => [`w_${name}`, [1, 1, 3, n]])),
    nodes: Object.keys(heads).map((name) => ({
      ...{ op: "conv2d" as const, name, inputs: ["x"], weights: `w_${name}`, ...steps },
    })),
    outputs: Object.keys(heads),
  });
  writeFileSync(join(folder, "posenet.tflite"), await toTflite(poses));
  const { layers, weights } = kerasMobilenet(0.25, 32, 3, 2);
  const config = { model_config: JSON.stringify(functional("mobilenet", layers, [layers.at(-1)!.name])) };
  const paths = [...weights].map(
    ([path, stored]) => [`model_weights/${path.slice(0, path.indexOf("/"))}/${path}:0`, stored] as const,
  );
  writeFileSync(join(folder, "model.h5"), await buildHdf5(paths, config));
  const picture = bmp({ width: 40, height: 30, bits: 24, at: (x, y) => x * 70_000 + y * 900 });
  mkdirSync(join(folder, "pictures"));
  // A BMP under a JPEG's name is a BMP: pictures are recognized by content.
  for (const name of ["cat.bmp", "cat.jpg", "dog.jpg", "pictures/a.bmp", "pictures/b.bmp"])
    writeFileSync(join(folder, name), picture);
  const faces = join(ROOT, "node_modules/@vladmandic/face-api/model");
  for (const name of readdirSync(faces).filter((file) => file.startsWith("ssd_mobilenetv1")))
    cpSync(join(faces, name), join(folder, name));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules/sepconv"));
});

function run(code: string): void {
  expect(existsSync(join(ROOT, "dist/index.js")), "npm run build").toBe(true);
  execFileSync(process.execPath, ["--input-type=module", "--eval", code], {
    cwd: folder,
    encoding: "utf8",
    stdio: "pipe",
  });
}

describe("examples", () => {
  const functions = Object.entries(sepconv)
    .filter(([name, value]) => typeof value === "function" && /^[a-z]/.test(name))
    .map(([name]) => name)
    .concat("trainHead", "KNNClassifier", "trainer", "dataset", "batches", "beforeLast");

  it.each(functions)("of %s", (name) => {
    const code = examples.get(name);
    expect(code, `an @example of ${name}`).toBeDefined();
    expect(code).toContain(name);
    run(code!);
  });

  const guides = ["hosts", "pictures", "workers", "training", "fine-tuning"].map((name) => `docs/${name}.md`);
  const pages = ["README.md", ...guides].flatMap((page) =>
    blocks(readFileSync(join(ROOT, page), "utf8")).map((code, i) => [page, i + 1, code] as const),
  );
  it.each(pages)("in %s, number %i", (_, __, code) => {
    run(code);
  });
});
