/** Downloads, against a server that is slow, cuts, lies and sends web pages, and a cache that is not as it was. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cached, cacheFolder } from "../../src/cli/cache.ts";
import { download } from "../../src/cli/download.ts";
import { PRESETS, presetOf } from "../../src/cli/presets.ts";
import { fileInTgz } from "../../src/cli/tar.ts";
import { missingShared, shared } from "../formats/builders/shared.ts";
import { bmp } from "./pictures.ts";
import { scratchFolder, sepconv } from "./sepconv.ts";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);
const FILE = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 3);
const SUM = createHash("sha256").update(FILE).digest("hex");

type Answer = (request: IncomingMessage, response: ServerResponse, times: number) => void;
let answer: Answer;
let asked: (string | undefined)[] = [];
const server = createServer((request, response) => {
  asked.push(request.headers.range);
  answer(request, response, asked.length);
});
let url = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}/model.tgz`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
});

const whole: Answer = (_, response) => response.writeHead(200, { "content-length": FILE.length }).end(FILE);
/** Sends what is asked for, and breaks off after 100,000 bytes of it, `cuts` times. */
const cutting =
  (cuts: number): Answer =>
  ({ headers }, response, times) => {
    const from = Number(/bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
    const part = FILE.subarray(from);
    const range = { "content-range": `bytes ${from}-${FILE.length - 1}/${FILE.length}` };
    response.writeHead(from > 0 ? 206 : 200, { "content-length": part.length, ...(from > 0 && range) });
    if (times > cuts) response.end(part);
    else response.write(part.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 20));
  };
const fast = { pause: 5 };

describe("download", () => {
  it("tells its progress in bytes", async () => {
    answer = whole;
    const seen: number[] = [];
    const bytes = await download({ url, sha256: SUM, onProgress: (done, total) => seen.push(done, total) });
    expect(Buffer.compare(bytes, FILE)).toBe(0);
    expect(seen.slice(-2)).toEqual([FILE.length, FILE.length]);
  });

  it("takes up what was cut off, in one process and from one to the next", async () => {
    answer = cutting(2);
    expect(Buffer.compare(await download({ url, sha256: SUM, ...fast }), FILE)).toBe(0);
    expect(asked).toEqual([undefined, "bytes=100000-", "bytes=200000-"]);
    asked = [];
    answer = cutting(1);
    const part = at("x.part");
    await expect(download({ url, sha256: SUM, part, attempts: 1 })).rejects.toThrow(/could not be fetched/);
    expect(readFileSync(part).length).toBe(100_000);
    expect(Buffer.compare(await download({ url, sha256: SUM, part, ...fast }), FILE)).toBe(0);
    expect(asked).toEqual([undefined, "bytes=100000-"]);
  });

  it("begins anew where there is no checksum, and where the server does not continue", async () => {
    answer = cutting(1);
    expect(Buffer.compare(await download({ url, ...fast }), FILE)).toBe(0);
    expect(asked).toEqual([undefined, undefined]);
    asked = [];
    answer = (request, response, times) => (times === 1 ? cutting(1) : whole)(request, response, times);
    expect(Buffer.compare(await download({ url, sha256: SUM, ...fast }), FILE)).toBe(0);
  });

  it("tries again on 503 and 429, not on 404, and says how often", async () => {
    answer = (request, response, times) => {
      if (times > 2) whole(request, response, times);
      else response.writeHead(times === 1 ? 503 : 429).end();
    };
    expect((await download({ url, sha256: SUM, ...fast })).length).toBe(FILE.length);
    answer = (_, response) => response.writeHead(503).end();
    await expect(download({ url, attempts: 3, ...fast })).rejects.toThrow(/HTTP status 503 \(tried 3 times\)/);
    asked = [];
    answer = (_, response) => response.writeHead(404).end();
    await expect(download({ url, ...fast })).rejects.toThrow(/expected HTTP status 200, got 404/);
    expect(asked.length).toBe(1);
  });

  it("tells a server that lies about lengths and contents, web pages, silence and none at all", async () => {
    answer = (_, response) =>
      response.writeHead(200, { "content-length": FILE.length + 9 }).write(FILE, () => response.destroy());
    await expect(download({ url, attempts: 2, ...fast })).rejects.toThrow(/could not be fetched: .*tried 2 times/);
    answer = (_, response) => response.end(FILE.subarray(1));
    await expect(download({ url, sha256: SUM, attempts: 2, ...fast })).rejects.toThrow(/expected sha256 .*, got /);
    answer = (_, response) => response.end("<!doctype html><title>Sign in</title>");
    await expect(download({ url, ...fast })).rejects.toThrow(/got a web page \(HTML\)/);
    answer = (_, response) => response.end();
    await expect(download({ url, attempts: 2, ...fast })).rejects.toThrow(/got 0 bytes/);
    answer = (_, response) => response.writeHead(200, { "content-length": 99 }).write("some");
    await expect(download({ url, attempts: 2, patience: 50, ...fast })).rejects.toThrow(/nothing came for 0\.05 s/);
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve));
    const { port } = gone.address() as { port: number };
    await new Promise((resolve) => gone.close(resolve));
    await expect(download({ url: `http://127.0.0.1:${port}/x`, attempts: 2, ...fast })).rejects.toThrow(
      /is this machine online/,
    );
  });

  it("stops when told to", async () => {
    answer = (_, response) => response.writeHead(200, { "content-length": 99 }).write("some");
    await expect(download({ url, signal: AbortSignal.timeout(50) })).rejects.toThrow(/timeout/i);
    answer = (_, response) => response.writeHead(503).end();
    await expect(download({ url, signal: AbortSignal.timeout(50), pause: 60_000 })).rejects.toThrow(/timeout/i);
  });
});

describe("the cache", () => {
  it("keeps a file, and downloads it anew where it was changed", async () => {
    const told: string[] = [];
    const kept = { url, sha256: SUM, file: "m.bin", unpack: (bytes: Uint8Array) => bytes.subarray(0, 10), ...fast };
    const get = () => cached(kept, (text) => told.push(text), at("cache"));
    answer = whole;
    const path = at("cache/m.bin");
    expect(await get()).toEqual({ path });
    expect(await get()).toEqual({ path });
    expect([asked.length, told]).toEqual([1, []]);
    for (const harm of [() => writeFileSync(path, "something else"), () => writeFileSync(`${path}.sha256`, "0")]) {
      harm();
      asked = [];
      expect(await get()).toEqual({ path });
      expect(readFileSync(path).length).toBe(10);
      expect([asked.length, told.splice(0)]).toEqual([1, [expect.stringMatching(/m\.bin: not what was downloaded/)]]);
    }
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  it.skipIf(!existsSync("/dev/full"))("goes on without a disk that is full", async () => {
    mkdirSync(at("full"));
    symlinkSync("/dev/full", at(`full/m.bin.${process.pid}`));
    const told: string[] = [];
    answer = whole;
    const found = await cached({ url, sha256: SUM, file: "m.bin", ...fast }, (text) => told.push(text), at("full"));
    expect("bytes" in found && Buffer.compare(found.bytes, FILE)).toBe(0);
    expect(told).toEqual([expect.stringMatching(/full: the model is not kept: ENOSPC/)]);
    writeFileSync(at("no-folder"), "");
    const other = await cached(
      { url, sha256: SUM, file: "m.bin", ...fast },
      (text) => told.push(text),
      at("no-folder"),
    );
    expect("bytes" in other).toBe(true);
  });

  it("lies where the system wants it", () => {
    const folderOf = (env: NodeJS.ProcessEnv) => cacheFolder({ ...process, env, platform: "linux" } as typeof process);
    expect(folderOf({ SEPCONV_CACHE: "/a", XDG_CACHE_HOME: "/b" })).toBe("/a");
    expect(folderOf({ XDG_CACHE_HOME: "/b" })).toBe("/b/sepconv");
    expect(folderOf({})).toMatch(/\/\.cache\/sepconv$/);
  });
});

/** An archive with one file in it, as tar writes them. */
function tgz(name: string, contents: Uint8Array): Uint8Array {
  const head = Buffer.alloc(512);
  head.write(`./${name}`, 0);
  head.write(contents.length.toString(8).padStart(11, "0"), 124);
  return gzipSync(Buffer.concat([head, contents, Buffer.alloc(1536 - (contents.length % 512))]));
}

describe("well-known models", () => {
  it("have names, addresses and checksums, each its own", () => {
    const all = PRESETS.map((name) => presetOf(name)!);
    expect(all.length).toBeGreaterThan(40);
    for (const { url, sha256 } of all) {
      expect(url).toMatch(/^https:\/\/storage\.googleapis\.com\/.*\.tgz$/);
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    }
    expect(new Set(all.map(({ sha256 }) => sha256)).size).toBe(all.length);
    expect(presetOf("mobilenet_v1_0.3_128")).toBeUndefined();
    expect(presetOf("model.tflite")).toBeUndefined();
  });

  it("come out of their archives", () => {
    const archive = tgz("m.tflite", FILE);
    expect(Buffer.compare(fileInTgz(archive, "m.tflite", "here"), FILE)).toBe(0);
    expect(() => fileInTgz(archive, "other.tflite", "here")).toThrow(/here: expected other\.tflite in the archive/);
    expect(() => fileInTgz(FILE, "m.tflite", "here")).toThrow(/gzipped tar archive/);
    expect(() => fileInTgz(gzipSync(Buffer.alloc(600, 65)), "m", "here")).toThrow(/a whole entry at byte 0/);
  });

  it("that are not what they were are refused on the command line, in one line", async () => {
    answer = (_, response) => response.end(tgz("mobilenet_v1_0.25_128_quant.tflite", FILE));
    writeFileSync(at("cat.bmp"), bmp(40, 24, 1));
    writeFileSync(at("l.txt"), "a\nb\n");
    process.env.SEPCONV_MIRROR = new URL(".", url).href;
    process.env.SEPCONV_CACHE = at("other-cache");
    try {
      const { code, stderr } = await sepconv(
        "classify",
        "mobilenet_v1_0.25_128_quant",
        at("cat.bmp"),
        "--labels",
        at("l.txt"),
      );
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^sepconv: .*quant\.tgz: could not be fetched: expected sha256 40230cd1.*, got .*tried 5 times\)\n$/,
      );
    } finally {
      delete process.env.SEPCONV_MIRROR;
      delete process.env.SEPCONV_CACHE;
    }
  }, 30_000);

  const model = shared("models/mobilenet_v1_0.5_160_quant.tflite");
  it.skipIf(missingShared(model))("are found in the cache, with their labels, without a connection", async () => {
    mkdirSync(at("filled"));
    for (const [from, to] of [
      [model, "mobilenet_v1_0.5_160_quant.tflite"],
      [shared("models/imagenet_labels.txt"), "ImageNetLabels.txt"],
    ] as const) {
      const bytes = readFileSync(from);
      writeFileSync(at(`filled/${to}`), bytes);
      writeFileSync(at(`filled/${to}.sha256`), createHash("sha256").update(bytes).digest("hex"));
    }
    process.env.SEPCONV_CACHE = at("filled");
    try {
      const args = ["mobilenet_v1_0.5_160_quant", shared("images/parrot.jpg"), "--top", "1"];
      const { code, stdout, stderr } = await sepconv("classify", ...args);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("macaw");
      expect((await sepconv("info", "mobilenet_v1_0.5_160_quant")).code).toBe(0);
    } finally {
      delete process.env.SEPCONV_CACHE;
    }
  });
});
