/** Cold starts, each in a process of its own, taking turns; and what a user has to download. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { toTflite } from "../../dist/index.js";
import { firstLine, summary } from "./measure.mjs";
import { networkOf } from "./network.mjs";
import { toOnnx } from "./onnx.mjs";
import { shardsOf } from "./shards.mjs";

const require = createRequire(import.meta.url);
const fileOf = (path) => fileURLToPath(new URL(path, import.meta.url));

const IN_PAGE = ["sepconv build", "tfjs-wasm", "LiteRT.js"];
const OWN = ["empty", "sepconv build", "sepconv load"];
const PEERS = ["tfjs-wasm", "onnxruntime-web", "onnxruntime-node"];

/**
 * @param hosts `{ key, start }`, `start(script, args)` runs it and promises the JSON it prints last; `peers` whether
 *   the peers run there
 * @param coldPage starts a contender in a fresh browser, where there is one
 * @returns one row a host and contender: medians of `repeats` processes
 */
export async function coldStarts(hosts, coldPage, repeats, log) {
  const folder = mkdtempSync(join(tmpdir(), "sepconv-cold-"));
  try {
    await writeModels(folder);
    const script = fileOf("cold.mjs");
    const contenders = hosts.flatMap((host) =>
      [...OWN, ...(host.peers ? PEERS : [])].map((name) => ({
        ...{ host: host.key, name },
        open: (last) => host.start(script, [name, folder, last ? "1" : "0"]),
      })),
    );
    if (coldPage) {
      for (const name of IN_PAGE) contenders.push({ host: "chromium", name, open: () => coldPage(name, folder) });
    }
    const rows = contenders.map(({ host, name }) => ({ host, name, samples: [] }));
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const [i, { host, name, open }] of contenders.entries()) {
        const row = rows[i];
        if (row.missing) continue;
        try {
          row.samples.push(await open(repeat === repeats - 1));
        } catch (error) {
          row.missing = firstLine(error);
          log(`cold start, ${host}, ${name}: left out, ${row.missing}`);
        }
      }
    }
    return rows.map(({ samples, ...row }) => (row.missing ? row : { ...row, ...medians(samples) }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function medians(samples) {
  const of = (field) => summary(samples.map((sample) => sample[field]));
  const { median, p10, p90 } = of("ms");
  const { steady, rss } = samples.at(-1);
  return {
    ...{ ms: median, p10, p90, first: of("first").median, processes: samples.length },
    ...(rss !== undefined && { rss: of("rss").median, steady }),
  };
}

async function writeModels(folder) {
  const { folded } = networkOf("0.25_128");
  writeFileSync(join(folder, "model.onnx"), toOnnx(folded));
  writeFileSync(join(folder, "model.tflite"), await toTflite(folded));
  const { description, bytes } = shardsOf(folded);
  writeFileSync(join(folder, "tfjs.json"), description);
  writeFileSync(join(folder, "tfjs.bin"), bytes);
}

/**
 * JavaScript bundled and minified with what the bench uses of it, and the wasm that a browser of today fetches; bytes,
 * gzipped.
 */
export async function downloads(log) {
  const { build } = await import("esbuild");
  const litert = join(dirname(dirname(fileURLToPath(import.meta.resolve("@litertjs/core")))), "wasm");
  const tfjs = dirname(require.resolve("@tensorflow/tfjs-backend-wasm"));
  const ort = dirname(require.resolve("onnxruntime-web"));
  const packages = [
    {
      name: "sepconv",
      code: `export * from "../../dist/index.js"`,
      wasm: [fileOf("../../build/sepconv.relaxed.wasm")],
    },
    {
      name: "tfjs-wasm",
      code: `export { env, fused, mean, ready, reshape, setBackend, softmax, tensor, tidy } from "@tensorflow/tfjs-core";
        export { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm"`,
      wasm: [join(tfjs, "tfjs-backend-wasm-simd.wasm")],
    },
    {
      name: "onnxruntime-web",
      code: `export { env, InferenceSession, Tensor } from "onnxruntime-web/wasm"`,
      wasm: [join(ort, "ort-wasm-simd-threaded.wasm")],
    },
    {
      name: "LiteRT.js",
      code: `export { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core"`,
      scripts: [join(litert, "litert_wasm_internal.js")],
      wasm: [join(litert, "litert_wasm_internal.wasm")],
    },
  ];
  const rows = [];
  for (const { name, code, scripts = [], wasm } of packages) {
    try {
      const js =
        gzipped(await staticPart(build, code)) + scripts.reduce((sum, file) => sum + gzipped(readFileSync(file)), 0);
      rows.push({ name, js, wasm: wasm.reduce((sum, file) => sum + gzipped(readFileSync(file)), 0) });
    } catch (error) {
      rows.push({ name, missing: firstLine(error) });
      log(`download size, ${name}: left out, ${firstLine(error)}`);
    }
  }
  return rows;
}

const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;

/** The chunks that an import brings in at once; those imported dynamically come when used. */
async function staticPart(build, contents) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: fileOf("./") },
    ...{ bundle: true, minify: true, splitting: true, format: "esm", platform: "browser", target: "esnext" },
    ...{ write: false, metafile: true, outdir: "out", logLevel: "silent", external: ["node:*"] },
    // Branches for Node, never taken in a browser.
    alias: { fs: "node:fs", path: "node:path", os: "node:os", worker_threads: "node:worker_threads" },
  });
  const seen = new Set();
  const follow = (path) => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { path: next, kind, external } of metafile.outputs[path].imports)
      if (kind === "import-statement" && !external) follow(next);
  };
  follow(Object.keys(metafile.outputs).find((path) => metafile.outputs[path].entryPoint));
  return Buffer.concat(
    outputFiles.filter(({ path }) => [...seen].some((name) => path.endsWith(name))).map((f) => f.contents),
  );
}
