/** Cloudflare's workerd: it compiles nothing at run time, and gets the kernels as modules. */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { ASSETS, bin, pageProject, run, tools } from "./tools.mjs";

/** A worker that answers every request with what it computes. */
const worker = (imports, options) => `
import * as sepconv from "sepconv";
import { fromTflite } from "sepconv/tflite";
import { conformance } from "./conformance.mjs";
${imports}
const files = ${JSON.stringify(
  Object.fromEntries(
    ["picture.jpg", "colors.tflite"].map((name) => [name, readFileSync(join(ASSETS, name), "base64")]),
  ),
)};
const read = (name) => Uint8Array.from(atob(files[name]), (c) => c.charCodeAt(0));
export default { async fetch() {
  try {
    return new Response(JSON.stringify(await conformance({ sepconv, fromTflite, read: (name) => new Response(read(name)), options: ${options} })));
  } catch (error) { return new Response(error.name + ": " + error.message + error.stack); }
} };
`;

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const asked = (folder, date) => served(folder, {}, date);

/** The kernels as modules of a worker: their names, and where they lie. */
const KERNELS = ["simd", "relaxed"]
  .map((variant) => `sepconv.${variant}.wasm`)
  .map((name) => ({ name, path: `node_modules/sepconv/build/${name}` }));

/** Serves a worker of one script, `bundle.mjs`, and wasm modules, asks it once, and ends it. */
export async function served(folder, request, date = "2026-01-01", wasm = KERNELS) {
  const port = await freePort();
  const modules = [
    `(name = "w.mjs", esModule = embed "bundle.mjs")`,
    ...wasm.map(({ name, path }) => `(name = "${name}", wasm = embed "${path}")`),
  ];
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [${modules.join(", ")}], compatibilityDate = "${date}"))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]);`,
  );
  const tool = await tools("workerd", ["workerd@1"]);
  const process = spawn(bin(tool, "workerd"), ["serve", "config.capnp"], { cwd: folder });
  let told = "";
  process.stderr.on("data", (chunk) => (told += chunk));
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        return await (await fetch(`http://127.0.0.1:${port}/`, request)).text();
      } catch (error) {
        if (attempt === 100 || process.exitCode !== null) throw new Error(`workerd: ${error.message} ${told}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  } finally {
    process.kill();
  }
}

async function bundled(name, imports, options, conditions) {
  const esbuild = await tools("esbuild", ["esbuild@0.28"]);
  const folder = await pageProject(name, esbuild, { "worker.mjs": worker(imports, options) });
  // As wrangler does: modules of wasm stay imports, by the name of the file.
  writeFileSync(
    join(folder, "build.mjs"),
    `import { build } from "esbuild";
    const wasm = { name: "wasm", setup: (build) => build.onResolve({ filter: /\\.wasm$/ }, ({ path }) => ({ path: "./" + path.split("/").at(-1), external: true })) };
    await build({ entryPoints: ["worker.mjs"], bundle: true, format: "esm", minify: true, outfile: "bundle.mjs", conditions: ${JSON.stringify(conditions)}, plugins: [wasm] });`,
  );
  await run(process.execPath, ["build.mjs"], { cwd: folder });
  return folder;
}

const parsed = (text) => (text.startsWith("{") ? JSON.parse(text) : text);

export const workerd = [
  {
    name: "workerd",
    async answers() {
      const folder = await bundled("workerd", "", "{}", ["workerd", "worker", "browser"]);
      return { now: parsed(await asked(folder)), "of 2023": parsed(await asked(folder, "2023-01-01")) };
    },
  },
  {
    name: "workerd with an imported module, in a bundle for browsers",
    async answers() {
      const imports = `import wasm from "sepconv/wasm/sepconv.simd.wasm";`;
      const folder = await bundled("workerd-option", imports, "{ wasm }", ["worker", "browser"]);
      return { option: parsed(await asked(folder)) };
    },
  },
  {
    name: "workerd without a module says how",
    async answers() {
      const folder = await bundled("workerd-none", "", "{}", ["worker", "browser"]);
      const said = await asked(folder);
      if (!/^LoadError: .*workerd.*option wasm/s.test(said)) throw new Error(`expected the cure, got ${said}`);
    },
  },
];
