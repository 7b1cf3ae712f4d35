/**
 * Bundlers at their defaults, each with the page and the worker of `test/hosts/app`, or the program for hosts with
 * files; what they write is really run.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { answersIn, answersOf } from "../hosts/browser.mjs";
import { nodeProgram } from "../hosts/program.mjs";
import { addAssets, bin, node, pageProject, project, run, tools, write } from "../hosts/tools.mjs";

const lastLine = (text) => JSON.parse(text.split("\n").at(-1));

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Asks what a server serves that is started for it, once it says anything, and ends it. */
export async function served(command, args, cwd, ask, env = process.env) {
  const server = spawn(command, args, { cwd, env, detached: true });
  let told = "";
  server.stdout.on("data", (chunk) => (told += chunk));
  server.stderr.on("data", (chunk) => (told += chunk));
  try {
    return await ask();
  } catch (error) {
    throw new Error(`${error.message}\n${command} ${args.join(" ")} said: ${told}`);
  } finally {
    // With all that it started.
    try {
      process.kill(-server.pid);
    } catch {
      server.kill();
    }
  }
}

/** Waits until something answers at an address. */
export async function reached(url) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await fetch(url);
    } catch (error) {
      if (attempt === 300) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Bundles for Node are run where nothing of the package is beside them. */
async function alone(folder, file) {
  const apart = join(folder, "..", "apart");
  rmSync(apart, { recursive: true, force: true });
  mkdirSync(apart);
  cpSync(join(folder, file), join(apart, file));
  return lastLine(await node([file], { cwd: apart }));
}

const vite = [5, 7, 8].flatMap((major) => [
  {
    name: `Vite ${major} build`,
    async answers() {
      const tool = await tools(`vite-${major}`, [`vite@${major}`]);
      const folder = await pageProject("build", tool);
      await run(bin(tool, "vite"), ["build"], { cwd: folder });
      return answersIn(join(folder, "dist"));
    },
  },
  {
    name: `Vite ${major} dev`,
    async answers() {
      const tool = await tools(`vite-${major}`, [`vite@${major}`]);
      const folder = await pageProject("dev", tool);
      mkdirSync(join(folder, "public"), { recursive: true });
      addAssets(join(folder, "public"));
      const port = await freePort();
      return served(bin(tool, "vite"), ["--port", port, "--strictPort", "--host", "127.0.0.1"], folder, async () => {
        const url = `http://127.0.0.1:${port}/`;
        await reached(url);
        return answersOf(url);
      });
    },
  },
]);

/** `sepconv/lean` serves its files and chunks: bundlers find them. */
const lean = (text) => text.replaceAll(/"sepconv(\/tflite)?"/g, '"sepconv/lean$1"');

async function leanProject(tool) {
  const folder = await pageProject("lean", tool);
  write(folder, { "answers.js": lean(readFileSync(join(folder, "answers.js"), "utf8")) });
  return folder;
}

const esbuild = () => tools("esbuild", ["esbuild@0.28"]);

const ESBUILD_FORMATS = ["esm", "iife"];

export const bundlers = [
  ...vite,
  {
    name: "Vite 8 build of sepconv/lean, its workers modules",
    async answers() {
      const tool = await tools("vite-8", ["vite@8"]);
      const folder = await leanProject(tool);
      write(folder, { "vite.config.js": 'export default { worker: { format: "es" } };' });
      await run(bin(tool, "vite"), ["build"], { cwd: folder });
      return answersIn(join(folder, "dist"));
    },
  },
  ...ESBUILD_FORMATS.map((format) => ({
    name: `esbuild for browsers, ${format}`,
    async answers() {
      const tool = await esbuild();
      // Top-level await and addresses of the code's own place are for modules: a classic script says where its worker
      // is.
      const main = `import { answers } from "./answers.js";
        const worker = new Worker("worker.js", { type: ${JSON.stringify(format === "esm" ? "module" : "classic")} });
        const ofWorker = new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); worker.onerror = ({ message }) => resolve(message); });
        answers(new URL("/", location.origin)).then(async (page) => { globalThis.answers = { page, worker: await ofWorker }; });`;
      const folder = await pageProject(format, tool, {
        "main.js": main,
        "index.html": `<!doctype html><script ${format === "esm" ? 'type="module"' : "defer"} src="main.js"></script>`,
      });
      await run(
        bin(tool, "esbuild"),
        ["main.js", "worker.js", "--bundle", "--minify", `--format=${format}`, "--platform=browser", "--outdir=out"],
        { cwd: folder },
      );
      cpSync(join(folder, "index.html"), join(folder, "out/index.html"));
      return answersIn(join(folder, "out"));
    },
  })),
  {
    name: "esbuild for Node, ESM and CommonJS",
    async answers() {
      const tool = await esbuild();
      const folder = await nodeProgram("node", tool);
      const flags = ["program.mjs", "--bundle", "--minify", "--platform=node"];
      await run(bin(tool, "esbuild"), [...flags, "--format=esm", "--outfile=out.mjs"], { cwd: folder });
      await run(bin(tool, "esbuild"), [...flags, "--format=cjs", "--outfile=out.cjs"], { cwd: folder });
      return { esm: await alone(folder, "out.mjs"), cjs: await alone(folder, "out.cjs") };
    },
  },
  {
    name: "Rollup",
    async answers() {
      const tool = await tools("rollup", ["rollup@4", "@rollup/plugin-node-resolve@16"]);
      const page = `import { answers } from "./answers.js";
        answers(new URL("/", location.origin)).then((page) => { globalThis.answers = { page }; });`;
      const folder = await pageProject("rollup", tool, { "main.js": page });
      const flags = ["--plugin", "node-resolve={browser:true}"];
      const all = {};
      for (const format of ["es", "iife"]) {
        await run(bin(tool, "rollup"), ["main.js", ...flags, "--format", format, "--file", `${format}/main.js`], {
          cwd: folder,
        });
        const kind = format === "es" ? 'type="module"' : "defer";
        write(join(folder, format), { "index.html": `<!doctype html><script ${kind} src="main.js"></script>` });
        all[format] = (await answersIn(join(folder, format))).page;
      }
      return all;
    },
  },
  {
    name: "webpack",
    async answers() {
      const tool = await tools("webpack", ["webpack@5", "webpack-cli@7"]);
      const folder = await pageProject("webpack", tool);
      await run(bin(tool, "webpack"), ["--mode", "production", "--entry", "./main.js"], { cwd: folder });
      write(join(folder, "dist"), { "index.html": '<!doctype html><script defer src="main.js"></script>' });
      return answersIn(join(folder, "dist"));
    },
  },
  {
    name: "webpack of sepconv/lean",
    async answers() {
      const tool = await tools("webpack", ["webpack@5", "webpack-cli@7"]);
      const folder = await leanProject(tool);
      await run(bin(tool, "webpack"), ["--mode", "production", "--entry", "./main.js"], { cwd: folder });
      write(join(folder, "dist"), { "index.html": '<!doctype html><script defer src="main.js"></script>' });
      return answersIn(join(folder, "dist"));
    },
  },
  {
    name: "webpack for Node",
    async answers() {
      const tool = await tools("webpack", ["webpack@5", "webpack-cli@7"]);
      const folder = await nodeProgram("webpack-node", tool);
      write(folder, { "package.json": "{}" });
      await run(bin(tool, "webpack"), ["--mode", "production", "--target", "node", "--entry", "./program.mjs"], {
        cwd: folder,
      });
      const text = await node(["dist/main.js"], { cwd: folder });
      return { node: lastLine(text) };
    },
  },
  {
    name: "Parcel",
    async answers() {
      const tool = await tools("parcel", ["parcel@2"]);
      const folder = await pageProject("parcel", tool, { "package.json": '{ "private": true }' });
      await run(bin(tool, "parcel"), ["build", "index.html", "--no-cache", "--no-source-maps"], {
        cwd: folder,
        env: { PARCEL_WORKERS: "1" },
      });
      return answersIn(join(folder, "dist"));
    },
  },
  {
    name: "Bun's bundler for browsers",
    async answers() {
      const tool = await tools("bun", ["bun@1"]);
      const page = `import { answers } from "./answers.js";
        globalThis.answers = { page: await answers(new URL("/", location.origin)) };`;
      const folder = await pageProject("browser", tool, { "main.js": page });
      await run(bin(tool, "bun"), ["build", "main.js", "--minify", "--outdir=out"], { cwd: folder });
      cpSync(join(folder, "index.html"), join(folder, "out/index.html"));
      return answersIn(join(folder, "out"));
    },
  },
  {
    name: "Bun's bundler for Node and for Bun, and an executable",
    async answers() {
      const tool = await tools("bun", ["bun@1"]);
      const folder = await nodeProgram("executable", tool);
      await run(bin(tool, "bun"), ["build", "program.mjs", "--target=node", "--outfile=out.mjs"], { cwd: folder });
      await run(bin(tool, "bun"), ["build", "program.mjs", "--target=bun", "--outfile=bun.mjs"], { cwd: folder });
      await run(bin(tool, "bun"), ["build", "program.mjs", "--compile", "--outfile=program"], { cwd: folder });
      const apart = join(folder, "../apart-executable");
      rmSync(apart, { recursive: true, force: true });
      mkdirSync(apart);
      for (const file of ["program", "bun.mjs"]) cpSync(join(folder, file), join(apart, file));
      return {
        node: await alone(folder, "out.mjs"),
        bun: lastLine(await run(bin(tool, "bun"), ["bun.mjs"], { cwd: apart })),
        executable: lastLine(await run(join(apart, "program"), [], { cwd: apart })),
      };
    },
  },
  {
    name: "Next",
    async answers() {
      const tool = await tools("next", ["next@16", "react@19", "react-dom@19"]);
      const shared = readFileSync(new URL("../hosts/app/answers.js", import.meta.url), "utf8");
      const server = `import { readFileSync } from "node:fs";
        import * as sepconv from "sepconv"; import { fromTflite } from "sepconv/tflite"; import { conformance } from "./conformance.mjs";
        export const answers = () => conformance({ sepconv, fromTflite, read: (name) => new Uint8Array(readFileSync(process.cwd() + "/public/" + name)) }).catch((error) => error.stack);`;
      const folder = await project(".", tool, {
        "package.json": '{ "private": true }',
        "app/layout.js": "export default ({ children }) => <html><body>{children}</body></html>;",
        "app/answers.js": shared,
        "app/server.js": server,
        "app/client/page.js": `"use client"; import { useEffect } from "react"; import { answers } from "../answers.js";
          export default () => { useEffect(() => { answers(new URL("/", location.origin)).then((client) => { globalThis.answers = { client }; }); }, []); return <p>client</p>; };`,
        "app/server/page.js": `import { answers } from "../server.js"; export const dynamic = "force-dynamic";
          export default async () => <pre id="answers">{JSON.stringify(await answers())}</pre>;`,
        "app/route/route.js": `import { answers } from "../server.js"; export const dynamic = "force-dynamic";
          export const GET = async () => Response.json(await answers());`,
        "app/conformance.mjs": readFileSync(new URL("../hosts/conformance.mjs", import.meta.url), "utf8"),
      });
      mkdirSync(join(folder, "public"), { recursive: true });
      addAssets(join(folder, "public"));
      const env = { NEXT_TELEMETRY_DISABLED: "1" };
      await run(bin(tool, "next"), ["build"], { cwd: folder, env });
      const port = await freePort();
      return served(bin(tool, "next"), ["start", "-p", `${port}`, "-H", "127.0.0.1"], folder, async () => {
        const url = `http://127.0.0.1:${port}/`;
        await reached(url);
        const page = await (await fetch(`${url}server`)).text();
        const [, text] = /<pre id="answers">(.*?)<\/pre>/s.exec(page) ?? [];
        if (!text) throw new Error(`server component: expected answers, got ${page.slice(0, 1000)}`);
        return {
          ...(await answersOf(`${url}client`)),
          server: JSON.parse(text.replaceAll("&quot;", '"')),
          route: await (await fetch(`${url}route`)).json(),
        };
      });
    },
  },
  {
    name: "Jest",
    async answers() {
      const tool = await tools("jest", ["jest@30", "jest-environment-jsdom@30"]);
      // As Jest runs files by default: CommonJS, in a realm of their own.
      const conformance = readFileSync(new URL("../hosts/conformance.mjs", import.meta.url), "utf8");
      const folder = await project("jest", tool, {
        "package.json": '{ "private": true }',
        "conformance.js": `${conformance.replaceAll(/^export /gm, "")}\nmodule.exports = { conformance };`,
        "node.test.js": `
          const { readFileSync, writeFileSync } = require("node:fs");
          const sepconv = require("sepconv");
          const { fromTflite } = require("sepconv/tflite");
          const { conformance } = require("./conformance.js");
          test("answers", async () => {
            const bytes = readFileSync("node_modules/sepconv/build/sepconv.simd.wasm");
            const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
            const sources = [bytes, buffer, new WebAssembly.Module(bytes), new Blob([bytes]), new Response(bytes)];
            const read = (name) => "public/" + name;
            writeFileSync("node.json", JSON.stringify(await conformance({ sepconv, fromTflite, read, sources })));
          }, 30000);`,
        // A document without much else: no TextDecoder, so no formats, but networks run.
        "jsdom.test.js": `/** @jest-environment jsdom */
          const { build, mobilenetV1 } = require("sepconv");
          test("runs", async () => {
            const net = await build(mobilenetV1({ alpha: 0.25, resolution: 32 }));
            expect(net.run(new Float32Array(32 * 32 * 3)).output.length).toBe(1001);
          });`,
      });
      mkdirSync(join(folder, "public"), { recursive: true });
      addAssets(join(folder, "public"));
      await run(bin(tool, "jest"), ["--ci", "--runInBand"], { cwd: folder });
      return { node: JSON.parse(readFileSync(join(folder, "node.json"), "utf8")) };
    },
  },
];
