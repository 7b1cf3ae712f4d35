/**
 * Runs a job in another engine: a process of Node, Deno or Bun, or a page of Chromium.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ENGINES } from "../peers/engines.mjs";

const exec = promisify(execFile);
const TIMEOUT = 300_000;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/**
 * `name=path` of an engine's executable; its name says what it is: node…, deno…, bun…, chromium…. Alone it is this
 * process's own Node.
 */
export function parseEngine(text) {
  const [name, path = process.execPath] = text.split("=");
  if (!/^(node|deno|bun|chromium)/.test(name)) {
    throw new RangeError(`--engines: expected node…, deno…, bun… or chromium…, each with =PATH, got ${text}`);
  }
  return { name, path };
}

/**
 * This process's own Node, and the engines beside it: those that `npm run bench:peers` installs, and an installed
 * Chromium.
 */
export function allEngines() {
  const engines = [{ name: `node${process.versions.node.split(".")[0]}`, path: process.execPath }];
  const missing = [];
  for (const { key, command } of ENGINES.filter(({ key }) => key !== "node20")) {
    try {
      engines.push({ name: key, path: command()[0] });
    } catch (error) {
      missing.push({ engine: key, variant: "all", reason: `${error.message} (npm run bench:peers installs it)` });
    }
  }
  const path = [process.env.CHROMIUM, "/usr/bin/chromium"].find((candidate) => candidate && existsSync(candidate));
  if (path) engines.push({ name: "chromium", path });
  else missing.push({ engine: "chromium", variant: "all", reason: "expected it installed, or its path in CHROMIUM" });
  return { engines, missing };
}

/** What `measure` answers for the job in that engine, with the engine's `version`. */
export async function runIn({ name, path }, job) {
  if (name.startsWith("chromium")) return runInPage(path, job);
  const folder = mkdtempSync(join(tmpdir(), "sepconv-bench-"));
  try {
    const file = join(folder, "job.json");
    writeFileSync(file, JSON.stringify(job));
    const version = (await exec(path, ["--version"])).stdout.split("\n")[0].split(" (")[0].trim();
    const { stdout } = await exec(path, [...flags(name, version, job), here("worker.mjs"), file], {
      timeout: TIMEOUT,
      maxBuffer: 1 << 26,
    });
    return { version, ...JSON.parse(stdout.trimEnd().split("\n").at(-1)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function flags(name, version, { variant }) {
  if (name.startsWith("deno")) return ["run", "--quiet", "--allow-all"];
  // Node 20 has relaxed SIMD behind a flag.
  return variant === "relaxed" && /^v20\./.test(version) ? ["--experimental-wasm-relaxed-simd"] : [];
}

async function runInPage(executablePath, job) {
  const { chromium } = await import("playwright-core").catch(
    () => import(new URL("../peers/node_modules/playwright-core/index.mjs", import.meta.url)),
  );
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  });
  const server = createServer(({ url }, response) => {
    // A page that is isolated gets a clock of 5 µs instead of 100.
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
    response.setHeader("content-type", url === "/measure.mjs" ? "text/javascript" : "text/html");
    response.end(url === "/measure.mjs" ? readFileSync(here("measure.mjs")) : "<!doctype html>");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    const result = await page.evaluate(async (job) => (await import("/measure.mjs")).measure(job), job);
    return { version: browser.version(), ...result };
  } finally {
    await browser.close();
    server.close();
  }
}
