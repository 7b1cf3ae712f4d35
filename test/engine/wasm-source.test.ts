/** The kernels from whatever callers hold. */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath, pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { initialize } from "../../src/graph/initialize.ts";
import {
  build,
  LoadError,
  mobilenetV1,
  quantizationReport,
  quantize,
  toInput,
  UnsupportedError,
  type WasmSource,
} from "../../src/index.ts";

const path = fileURLToPath(new URL("../../build/sepconv.scalar.wasm", import.meta.url));
const bytes = new Uint8Array(readFileSync(path));
const graph = initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 4 }), 1);
const sample = Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => Math.sin(i));

let server: Server;
let address: string;
beforeAll(async () => {
  server = createServer(({ url }, response) => {
    if (url === "/kernels.wasm") response.end(bytes);
    else if (url === "/page") response.end("<!doctype html>");
    else response.writeHead(404).end("none");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => void server.close());
afterEach(() => vi.unstubAllGlobals());

describe("the option wasm", () => {
  it("takes bytes, addresses, paths, bodies, modules and promises, those of other realms too", async () => {
    const shared = new SharedArrayBuffer(bytes.length);
    new Uint8Array(shared).set(bytes);
    const foreign = runInNewContext("({ compiled: new WebAssembly.Module(bytes), copy: new Uint8Array(bytes) })", {
      bytes: bytes.buffer,
    }) as { compiled: WebAssembly.Module; copy: Uint8Array };
    const sources: Record<string, WasmSource> = {
      ...{ bytes, buffer: bytes.buffer, shared, view: new DataView(bytes.buffer), node: readFileSync(path) },
      ...{ blob: new Blob([bytes]), response: new Response(bytes), url: pathToFileURL(path), path },
      ...{ file: pathToFileURL(path).href, http: `${address}kernels.wasm`, promise: Promise.resolve(bytes) },
      ...{ fetched: fetch(`${address}kernels.wasm`), module: new WebAssembly.Module(bytes), ...foreign },
      data: `data:application/wasm;base64,${Buffer.from(bytes).toString("base64")}`,
    };
    const expected = (await build(graph, { variant: "scalar" })).run(sample).output;
    for (const [name, wasm] of Object.entries(sources)) {
      const net = await build(graph, { wasm });
      expect(net.variant, name).toBe("scalar");
      expect(net.run(sample).output, name).toEqual(expected);
    }
  });

  it("goes into every function that runs kernels", async () => {
    const resize = { width: 4, height: 4, normalization: { mean: 0, std: 255 } };
    const picture = { data: new Uint8Array(300).map((_, i) => i), width: 10, height: 10 };
    expect(await toInput(picture, { ...resize, wasm: bytes })).toEqual(await toInput(picture, resize));
    const eight = await quantize(graph, [sample], { wasm: bytes });
    expect(eight).toEqual(await quantize(graph, [sample]));
    const report = await quantizationReport(graph, eight, [sample], { wasm: bytes });
    expect(report).toEqual(await quantizationReport(graph, eight, [sample]));
    // Another variant than the module's is refused by each, so none of them passes the option over.
    const wrong = { wasm: bytes, variant: "simd" } as const;
    await expect(toInput(picture, { ...resize, ...wrong })).rejects.toThrow(UnsupportedError);
    await expect(quantize(graph, [sample], wrong)).rejects.toThrow(UnsupportedError);
    await expect(quantizationReport(graph, eight, [sample], wrong)).rejects.toThrow(UnsupportedError);
  });

  it("says what is wrong with a source, and how to mend it", async () => {
    const refused = async (wasm: unknown) =>
      build(graph, { wasm: wasm as WasmSource }).then(
        () => "built",
        (error: Error) => `${error.name}: ${error.message}`,
      );
    expect(await refused(`${address}page`)).toMatch(
      /^LoadError: http.*page: expected a wasm file, got HTML.*serve the/,
    );
    expect(await refused(`${address}none`)).toMatch(/^LoadError: http.*none: .*status 404/);
    expect(await refused("/nowhere.wasm")).toMatch(/^LoadError: \/nowhere.wasm: expected a readable wasm file/);
    expect(await refused("http://127.0.0.1:1/")).toMatch(/^LoadError/);
    expect(await refused(bytes.subarray(0, 9000))).toMatch(
      /^LoadError: option wasm: expected an undamaged wasm module/,
    );
    expect(await refused(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))).toMatch(/^LoadError: wasm module/);
    expect(await refused(Promise.reject(new LoadError("mine")))).toBe("LoadError: mine");
    const read = new Response(bytes);
    await read.arrayBuffer();
    expect(await refused(read)).toMatch(/^LoadError: option wasm: expected an unread response/);
    for (const wrong of [5, null, {}, [], true]) expect(await refused(wrong)).toMatch(/^TypeError: option wasm/);
  });

  it("is told from a host that compiles nothing, and from one without WebAssembly", async () => {
    vi.spyOn(WebAssembly, "compile").mockRejectedValueOnce(
      new Error("WebAssembly.compile(): Wasm code generation disallowed by embedder"),
    );
    await expect(build(graph, { wasm: bytes })).rejects.toThrow(/'wasm-unsafe-eval'.*"workerd"/);
    vi.stubGlobal("WebAssembly", undefined);
    await expect(build(graph)).rejects.toThrow(/expected a host with WebAssembly.*--jitless/);
    await expect(build(graph, { wasm: bytes })).rejects.toThrow(LoadError);
  });
});
