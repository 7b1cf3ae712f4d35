/**
 * Class names that lie beside a TF.js model, as Teachable Machine puts them there.
 */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bmp, networkFile, tfjsFiles } from "./pictures.ts";
import { failure, json, scratchFolder } from "./sepconv.ts";

const folder = scratchFolder();
const files = tfjsFiles();
const METADATA = JSON.stringify({ tfjsVersion: "1.3.1", labels: ["Class 1", "Class 2"], imageSize: 4 });
const RANGE = ["--range", "[-1,1]"];

/** A folder with the model and, where given, what lies beside it; answers with the model's path and a picture's. */
function modelWith(name: string, metadata?: string): [model: string, picture: string] {
  const here = join(folder, name);
  mkdirSync(here);
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(here, file), bytes);
  writeFileSync(join(here, "a.bmp"), bmp());
  if (metadata !== undefined) writeFileSync(join(here, "metadata.json"), metadata);
  return [join(here, "model.json"), join(here, "a.bmp")];
}

/** Class names by their indices. */
async function labelsOf(...args: string[]): Promise<(string | null)[]> {
  const [{ classes }] = (await json("classify", ...args, ...RANGE)) as [
    { classes: { index: number; label: string | null }[] },
  ];
  return [...classes].sort((a, b) => a.index - b.index).map(({ label }) => label);
}

describe("metadata.json", () => {
  it("beside a model.json names its classes", async () => {
    expect(await labelsOf(...modelWith("found", METADATA))).toEqual(["Class 1", "Class 2"]);
    expect(await labelsOf(...modelWith("missing"))).toEqual([null, null]);
  });

  it("gives way to --labels, and may be given there", async () => {
    const [model, picture] = modelWith("asked", METADATA);
    writeFileSync(join(folder, "labels.txt"), "0 yes\n1 no\n");
    expect(await labelsOf(model, picture, "--labels", join(folder, "labels.txt"))).toEqual(["yes", "no"]);
    const [other] = modelWith("elsewhere");
    expect(await labelsOf(other, picture, "--labels", join(folder, "asked/metadata.json"))).toEqual([
      "Class 1",
      "Class 2",
    ]);
  });

  it("of another tool is passed over, a damaged one or a wrong count told of in one line", async () => {
    expect(await labelsOf(...modelWith("other", '{"version": 3}'))).toEqual([null, null]);
    expect(await labelsOf(...modelWith("list", "[1, 2]"))).toEqual([null, null]);
    expect(await failure("classify", ...modelWith("damaged", '{"labels": ['), ...RANGE)).toMatch(
      /damaged.metadata\.json: expected JSON/,
    );
    expect(await failure("classify", ...modelWith("three", '{"labels": ["a", "b", "c"]}'), ...RANGE)).toMatch(
      /three.metadata\.json: expected a label for each of the 2 classes .* got 3/,
    );
    expect(await failure("classify", ...modelWith("numbers", '{"labels": [1, 2]}'), ...RANGE)).toMatch(
      /numbers.metadata\.json: .*got 1 at index 0/,
    );
  });

  it("beside a model of another format is not looked at", async () => {
    const [, picture] = modelWith("tflite", '{"labels": ["a"]}');
    const model = join(folder, "tflite/model.tflite");
    writeFileSync(model, await networkFile(true));
    expect(await labelsOf(model, picture)).toEqual([null, null, null, null]);
  });

  it("is fetched from where the model is", async () => {
    const asked: string[] = [];
    const all: Record<string, string | Uint8Array> = { ...files, "metadata.json": METADATA };
    const server = createServer(({ url = "" }, response) => {
      asked.push(url);
      const body = all[/^\/m\/([^?]+)\?key=1$/.exec(url)?.[1] ?? ""];
      response.writeHead(body === undefined ? 404 : 200).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/m/model.json?key=1`;
    const [, picture] = modelWith("fetched");
    copyFileSync(picture, join(folder, "b.bmp"));
    expect(await labelsOf(url, join(folder, "b.bmp"))).toEqual(["Class 1", "Class 2"]);
    expect(asked).toContain("/m/metadata.json?key=1");
    delete all["metadata.json"];
    expect(await labelsOf(url, join(folder, "b.bmp"))).toEqual([null, null]);
    server.close();
  });
});
