/**
 * What the tests of hosts and bundlers stand on: a folder outside the project, where tools are installed and projects
 * are made that have the packed package and nothing else of ours.
 */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const ASSETS = join(ROOT, "examples/assets");
export const CACHE = process.env.SEPCONV_HOSTS_CACHE ?? join(tmpdir(), "sepconv-hosts");
const PROJECTS = join(CACHE, "projects");

const execute = promisify(execFile);

/** A host that is not to be had here, which is not the same as one that fails. */
export class Missing extends Error {}

/**
 * Runs a program to its end.
 * @returns what it printed
 * @throws with all that it printed, when it fails
 */
export async function run(command, args, { cwd = CACHE, env = {}, timeout = 240_000 } = {}) {
  try {
    const options = { cwd, timeout, maxBuffer: 1 << 26, env: { ...process.env, ...env } };
    return (await execute(command, args, options)).stdout.trim();
  } catch (error) {
    throw new Error(
      `${command} ${args.join(" ")}: ${`${error.stdout ?? ""}\n${error.stderr ?? error.message}`.trim()}`,
    );
  }
}

/** Node, on another version of it too. */
export const node = (args, options) => run(process.execPath, args, options);

/** Installs packages into a folder of their own in the cache, once; answers that folder. */
export async function tools(name, packages, flags = []) {
  const folder = join(CACHE, name);
  const stamp = join(folder, "installed");
  const wanted = packages.join("\n");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  await run("npm", ["install", "--no-audit", "--no-fund", "--no-save", "--silent", ...flags, ...packages], {
    cwd: folder,
  });
  writeFileSync(stamp, wanted);
  return folder;
}

/** A program of an installed package. */
export const bin = (folder, name) => join(folder, "node_modules/.bin", name);

let packed;

/** The packed package, as `npm install` would put it there; packed once. */
export async function packedFile() {
  packed ??= (async () => {
    mkdirSync(PROJECTS, { recursive: true });
    const out = await run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", PROJECTS], {
      cwd: ROOT,
    });
    return join(PROJECTS, out.split("\n").at(-1));
  })();
  return packed;
}

/**
 * A new project that has the packed package, and tools of the cache.
 * @param name of its folder; "." for that of the tools, for those that look for themselves in the project's own
 * @param files by their names: what is in them
 */
export async function project(name, toolFolder, files = {}) {
  const folder = name === "." ? toolFolder : join(toolFolder ?? PROJECTS, "projects", name);
  rmSync(name === "." ? join(folder, "node_modules/sepconv") : folder, { recursive: true, force: true });
  mkdirSync(join(folder, "node_modules/sepconv"), { recursive: true });
  await run("tar", ["-xzf", await packedFile(), "-C", join(folder, "node_modules/sepconv"), "--strip-components=1"]);
  write(folder, { "package.json": JSON.stringify({ private: true, type: "module" }), ...files });
  return folder;
}

/** Writes files, by their names. */
export function write(folder, files) {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(folder, file, ".."), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
}

/** The same, with the program that a page runs, and a worker of it. */
export async function pageProject(name, toolFolder, files = {}) {
  const folder = await project(name, toolFolder, files);
  cpSync(join(ROOT, "test/hosts/app"), folder, { recursive: true, force: false });
  cpSync(join(ROOT, "test/hosts/conformance.mjs"), join(folder, "conformance.mjs"));
  return folder;
}

/** Puts what pages fetch beside them. */
export function addAssets(folder) {
  for (const name of readdirSync(ASSETS)) cpSync(join(ASSETS, name), join(folder, name));
}
