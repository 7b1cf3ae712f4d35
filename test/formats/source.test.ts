import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FormatError, LoadError } from "../../src/errors.ts";
import { type ModelSource, type Progress, readSource } from "../../src/formats/common/source.ts";

const MODEL = new TextEncoder().encode('{"modelTopology":{}}');
const SHARD = Uint8Array.of(1, 2, 3, 4);
const HTML = "<!doctype html><title>Not found</title>";

let folder: string;
let server: Server;
let origin: string;
/** Requests that the server saw, path and query. */
const requests: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sepconv-source-"));
  await mkdir(join(folder, "m/deep"), { recursive: true });
  await writeFile(join(folder, "m/model.json"), MODEL);
  await writeFile(join(folder, "m/a shard?.bin"), SHARD);
  await writeFile(join(folder, "m/deep/b.bin"), SHARD);
  await writeFile(join(folder, "m/empty.bin"), "");
  await writeFile(join(folder, "secret.bin"), SHARD);
  server = createServer((request, response) => {
    requests.push(request.url!);
    const path = request.url!.split("?")[0];
    if (path === "/m/model.json") response.end(MODEL);
    else if (path === "/m/a%20shard%3F.bin" || path === "/m/deep/b.bin") response.end(SHARD);
    else if (path === "/m/page") response.setHeader("content-type", "text/html").end(`\n${HTML}`);
    else if (path === "/m/empty") response.end();
    else if (path === "/m/hangs") response.writeHead(200, { "content-length": 100 }).write("x");
    else if (path === "/m/short") {
      response.writeHead(200, { "content-length": 100 }).write("x");
      setTimeout(() => response.destroy(), 20);
    } else response.writeHead(404).end(HTML);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

const dataUrl = `data:application/json;base64,${Buffer.from(MODEL).toString("base64")}`;

const sources: readonly (readonly [string, () => ModelSource])[] = [
  ["path", () => join(folder, "m/model.json")],
  ["file: string", () => pathToFileURL(join(folder, "m/model.json")).href],
  ["file: URL", () => pathToFileURL(join(folder, "m/model.json"))],
  ["http string", () => `${origin}/m/model.json`],
  ["http URL", () => new URL(`${origin}/m/model.json`)],
  ["data: URL", () => dataUrl],
  ["bytes", () => MODEL],
  ["Buffer with an offset", () => Buffer.concat([Buffer.from("xxx"), MODEL]).subarray(3)],
  ["ArrayBuffer", () => MODEL.slice().buffer],
  ["DataView", () => new DataView(MODEL.slice().buffer)],
  ["Blob", () => new Blob([MODEL])],
  ["File", () => new File([MODEL], "model.json")],
  ["Response", () => new Response(MODEL)],
  ["record of one", () => ({ "anything.tflite": MODEL })],
  ["record", () => ({ "group1.bin": SHARD, "model.json": MODEL, "metadata.json": new Blob(["{}"]) })],
];

describe("readSource", () => {
  test.each(sources)("%s", async (_, source) => {
    const progress: Progress[] = [];
    const files = await readSource(source(), { onProgress: (p) => progress.push(p) });
    expect(files.bytes.constructor).toBe(Uint8Array);
    expect(Buffer.from(files.bytes).toString()).toBe(Buffer.from(MODEL).toString());
    expect(progress.at(-1)).toMatchObject({ file: files.name, loaded: MODEL.length });
  });

  test("blob: URL", async () => {
    const url = URL.createObjectURL(new Blob([MODEL]));
    expect((await readSource(url)).bytes.length).toBe(MODEL.length);
    URL.revokeObjectURL(url);
  });

  test("progress knows the total of files and of uncompressed responses", async () => {
    for (const source of [join(folder, "m/model.json"), `${origin}/m/model.json`, new Blob([MODEL])]) {
      const totals: unknown[] = [];
      await readSource(source, { onProgress: ({ total }) => totals.push(total) });
      expect(totals.at(-1)).toBe(MODEL.length);
    }
  });
});

describe("siblings", () => {
  const places: readonly (readonly [string, () => ModelSource])[] = [
    ["path", () => join(folder, "m/model.json")],
    ["URL", () => `${origin}/m/model.json?sig=1`],
    ["record", () => ({ "model.json": MODEL, "a shard?.bin": SHARD, "deep/b.bin": SHARD })],
    ["record of paths", () => ({ "m/model.json": MODEL, "m/a shard?.bin": SHARD, "m/deep/b.bin": SHARD })],
  ];
  test.each(places)("lie beside the model: %s", async (_, source) => {
    const { sibling } = await readSource(source());
    expect([...(await sibling("a shard?.bin"))]).toEqual([...SHARD]);
    expect([...(await sibling("./deep/b.bin"))]).toEqual([...SHARD]);
  });

  test("keep the query of the model's URL", async () => {
    const { sibling } = await readSource(`${origin}/m/model.json?sig=2`);
    await sibling("deep/b.bin");
    expect(requests.at(-1)).toBe("/m/deep/b.bin?sig=2");
  });

  const climbing = [
    "../secret.bin",
    "deep/../../secret.bin",
    "/etc/passwd",
    "a//b",
    "",
    ".",
    "..\\secret.bin",
    "file:///etc/passwd",
    "data:,x",
    "ftp://x/y",
    "//x/y",
    "C:x",
    "../secret.bin?sig=1",
    "%2e%2e/../secret.bin?sig=1",
  ];
  test.each(climbing)("never leave the model's folder: %j", async (name) => {
    for (const [, source] of places) {
      const { sibling } = await readSource(source());
      await expect(sibling(name)).rejects.toThrow(FormatError);
      await expect(sibling(name)).rejects.toThrow(JSON.stringify(name));
    }
  });

  test.each(["http://x/y", "https://x/y?sig=1", "HTTP://x/y"])("whole addresses, only behind one: %j", async (name) => {
    for (const [what, source] of places.filter(([place]) => place !== "URL")) {
      const { sibling } = await readSource(source());
      await expect(sibling(name), what).rejects.toThrow(FormatError);
    }
  });

  test("may be whole addresses where the model came from one, and have queries of their own", async () => {
    const { sibling } = await readSource(`${origin}/m/model.json?sig=model`);
    for (const [name, asked] of [
      [`${origin}/m/deep/b.bin?sig=a%2Fb`, "/m/deep/b.bin?sig=a%2Fb"],
      [`${origin}/m/deep/b.bin`, "/m/deep/b.bin"],
      ["deep/b.bin?sig=c/d==&e=../f", "/m/deep/b.bin?sig=c/d==&e=../f"],
      ["a%20shard%3F.bin?sig=g", "/m/a%20shard%3F.bin?sig=g"],
      ["a shard?.bin", "/m/a%20shard%3F.bin?sig=model"],
      ["deep/b.bin", "/m/deep/b.bin?sig=model"],
    ] as const) {
      expect([...(await sibling(name))], name).toEqual([...SHARD]);
      expect(requests.at(-1)).toBe(asked);
    }
    const climbing = "%2e%2e/secret.bin?sig=1";
    await expect(sibling(climbing)).rejects.toThrow(FormatError);
    expect(requests.at(-1)).toBe("/m/deep/b.bin?sig=model");
  });

  test("named for signed addresses are found among files", async () => {
    const { sibling } = await readSource({ "model.json": MODEL, "deep/b.bin": SHARD, "c.bin?sig=x": SHARD });
    expect([...(await sibling("deep/b.bin?sig=a/b:c"))]).toEqual([...SHARD]);
    expect([...(await sibling("c.bin?sig=x"))]).toEqual([...SHARD]);
  });

  test("are where the option weightUrl says", async () => {
    const asked: string[] = [];
    const answers: Readonly<Record<string, string | URL | Uint8Array | Response | undefined>> = {
      "bytes.bin": SHARD,
      "path.bin": join(folder, "secret.bin"),
      "url.bin": new URL(`${origin}/m/deep/b.bin?sig=own`),
      "text.bin": `${origin}/m/deep/b.bin?sig=text`,
      "response.bin": new Response(SHARD),
    };
    const weightUrl = async (path: string) => {
      asked.push(path);
      return answers[path];
    };
    for (const [, source] of [...places, ["bytes", () => MODEL] as const]) {
      const { sibling } = await readSource(source(), { weightUrl });
      for (const name of Object.keys(answers).filter((name) => name !== "response.bin")) {
        expect([...(await sibling(name))], name).toEqual([...SHARD]);
      }
    }
    const { sibling } = await readSource(join(folder, "m/model.json"), { weightUrl });
    expect([...(await sibling("response.bin"))]).toEqual([...SHARD]);
    expect([...(await sibling("deep/b.bin"))]).toEqual([...SHARD]);
    await expect(sibling("../secret.bin")).rejects.toThrow(FormatError);
    expect(requests).toContain("/m/deep/b.bin?sig=own");
    expect(asked).toContain("../secret.bin");
  });

  test("encoded dots are plain characters", async () => {
    const { sibling } = await readSource(`${origin}/m/model.json`);
    await expect(sibling("%2e%2e/secret.bin")).rejects.toThrow("404");
    expect(requests.at(-1)).toBe("/m/%252e%252e/secret.bin");
  });

  test("missing ones are named", async () => {
    for (const [, source] of places) {
      const { sibling } = await readSource(source());
      await expect(sibling("group9.bin")).rejects.toThrow(LoadError);
      await expect(sibling("group9.bin")).rejects.toThrow("group9.bin");
    }
  });

  test("bytes have none, and the error says what to pass", async () => {
    const { sibling } = await readSource(MODEL);
    await expect(sibling("g.bin")).rejects.toThrow(
      'pass the files together, as { "model.json": bytes, "g.bin": bytes }',
    );
  });
});

describe("what cannot be read", () => {
  const read = Promise.resolve(new Response(MODEL)).then(async (response) => {
    await response.text();
    return response;
  });
  test.each([
    ["missing file", () => join(folder, "none.tflite"), /none\.tflite: .*no such file/],
    ["a file as folder", () => join(folder, "secret.bin/model.json"), /no such file/],
    ["directory", () => join(folder, "m"), /m: expected a file, got a directory/],
    ["empty file", () => join(folder, "m/empty.bin"), /empty\.bin: .*got 0 bytes/],
    ["404", () => `${origin}/gone.tflite`, /\/gone\.tflite: expected HTTP status 200, got 404/],
    ["HTML", () => `${origin}/m/page`, /\/m\/page: expected a model file, got HTML/],
    ["empty response", () => `${origin}/m/empty`, /\/m\/empty: .*got 0 bytes/],
    ["broken connection", () => `${origin}/m/short`, /\/m\/short: could not be read to its end/],
    ["refused connection", () => "http://127.0.0.1:1/model.json", /could not be fetched/],
    ["bad data: URL", () => "data:nonsense", /could not be fetched/],
    ["unknown scheme", () => "s3://bucket/model.json", /got scheme "s3"/],
    ["no bytes", () => new Uint8Array(0), /got 0 bytes/],
    ["empty Blob", () => new Blob([]), /got 0 bytes/],
    ["error Response", () => new Response("no", { status: 500 }), /got 500/],
    ["used Response", () => read, /unread/],
    ["no files", () => ({}), /got no files/],
    ["files of which none is first", () => ({ "a.bin": SHARD, "b.bin": SHARD }), /got a\.bin, b\.bin/],
  ])("%s", async (_, source, message) => {
    const promise = readSource((await source()) as ModelSource);
    await expect(promise).rejects.toThrow(LoadError);
    await expect(promise).rejects.toThrow(message);
  });

  test.each([[null], [42], [["a"]], [{ "model.json": "text" }]])("%j is no source", async (source) => {
    await expect(readSource(source as unknown as ModelSource)).rejects.toThrow(TypeError);
  });
});

describe("signal", () => {
  test("aborted before: nothing is read", async () => {
    const reason = new Error("enough");
    for (const [, source] of sources) {
      await expect(readSource(source(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    }
  });

  test("aborted while a response arrives", async () => {
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error("enough"));
    await expect(readSource(`${origin}/m/hangs`, { signal: controller.signal, onProgress })).rejects.toThrow("enough");
  });

  test("aborted before a sibling", async () => {
    const controller = new AbortController();
    const { sibling } = await readSource(join(folder, "m/model.json"), { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(sibling("deep/b.bin")).rejects.toThrow("enough");
  });
});
