/** Pages in Chromium, served from a folder. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { ASSETS, Missing, tools } from "./tools.mjs";

const CHROMIUM = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".css": "text/css",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".jpg": "image/jpeg",
};

let browser;

function launched() {
  browser ??= launch();
  return browser;
}

/** A browser of one's own, for what is decided when it starts; to be closed by who started it. */
export async function launch(flags = []) {
  const executablePath = CHROMIUM.find((path) => path && existsSync(path));
  if (!executablePath) throw new Missing("Chromium: expected /usr/bin/chromium, or the variable CHROMIUM");
  const folder = await tools("playwright", ["playwright-core@1"]);
  const { chromium } = createRequire(join(folder, "x.js"))("playwright-core");
  return chromium.launch({
    executablePath,
    args: [
      ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
      ...["--disable-component-update", "--disable-sync", ...flags],
    ],
  });
}

export async function closeBrowser() {
  if (browser) await (await browser.catch(() => undefined))?.close();
}

/** Serves a folder, and the examples' assets at its root. As servers of single pages do, HTML for what is not there. */
export async function serve(folder, headers = {}) {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://host").pathname);
    const file = [join(folder, path), join(folder, path, "index.html"), join(ASSETS, path)].find(
      (each) => existsSync(each) && statSync(each).isFile(),
    );
    const type = file ? (TYPES[extname(file)] ?? "application/octet-stream") : "text/html";
    response.writeHead(200, { "content-type": type, ...headers });
    response.end(file ? readFileSync(file) : "<!doctype html><title>single page</title>");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** What a page leaves in `globalThis.answers`. */
export async function answersOf(url) {
  const page = await (await launched()).newPage();
  const told = [];
  page.on("console", (message) => told.push(message.text()));
  page.on("pageerror", (error) => told.push(`uncaught ${error.message}`));
  try {
    await page.goto(url);
    await page.waitForFunction(() => globalThis.answers !== undefined, undefined, { timeout: 60_000 });
    return await page.evaluate(() => globalThis.answers);
  } catch (error) {
    throw new Error(`${error.message}\nthe page said: ${told.join("\n")}`);
  } finally {
    await page.close();
  }
}

/** What an element of a page says, once it says something. */
export async function textOf(url, selector) {
  const page = await (await launched()).newPage();
  const told = [];
  page.on("console", (message) => told.push(message.text()));
  page.on("pageerror", (error) => told.push(`uncaught ${error.message}`));
  try {
    await page.goto(url);
    const said = (selector) => document.querySelector(selector)?.textContent;
    await page.waitForFunction(said, selector, { timeout: 30_000 });
    return await page.evaluate(said, selector);
  } catch (error) {
    throw new Error(`${error.message}\nthe page said: ${told.join("\n")}`);
  } finally {
    await page.close();
  }
}

/** What a page leaves, of a folder that is served for it. */
export async function answersIn(folder, headers) {
  const server = await serve(folder, headers);
  try {
    return await answersOf(server.url);
  } finally {
    server.close();
  }
}
