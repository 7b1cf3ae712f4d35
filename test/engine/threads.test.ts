import { execFile } from "node:child_process";
import { afterEach, describe, expect, it, vi } from "vitest";
import { buildGraph } from "../../src/engine/build.ts";
import { Crew, withSharing } from "../../src/engine/host/crew.ts";
import { CONTROL } from "../../src/engine/host/lane.ts";
import { LinearMemory } from "../../src/engine/host/memory.ts";
import { withSharedMemory } from "../../src/engine/host/shared-module.ts";
import { startThread, type Thread } from "../../src/engine/host/thread.ts";
import { accepts, loadKernels, VARIANTS } from "../../src/engine/variant.ts";
import { LoadError, StateError } from "../../src/errors.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { build, memoryRequired, mobilenetV1, type Numbers, open } from "../../src/index.ts";
import { imageGraph } from "../cases/image-graphs.ts";
import { quantizedGraph } from "../cases/quantized-graphs.ts";
import { random } from "../cases/random.ts";
import { readBuild } from "../variants.ts";

const NETWORK = initialize(mobilenetV1({ alpha: 0.25, resolution: 64, classes: 10 }), 3);
const PICTURE = random("picture").floats(64 * 64 * 3);

describe("threads", () => {
  it("give the bits of one for random graphs", async () => {
    const graphs = [
      ...Array.from({ length: 20 }, (_, seed) => imageGraph(seed)),
      ...Array.from({ length: 20 }, (_, seed) => quantizedGraph(seed)),
    ];
    for (const [i, { graph, input }] of graphs.entries()) {
      const one = (await build(graph, { variant: "simd", memory: "fast" })).run<Numbers>(input).output;
      for (const lanes of [2, 3]) {
        const session = await buildGraph(graph, { variant: "simd", threads: lanes }, { lanes });
        expect(session.threads).toBe(lanes);
        for (let n = 0; n < 20; n++) expect(session.run<Numbers>(input).output, `graph ${i}, run ${n}`).toEqual(one);
        session.dispose();
      }
    }
  });

  for (const variant of VARIANTS.filter(accepts)) {
    it(`give the bits of one for a MobileNet, whole and by rows, waited for or not, ${variant}`, async () => {
      const one = (await build(NETWORK, { variant, memory: "fast" })).run(PICTURE).output;
      for (const memory of ["fast", "small"] as const) {
        for (const lanes of [2, 3]) {
          const session = await buildGraph(NETWORK, { variant, memory, threads: lanes }, { lanes });
          for (let n = 0; n < 10; n++) {
            expect(session.run(PICTURE).output).toEqual(one);
            expect((await session.runAsync(PICTURE)).output).toEqual(one);
          }
          session.input().set(PICTURE);
          session.compute();
          expect(session.output()).toEqual(one);
          session.dispose();
        }
      }
    });
  }

  it("share a memory that is as large as was said before", async () => {
    const graph = mobilenetV1({ alpha: 1, resolution: 224 });
    for (const memory of ["fast", "balanced", "small"] as const) {
      const { arena, total } = memoryRequired(graph, { memory, threads: 2 });
      const session = await build(graph, { memory, threads: 2 });
      expect(session.threads).toBe(2);
      expect([session.memory.arena, session.memory.total]).toEqual([arena, total]);
      expect(session.input().buffer).toBeInstanceOf(SharedArrayBuffer);
      expect(session.input().buffer.byteLength).toBe(65536 * Math.ceil(total / 65536));
      session.dispose();
    }
    expect(memoryRequired(graph, { memory: "fast", threads: 2 }).arena).toBeLessThan(
      1.01 * memoryRequired(graph, { memory: "fast" }).arena,
    );
  });

  it("answer with arrays of the caller's own, which no run changes", async () => {
    const session = await build(NETWORK, { threads: 2 });
    const { output } = session.run(PICTURE);
    expect(output.buffer).toBeInstanceOf(ArrayBuffer);
    session.dispose();
  });

  it("are kept in an image, and come back with it", async () => {
    const session = await buildGraph(NETWORK, { threads: 2 }, { lanes: 2 });
    const one = session.run(PICTURE).output;
    const opened = await open(session.save());
    expect(opened.threads).toBe(2);
    expect(opened.run(PICTURE).output).toEqual(one);
    session.dispose();
    opened.dispose();
  });

  it('are as many as are worth it, where "auto" is asked for', async () => {
    const small = await build(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 2 }), { threads: "auto" });
    expect([small.threads, small.fewerThreads]).toEqual([1, undefined]);
    const large = await build(mobilenetV1({ alpha: 0.5, resolution: 128 }), { threads: "auto" });
    expect(large.threads).toBeGreaterThan(1);
    large.dispose();
  });
});

describe("a run that is not waited for", () => {
  it("leaves this thread to others, and no other run begins meanwhile", async () => {
    const session = await build(NETWORK, { threads: 2 });
    const pending = session.runAsync(PICTURE);
    expect(() => session.run(PICTURE)).toThrow(/the run that goes on to end first/);
    expect(() => session.compute()).toThrow(StateError);
    await expect(session.runAsync(PICTURE)).rejects.toThrow(StateError);
    const { output } = await pending;
    expect(session.run(PICTURE).output).toEqual(output);
    session.dispose();
  });

  it("is refused like any other for a wrong input, and after dispose", async () => {
    const session = await build(NETWORK, { threads: 2 });
    await expect(session.runAsync(PICTURE.subarray(1))).rejects.toThrow(/12288 values/);
    session.dispose();
    await expect(session.runAsync(PICTURE)).rejects.toThrow(StateError);
  });

  it("is given up with its signal, and the next one waits for its end", async () => {
    const session = await build(mobilenetV1({ alpha: 0.5, resolution: 160 }), { threads: 2 });
    const input = new Float32Array(160 * 160 * 3).fill(0.5);
    const right = session.run(input).output;
    const controller = new AbortController();
    const pending = session.runAsync(input, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(pending).rejects.toThrow("enough");
    expect((await session.runAsync(input, { signal: new AbortController().signal })).output).toEqual(right);
    await expect(session.runAsync(input, { signal: controller.signal })).rejects.toThrow("enough");
    expect(session.run(input).output).toEqual(right);
    session.dispose();
  });

  it("is over when the session is disposed", async () => {
    const session = await build(NETWORK, { threads: 2 });
    const pending = session.runAsync(PICTURE);
    session.dispose();
    await expect(pending).rejects.toThrow(/disposed/);
  });

  it("works without threads too", async () => {
    const session = await build(NETWORK);
    expect((await session.runAsync(PICTURE)).output).toEqual(session.run(PICTURE).output);
  });
});

describe("threads that cannot be had", () => {
  afterEach(() => vi.unstubAllGlobals());

  it.each<[string, () => void, RegExp]>([
    ["no shared memory", () => vi.stubGlobal("SharedArrayBuffer", undefined), /share no memory/],
    ["a page that is not isolated", () => vi.stubGlobal("crossOriginIsolated", false), /Cross-Origin-Opener-Policy/],
  ])("%s: one, and why", async (_, stub, why) => {
    stub();
    const session = await build(NETWORK, { threads: 2 });
    expect(session.threads).toBe(1);
    expect(session.fewerThreads).toMatch(why);
    expect(session.run(PICTURE).output.length).toBe(10);
  });

  it("an image of several lanes runs on one thread there", async () => {
    const session = await buildGraph(NETWORK, { threads: 3 }, { lanes: 3 });
    const one = session.run(PICTURE).output;
    const file = session.save();
    session.dispose();
    vi.stubGlobal("SharedArrayBuffer", undefined);
    const opened = await open(file);
    expect([opened.threads, opened.run(PICTURE).output]).toEqual([1, one]);
    expect(opened.fewerThreads).toMatch(/share no memory/);
  });

  it("more than there are cores: as many as there are", async () => {
    vi.stubGlobal("navigator", { hardwareConcurrency: 2 });
    const session = await build(NETWORK, { threads: 64 });
    expect([session.threads, session.fewerThreads]).toEqual([2, expect.stringMatching(/2 cores/)]);
    session.dispose();
  });

  it("kernels that came compiled: one; as bytes: all", async () => {
    const { module } = await loadKernels("simd");
    const compiled = await build(NETWORK, { wasm: module, threads: 2 });
    expect([compiled.threads, compiled.fewerThreads]).toEqual([1, expect.stringMatching(/pass their bytes/)]);
    const bytes = await build(NETWORK, { wasm: readBuild("simd"), threads: 2 });
    expect([bytes.threads, bytes.fewerThreads]).toEqual([2, undefined]);
    bytes.dispose();
  });

  it("threads that do not start: one, and why", async () => {
    vi.stubGlobal("process", { ...process, getBuiltinModule: undefined });
    vi.stubGlobal("navigator", { hardwareConcurrency: 2 });
    class Refused {
      constructor() {
        throw new Error("not allowed");
      }
    }
    vi.stubGlobal("Worker", Refused);
    const session = await build(NETWORK, { threads: 2, wasm: readBuild("simd") });
    expect([session.threads, session.fewerThreads]).toEqual([
      1,
      expect.stringMatching(/not allowed.*worker-src blob:/),
    ]);
    expect(session.run(PICTURE).output).toEqual(
      (await build(NETWORK, { wasm: readBuild("simd") })).run(PICTURE).output,
    );
  });

  it("an input that is fed: one", async () => {
    const session = await build(NETWORK, { feed: true, threads: 2 });
    expect([session.threads, session.fewerThreads]).toEqual([1, expect.stringMatching(/fed/)]);
  });

  it.each([0, -1, 1.5, Number.NaN, "two", null])("%s is no number of threads", async (threads) => {
    await expect(build(NETWORK, { threads: threads as number })).rejects.toThrow(/threads: expected 1 or more/);
  });
});

describe("a thread that dies", () => {
  /** A crew of two, whose second thread can be ended from outside. */
  async function crewed(lanes = 2) {
    const session = await buildGraph(NETWORK, { variant: "simd" }, { lanes });
    const kernels = await loadKernels("simd");
    const memory = await LinearMemory.create(await withSharing(kernels), session.memory.total, true);
    const bounds = [0, 0, 0];
    const threads: Thread[] = [];
    const given: unknown[] = [];
    const schedules = { lanes: Array.from({ length: lanes }, () => ({ at: 4096, record: 8192, bounds })) };
    const crew = await Crew.start(memory, await withSharing(kernels), schedules, (body, data, listener) => {
      const thread = startThread(body, data, listener);
      threads.push(thread);
      given.push(data);
      return thread;
    });
    return { crew, threads, memory, schedules, data: given };
  }

  it("between runs: the next one says so, and another session works", async () => {
    const { crew, threads } = await crewed();
    crew.compute();
    threads[0]!.stop();
    // Until the host says so, this thread does all shares itself.
    await vi.waitFor(() => expect(() => crew.compute()).toThrow(/got lane 1 \(its end\) gone/), 20_000);
    await expect(crew.computeAsync()).rejects.toThrow(StateError);
    crew.stop();
    const { crew: another } = await crewed();
    another.compute();
    another.stop();
  });

  it("while it leads a run: the run rejects", async () => {
    const { crew, threads } = await crewed();
    await crew.computeAsync();
    threads[1]!.stop();
    const pending = crew.computeAsync();
    await expect(pending).rejects.toThrow(/lane 0 \(its end\) gone/);
    crew.stop();
  });

  it("no run begins that nobody asked for, should a wake-up come late", async () => {
    const { crew, data } = await crewed();
    await crew.computeAsync();
    const { called, control } = data.at(-1) as { called: SharedArrayBuffer; control: SharedArrayBuffer };
    const before = new Int32Array(control.slice(0));
    for (let n = 0; n < 20; n++) {
      Atomics.notify(new Int32Array(called), 0);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(Array.from(new Int32Array(control)).slice(CONTROL.LANES)).toEqual(Array.from(before).slice(CONTROL.LANES));
    await crew.computeAsync();
    crew.stop();
  });

  it("of a trap in its kernels: the run throws, on whichever thread it was", async () => {
    for (let n = 0; n < 5; n++) {
      const { crew, memory } = await crewed();
      // An entry of a step beyond the memory's end.
      memory.view.setUint32(4096, 0xfffffff0, true);
      const { crew: trapped } = await crewedWith(memory);
      expect(() => trapped.compute()).toThrow();
      expect(() => trapped.compute()).toThrow(StateError);
      crew.stop();
      trapped.stop();
    }
  });

  async function crewedWith(memory: LinearMemory) {
    const module = await withSharing(await loadKernels("simd"));
    const lanes = [0, 1].map((lane) => ({ at: 4096, record: 8192, bounds: [0, lane === 1 ? 1 : 0] }));
    return { crew: await Crew.start(memory, module, { lanes }) };
  }

  it("as it starts: an error that names it", async () => {
    const memory = await LinearMemory.create(await withSharing(await loadKernels("simd")), 65536, true);
    const lanes = [0, 1].map(() => ({ at: 4096, record: 8192, bounds: [0, 0] }));
    const module = await withSharing(await loadKernels("simd"));
    const start = Crew.start(memory, module, { lanes }, (_, data, listener) =>
      startThread('() => { throw new Error("no such luck") }', data, listener),
    );
    await expect(start).rejects.toThrow(LoadError);
    await expect(start).rejects.toThrow(/expected lane 1 to start, got no such luck/);
  });
});

describe("threads in a process of their own", () => {
  const script = (body: string) => `
    import { build, mobilenetV1 } from ${JSON.stringify(new URL("../../dist/index.js", import.meta.url).href)};
    const net = await build(mobilenetV1({ alpha: 0.25, resolution: 96 }), { threads: 2 });
    const x = new Float32Array(96 * 96 * 3);
    net.run(x);
    ${body}`;
  const run = (body: string) =>
    new Promise<string>((resolve, reject) => {
      const args = ["--input-type=module", "-e", script(body)];
      execFile(process.execPath, args, { timeout: 20_000 }, (error, stdout) =>
        error ? reject(error) : resolve(stdout),
      );
    });

  it("do not keep it alive, asleep or not", async () => {
    expect(await run('console.log(net.threads, "done");')).toBe("2 done\n");
    expect(await run('await net.runAsync(x); console.log("done");')).toBe("done\n");
    expect(await run('net.dispose(); console.log("done");')).toBe("done\n");
  });

  it("take no processor time between runs", async () => {
    const idle = await run(`
      await new Promise((resolve) => setTimeout(resolve, 200));
      const before = process.cpuUsage();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const { user, system } = process.cpuUsage(before);
      console.log((user + system) / 1e6);`);
    // A thread that looked all the time would take a second of it.
    expect(Number(idle)).toBeLessThan(0.3);
  });
});

describe("kernels with shared memory", () => {
  it("are the same code, whose memory is imported", () => {
    for (const build of ["scalar", "simd"] as const) {
      const bytes = readBuild(build);
      const module = new WebAssembly.Module(withSharedMemory(bytes));
      expect(WebAssembly.Module.imports(module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
      expect(WebAssembly.Module.exports(module)).toEqual(WebAssembly.Module.exports(new WebAssembly.Module(bytes)));
    }
  });

  it("are made of kernels only", () => {
    const none = Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0]);
    expect(() => withSharedMemory(none)).toThrow(/expected kernels with a memory of their own/);
    expect(() => withSharedMemory(withSharedMemory(readBuild("scalar")))).toThrow(/that import nothing/);
  });
});
