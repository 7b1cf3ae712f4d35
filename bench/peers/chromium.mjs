/**
 * Chromium as a host: serves the project, the bundled page and the peers' wasm files to it on the loopback interface,
 * isolated across origins, since only then a page's clock ticks in 5 µs instead of 100.
 */
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("../../", import.meta.url));
const here = fileURLToPath(new URL("./", import.meta.url));

const PATHS = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Headless in a container, and nothing in the background that would share the processor. */
const FLAGS = [
  ..."--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking".split(" "),
  ..."--disable-component-update --disable-sync --disable-extensions --disable-background-timer-throttling".split(" "),
];

const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm" };

const HTML = `<!doctype html><meta charset="utf-8"><title>sepconv bench</title><link rel="icon" href="data:,">
<script type="importmap">{"imports": {"@assemblyscript/loader": "/node_modules/@assemblyscript/loader/index.js", "fflate": "/node_modules/fflate/esm/browser.js", "flatbuffers": "/node_modules/flatbuffers/mjs/flatbuffers.js"}}</script>
<script type="module" src="/bench/peers/PAGE.js"></script>`;

/**
 * Starts the browser. @returns `version`, `measure(options)` for one network or file (`model`, base64) in a fresh page,
 * `coldStart(name, folder)` for one contender in a fresh browser with its models in `folder`, `screenshot`, `close`
 */
export async function startChromium() {
  const executablePath = PATHS.find((path) => path && existsSync(path));
  if (!executablePath) {
    throw new Error("chromium: expected it installed (apt-get install chromium, or its path in CHROMIUM), got none");
  }
  const { chromium } = await import("playwright-core");
  const folders = servedFolders();
  const server = await serve(await bundle(), folders);
  const launch = () => chromium.launch({ executablePath, args: FLAGS });
  const browser = await launch().catch((error) => {
    server.close();
    throw error;
  });
  const origin = `http://127.0.0.1:${server.address().port}`;
  const litertVersion = JSON.parse(readFileSync(join(litertFolder(), "package.json"), "utf8")).version;
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return {
    version: browser.version(),
    measure: async (options, log) => {
      const page = await browser.newPage();
      try {
        page.on("console", (message) => message.text().includes("left out") && log(message.text()));
        await page.goto(`${origin}/page`);
        await page.waitForFunction("globalThis.measureNetwork !== undefined", undefined, { timeout: 30_000 });
        const given = { ...options, litertVersion, version };
        if (options.model) return await page.evaluate((all) => globalThis.measureModel(all), given);
        return await page.evaluate((all) => globalThis.measureNetwork(all), given);
      } finally {
        await page.close();
      }
    },
    coldStart: async (name, folder) => {
      folders["/cold/"] = folder;
      const fresh = await launch();
      try {
        const page = await fresh.newPage();
        await page.goto(`${origin}/page-cold`);
        await page.waitForFunction("globalThis.coldStart !== undefined", undefined, { timeout: 30_000 });
        return await page.evaluate((given) => globalThis.coldStart(given), name);
      } finally {
        await fresh.close();
      }
    },
    screenshot: async (svg, path, { width, height, dark }) => {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme: dark ? "dark" : "light" });
      await page.setContent(`<body style="margin:0;background:${dark ? "#0d1117" : "#fff"}">${svg}</body>`);
      await page.screenshot({ path });
      await page.close();
    },
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}

/**
 * The pages with the peers in them, by the path they are served at. sepconv stays outside, as it is, where it is timed;
 * for cold starts it is bundled like the others, as its users would do it.
 */
async function bundle() {
  const { build } = await import("esbuild");
  const entries = [
    { entry: "page.mjs", external: ["../../dist/*"] },
    { entry: "page-cold.mjs", external: [] },
  ];
  const pages = new Map();
  for (const { entry, external } of entries) {
    const { outputFiles } = await build({
      ...{ entryPoints: [join(here, entry)], external, outdir: here, write: false, logLevel: "error" },
      ...{ bundle: true, splitting: true, minify: true, format: "esm", platform: "browser", target: "esnext" },
      // bench/tfjs.mjs starts tfjs in Node, too; the page does not use that half of it.
      plugins: [withoutNode],
    });
    for (const { path, contents } of outputFiles) pages.set(`/bench/peers/${basename(path)}`, contents);
  }
  return pages;
}

const withoutNode = {
  name: "without Node's modules",
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: "node", sideEffects: false }));
    build.onLoad({ filter: /.*/, namespace: "node" }, () => ({
      contents: "export const createRequire = undefined, dirname = undefined;",
    }));
  },
};

function litertFolder() {
  const entry = fileURLToPath(import.meta.resolve("@litertjs/core"));
  return dirname(dirname(entry));
}

function servedFolders() {
  return {
    "/litert/": join(litertFolder(), "wasm"),
    "/tfjs/": dirname(require.resolve("@tensorflow/tfjs-backend-wasm")),
    "/dist/": join(root, "dist"),
    "/build/": join(root, "build"),
    "/node_modules/@assemblyscript/loader/": join(root, "node_modules/@assemblyscript/loader"),
    "/node_modules/fflate/": join(root, "node_modules/fflate"),
    "/node_modules/flatbuffers/": join(root, "node_modules/flatbuffers"),
  };
}

function serve(pages, folders) {
  const contentOf = (path) => {
    if (path === "/page" || path === "/page-cold") return HTML.replace("PAGE", path.slice(1));
    if (pages.has(path)) return pages.get(path);
    const folder = Object.keys(folders).find((prefix) => path.startsWith(prefix));
    if (!folder || path.includes("..")) return undefined;
    const file = join(folders[folder], path.slice(folder.length));
    return existsSync(file) ? readFileSync(file) : undefined;
  };
  const server = createServer(({ url }, response) => {
    const path = new URL(url, "http://127.0.0.1").pathname;
    const content = contentOf(path);
    response.writeHead(content === undefined ? 404 : 200, {
      "content-type": TYPES[extname(path)] ?? (path.startsWith("/page") ? "text/html" : "application/octet-stream"),
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    response.end(content);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}
