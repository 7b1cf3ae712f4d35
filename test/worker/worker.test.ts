/** `sepconv/worker`, as it is built: needs `npm run build`. */
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type * as Threads from "node:worker_threads";
import { afterEach, describe, expect, it, vi } from "vitest";
import { classify, embed, initialize, load, mobilenetV1, type ProfileRow, toTflite } from "../../src/index.ts";
import type * as Client from "../../src/worker/client.ts";
import { numbers } from "../graph/build.ts";
import { shallow } from "../vision/shallow.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The form of Node, whose worker is a file, and the one whose worker is inside. */
const FORMS = ["worker/client.js", "static/worker.js"];
const client = (form: string): Promise<typeof Client> => import(/* @vite-ignore */ `${ROOT}dist/${form}`);

const RANGE = { mean: 127.5, std: 127.5 };
const file = toTflite({ ...shallow(), source: { format: "test", normalization: RANGE, labels: ["a", "b"] } });
const large = toTflite(initialize(mobilenetV1({ alpha: 1, resolution: 224 }), 1));
const picture = (seed: number) => ({
  data: Uint8Array.from(numbers(32 * 32 * 3, seed), (value) => 128 + 127 * value),
  ...{ width: 32, height: 32 },
});

/** Node's workers that were started, so that one can be made to die. */
const started: Threads.Worker[] = [];
const threads = process.getBuiltinModule("node:worker_threads");
const Original = threads.Worker;
threads.Worker = class extends Original {
  constructor(...args: ConstructorParameters<typeof Original>) {
    super(...args);
    started.push(this);
  }
} as typeof Original;

afterEach(async () => {
  for (const worker of started.splice(0)) await worker.terminate();
});

describe.each(FORMS)("%s", (form) => {
  it("answers as the package does, to the bit", async () => {
    const worker = await client(form);
    using own = await load(await file, { variant: "simd" });
    const net = await worker.load(await file, { variant: "simd" });
    expect([net.inputs, net.outputs, net.memory, net.variant]).toEqual([own.inputs, own.outputs, own.memory, "simd"]);
    const input = numbers(32 * 32 * 3, 5);
    expect(await net.run(input)).toEqual(own.run(input));
    expect(input.length).toBe(32 * 32 * 3);
    const steps = (rows: readonly ProfileRow[]) => rows.map(({ ms, ...step }) => [step, ms >= 0]);
    expect(steps(await net.profile(input))).toEqual(steps(own.profile(input)));
    expect(await worker.classify(net, picture(1))).toEqual(await classify(own, picture(1)));
    const both = [picture(1), picture(2)];
    expect(await worker.embed(net, both)).toEqual(await embed(own, both));
    expect(await net.save()).toEqual(own.save());
    const again = await worker.open(await net.save(), { variant: "simd" });
    expect(await again.run(input)).toEqual(own.run(input));
    const built = await worker.build(own.graph, { variant: "simd", endPoints: ["pool"] });
    expect((await built.run(input)).endPoints.pool!.length).toBe(16);
    net.dispose();
    await expect(net.run(input)).rejects.toThrow(worker.StateError);
    expect((await again.run(input)).output.length).toBe(2);
    expect(started.length).toBe(1);
  });

  it("hands arrays over where it is told to, and takes them as they were where it waits", async () => {
    const worker = await client(form);
    const net = await worker.load(await file);
    const given = numbers(32 * 32 * 3, 5);
    const copy = given.slice();
    const expected = await net.run(copy);
    const answered = net.run(given, { transfer: true });
    const changed = copy.slice();
    const waiting = net.run(changed);
    changed.fill(0);
    expect(await answered).toEqual(expected);
    expect(given.length).toBe(0);
    expect(await waiting).toEqual(expected);
  });

  it("tells errors of their own classes, and goes on", async () => {
    const worker = await client(form);
    const net = await worker.load(await file);
    await expect(net.run(new Float32Array(3))).rejects.toThrow(worker.ShapeError);
    await expect(worker.load(new Uint8Array(99))).rejects.toThrow(worker.FormatError);
    await expect(worker.load("nowhere.tflite")).rejects.toThrow(/nowhere\.tflite: .*no such file/);
    await expect(worker.load(await file, { maxMemory: 5 })).rejects.toMatchObject({ name: "MemoryError", allowed: 5 });
    await expect(worker.load(await file, { resolutoin: 5 } as never)).rejects.toThrow(/did you mean "resolution"/);
    await expect(worker.classify(net, picture(1), { top: 0 })).rejects.toThrow(RangeError);
    await expect(worker.load(await file, { weightUrl: () => undefined })).rejects.toThrow(
      /weightUrl: .*sent to a worker/,
    );
    await expect(net.run({ x: (() => 1) as never })).rejects.toThrow(/what can be sent to a worker/);
    expect((await net.run(numbers(32 * 32 * 3))).output.length).toBe(2);
  });

  it("tells progress, and gives up: what waits, what is read, what runs", async () => {
    const worker = await client(form);
    const progress: { phase: string }[] = [];
    const net = await worker.load(await large, { onProgress: (one) => progress.push(one) });
    expect(new Set(progress.map(({ phase }) => phase))).toEqual(new Set(["read", "pack"]));

    // A run that goes on, and one that waits behind it.
    const input = new Float32Array(224 * 224 * 3);
    const [first, second] = [new AbortController(), new AbortController()];
    const running = net.run(input, { signal: first.signal });
    const waiting = net.run(input, { signal: second.signal });
    const last = net.run(input);
    second.abort(new Error("not needed"));
    await expect(waiting).rejects.toThrow("not needed");
    first.abort(new Error("too late"));
    await expect(running).rejects.toThrow("too late");
    expect((await last).output.length).toBe(1001);
    await expect(net.run(input, { signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");

    // A model that never comes.
    let closed = false;
    const given = new AbortController();
    const server = createServer((_, response) => {
      response.writeHead(200, { "content-length": 1e6 }).write("some");
      // Not before the worker asks: on a busy machine it may take its time to begin.
      given.abort(new Error("never comes"));
      response.on("close", () => {
        closed = true;
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const loading = worker.load(`http://127.0.0.1:${port}/x.tflite`, { signal: given.signal });
    await expect(loading).rejects.toThrow("never comes");
    await vi.waitFor(() => expect(closed).toBe(true), { timeout: 10_000 });
    server.close();
    expect((await net.run(input)).output.length).toBe(1001);
  });

  it("rejects what is pending when its worker dies, and starts another for the next model", async () => {
    const worker = await client(form);
    const net = await worker.load(await large);
    const input = new Float32Array(224 * 224 * 3);
    const bytes = await file;
    const pending = [net.run(input), net.run(input), worker.load(bytes)];
    for (const one of pending) one.catch(() => {});
    await started[0]!.terminate();
    for (const one of pending) {
      await expect(one).rejects.toThrow(worker.StateError);
      await expect(one).rejects.toThrow(/expected it at work, got its end/);
    }
    await expect(net.run(input)).rejects.toThrow(/load the model anew/);
    const again = await worker.load(await file);
    expect((await again.run(numbers(32 * 32 * 3))).output.length).toBe(2);
    const other = new worker.SepconvWorker();
    const elsewhere = await other.load(await file);
    const last = elsewhere.run(numbers(32 * 32 * 3));
    other.terminate();
    await expect(last).rejects.toThrow(/terminate was called/);
    expect((await again.run(numbers(32 * 32 * 3))).output.length).toBe(2);
  });
});

it("leaves the process free to end, and runs in CommonJS", () => {
  const body = `const net = await load(Buffer.from("${"%"}", "base64")); console.log((await net.run(new Float32Array(3072))).output.length);`;
  return file.then((bytes) => {
    const text = body.replace("%", Buffer.from(bytes).toString("base64"));
    const run = (type: string, code: string) =>
      execFileSync(process.execPath, [`--input-type=${type}`, "--eval", code], {
        cwd: ROOT,
        encoding: "utf8",
        timeout: 20_000,
      });
    expect(run("module", `import { load } from "sepconv/worker"; ${text}`)).toBe("2\n");
    expect(run("commonjs", `const { load } = require("sepconv/worker"); (async () => { ${text} })();`)).toBe("2\n");
  });
});

it("has the classes of the package's errors in Node", () => {
  const code = `import { LoadError } from "sepconv"; import { load } from "sepconv/worker";
    console.log(await load("nowhere").catch((error) => error instanceof LoadError));`;
  const args = ["--input-type=module", "--eval", code];
  expect(execFileSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" })).toBe("true\n");
});
