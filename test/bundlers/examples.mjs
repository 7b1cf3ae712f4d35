/** The folders of `examples/`, each run as its package.json says, on the packed package. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { serve, textOf } from "../hosts/browser.mjs";
import { ASSETS, bin, project, ROOT, run, tools } from "../hosts/tools.mjs";
import { served as workerdServed } from "../hosts/workerd.mjs";
import { freePort, reached, served } from "./index.mjs";

const PICTURE = join(ASSETS, "picture.jpg");

/** A project with the files of an example, and the assets beside it. */
async function copied(name, tool, files) {
  const folder = await project(name === "next" ? "." : name, tool, files);
  // Next would ask the registry for what its package.json names.
  const filter = (file) => name !== "next" || !file.endsWith("package.json");
  cpSync(join(ROOT, "examples", name), folder, { recursive: true, filter });
  cpSync(ASSETS, join(folder, "../assets"), { recursive: true });
  return folder;
}

function expectBlue(where, text) {
  if (!/\bblue\b/.test(text)) throw new Error(`${where}: expected blue, got ${text}`);
}

const plain = (name, folder, tool, start) => ({
  name: `Example: ${name}`,
  async answers() {
    const [cwd, tools] = [await copied(folder, await tool?.()), await tool?.()];
    expectBlue(name, await start({ cwd, tools }));
  },
});

/** An example that is built by a tool, and then shown by a page. */
const page = (name, folder, tool, build, from = ".") => ({
  name: `Example: ${name}`,
  async answers() {
    const toolFolder = await tool?.();
    const cwd = await copied(folder, toolFolder);
    await build({ cwd, tools: toolFolder });
    const server = await serve(join(cwd, from));
    try {
      expectBlue(name, await textOf(server.url, "#answer"));
    } finally {
      server.close();
    }
  },
});

const built =
  (program, args) =>
  ({ cwd, tools }) =>
    run(bin(tools, program), args, { cwd });

/** What wrangler does by wrangler.toml: wasm stays a module, and files of other kinds become what `loader` says. */
async function bundledForWorkerd(cwd, loader) {
  const build = `import { build } from "esbuild";
    const wasm = { name: "wasm", setup: (build) => build.onResolve({ filter: /\\.wasm$/ }, ({ path }) => ({ path: "./" + path.split("/").at(-1), external: true })) };
    await build({ entryPoints: ["worker.js"], bundle: true, format: "esm", outfile: "bundle.mjs", conditions: ["workerd", "worker", "browser"], loader: ${JSON.stringify(loader)}, plugins: [wasm] });`;
  writeFileSync(join(cwd, "build.mjs"), build);
  await run(process.execPath, ["build.mjs"], { cwd });
}

/** What the examples' `npm run freeze` does. */
function freeze({ cwd }) {
  const { freeze } = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8")).scripts;
  const [program, ...args] = freeze.split(" ");
  if (program !== "sepconv") throw new Error(`expected sepconv freeze …, got ${freeze}`);
  return run(process.execPath, [join(ROOT, "dist/cli/main.js"), ...args], { cwd });
}

const frozenVite = (major) =>
  page(
    `a frozen network, Vite ${major}`,
    "frozen-vite",
    () => tools(`vite-${major}`, [`vite@${major}`]),
    async (made) => {
      await freeze(made);
      await built("vite", ["build"])(made);
    },
    "dist",
  );

const oneFile = ({ cwd }) => cpSync(join(cwd, "node_modules/sepconv/dist/static/index.js"), join(cwd, "sepconv.js"));

export const examples = [
  plain("Node", "node", undefined, ({ cwd }) => run(process.execPath, ["main.js"], { cwd })),
  {
    name: "Example: a server",
    async answers() {
      const cwd = await copied("server");
      const port = await freePort();
      const env = { ...process.env, PORT: String(port) };
      await served(
        process.execPath,
        ["server.js"],
        cwd,
        async () => {
          const url = `http://127.0.0.1:${port}/`;
          await reached(url);
          const ask = async (body) => {
            const response = await fetch(url, { method: "POST", body });
            return `${response.status} ${await response.text()}`;
          };
          expectBlue("a picture", await ask(readFileSync(PICTURE)));
          for (const body of ["no picture", readFileSync(PICTURE).subarray(0, 600), ""]) {
            const said = await ask(body);
            if (!/^400 .*expected/.test(said)) throw new Error(`expected status 400 and why, got ${said}`);
          }
          const { status } = await fetch(url);
          if (status !== 405) throw new Error(`expected status 405, got ${status}`);
          const large = await ask(new Uint8Array(20e6)).catch((error) => String(error.cause ?? error));
          if (!/^413|EPIPE|ECONNRESET/.test(large)) throw new Error(`expected status 413, got ${large}`);
          expectBlue("a picture, afterwards", await ask(readFileSync(PICTURE)));
        },
        env,
      );
    },
  },
  plain("Node, CommonJS", "commonjs", undefined, ({ cwd }) => run(process.execPath, ["main.js"], { cwd })),
  plain(
    "Deno",
    "node",
    () => tools("deno", ["deno@2"]),
    ({ cwd, tools }) =>
      run(
        bin(tools, "deno"),
        ["run", "--quiet", "--no-prompt", "--node-modules-dir=manual", "--allow-read=.,../assets", "main.js"],
        { cwd },
      ),
  ),
  plain(
    "Bun",
    "node",
    () => tools("bun", ["bun@1"]),
    ({ cwd, tools }) => run(bin(tools, "bun"), ["main.js"], { cwd }),
  ),
  plain(
    "TypeScript",
    "typescript",
    () => tools("typescript-7", ["typescript@7", "@types/node@20"]),
    async ({ cwd, tools }) => {
      await run(bin(tools, "tsc"), [], { cwd });
      return run(process.execPath, ["main.js"], { cwd });
    },
  ),
  plain(
    "Jest",
    "jest",
    () => tools("jest", ["jest@30", "jest-environment-jsdom@30"]),
    async ({ cwd, tools }) => {
      await run(bin(tools, "jest"), ["--ci"], { cwd });
      return "blue, says its own test";
    },
  ),
  page("a page without a bundler", "page", undefined, oneFile),
  page("a service worker", "service-worker", undefined, oneFile),
  page("Vite", "vite", () => tools("vite-8", ["vite@8"]), built("vite", ["build"]), "dist"),
  page(
    "webpack",
    "webpack",
    () => tools("webpack", ["webpack@5", "webpack-cli@7"]),
    async ({ cwd, tools }) => {
      await run(bin(tools, "webpack"), ["--mode", "production", "--entry", "./main.js"], { cwd });
      cpSync(join(cwd, "index.html"), join(cwd, "dist/index.html"));
    },
    "dist",
  ),
  page(
    "Parcel",
    "parcel",
    () => tools("parcel", ["parcel@2"]),
    built("parcel", ["build", "index.html", "--no-cache"]),
    "dist",
  ),
  page(
    "esbuild",
    "esbuild",
    () => tools("esbuild", ["esbuild@0.28"]),
    built("esbuild", ["main.js", "--bundle", "--minify", "--outfile=bundle.js"]),
  ),
  page(
    "Rollup",
    "rollup",
    () => tools("rollup", ["rollup@4", "@rollup/plugin-node-resolve@16"]),
    built("rollup", ["main.js", "--plugin", "node-resolve={browser:true}", "--format", "iife", "--file", "bundle.js"]),
  ),
  page(
    "Bun's bundler",
    "bun-page",
    () => tools("bun", ["bun@1"]),
    built("bun", ["build", "main.js", "--minify", "--format=iife", "--outfile=bundle.js"]),
  ),
  {
    name: "Example: Next",
    async answers() {
      const tool = await tools("next-example", ["next@16", "react@19", "react-dom@19"]);
      const folder = await copied("next", tool, { "package.json": '{ "private": true }' });
      mkdirSync(join(folder, "public"), { recursive: true });
      cpSync(ASSETS, join(folder, "public"), { recursive: true });
      await run(bin(tool, "next"), ["build"], { cwd: folder, env: { NEXT_TELEMETRY_DISABLED: "1" } });
      const port = await freePort();
      await served(bin(tool, "next"), ["start", "-p", `${port}`, "-H", "127.0.0.1"], folder, async () => {
        const url = `http://127.0.0.1:${port}/`;
        await reached(url);
        expectBlue("page", await textOf(url, "#answer"));
        const body = await (await import("node:fs/promises")).readFile(PICTURE);
        expectBlue("route", await (await fetch(`${url}label`, { method: "POST", body })).text());
      });
    },
  },
  frozenVite(8),
  frozenVite(7),
  {
    name: "Example: a frozen network, Vite 8, its server",
    async answers() {
      const tool = await tools("vite-8", ["vite@8"]);
      const cwd = await copied("frozen-vite", tool);
      await freeze({ cwd });
      const port = await freePort();
      await served(bin(tool, "vite"), ["--port", port, "--strictPort", "--host", "127.0.0.1"], cwd, async () => {
        const url = `http://127.0.0.1:${port}/`;
        await reached(url);
        expectBlue("page", await textOf(url, "#answer"));
      });
    },
  },
  {
    name: "Example: a frozen network, workerd",
    async answers() {
      const tool = await tools("esbuild", ["esbuild@0.28"]);
      const folder = await copied("frozen-workerd", tool);
      await freeze({ cwd: folder });
      await bundledForWorkerd(folder, {});
      const { decodeImage } = await import(pathToFileURL(join(ROOT, "dist/index.js")).href);
      const { data } = await decodeImage(readFileSync(PICTURE));
      const wasm = [{ name: "colors.wasm", path: "colors.wasm" }];
      expectBlue("workerd", await workerdServed(folder, { method: "POST", body: data }, undefined, wasm));
    },
  },
  {
    name: "Example: workerd",
    async answers() {
      const tool = await tools("esbuild", ["esbuild@0.28"]);
      const folder = await copied("workerd", tool);
      await bundledForWorkerd(folder, { ".tflite": "binary" });
      const body = await (await import("node:fs/promises")).readFile(PICTURE);
      expectBlue("workerd", await workerdServed(folder, { method: "POST", body }));
    },
  },
];
