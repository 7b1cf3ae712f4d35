/**
 * The hosts that run JavaScript from a command line, and how to start each: this process's own Node, and those that the
 * peers' package.json brings.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const exec = promisify(execFile);
const CELL_TIMEOUT = 120_000;

const installed = (path) => fileURLToPath(new URL(`node_modules/${path}`, import.meta.url));

/** Where a host's executable may lie, what goes before a script's name, and whether the peers run there too. */
export const ENGINES = [
  {
    key: "node20",
    peers: true,
    command: () => {
      if (process.versions.node.startsWith("20.")) return [process.execPath];
      throw new Error(`node20: expected this bench to be run by Node 20 for that column, got ${process.version}`);
    },
  },
  { key: "node", peers: true, command: () => [found("node", "node/bin/node", "node/bin/node.exe")] },
  {
    key: "deno",
    peers: false,
    command: () => [found("deno", "deno/deno", "deno/deno.exe"), "run", "--quiet", "--allow-all"],
  },
  {
    key: "bun",
    peers: false,
    command: () => [found("bun", "bun/bin/bun.exe", `@oven/bun-${process.platform}-${process.arch}/bin/bun`)],
  },
];

function found(key, ...paths) {
  const path = paths.map(installed).find((candidate) => existsSync(candidate));
  if (path) return path;
  throw new Error(`${key}: expected its npm package with its executable in bench/peers/node_modules, got none`);
}

/** Runs a script of the bench and gives the JSON of its last line; what it prints before goes to `log`. */
export async function start({ command }, script, args, log = () => {}) {
  const [path, ...before] = command();
  const options = {
    timeout: CELL_TIMEOUT,
    killSignal: "SIGKILL",
    maxBuffer: 1 << 26,
    env: { ...process.env, NO_COLOR: "1" },
  };
  const { stdout } = await exec(path, [...before, script, ...args], options).catch((error) => {
    const reason = error.killed ? `took longer than ${CELL_TIMEOUT / 1000} s` : errorLine(error);
    throw new Error(`${path.split("/").at(-1)}: ${reason}`);
  });
  const lines = stdout.trimEnd().split("\n");
  for (const line of lines.slice(0, -1)) if (line) log(line);
  return JSON.parse(lines.at(-1));
}

/** The line of a dead process's output that names the error. */
function errorLine({ stderr = "", message }) {
  const lines = stderr.split("\n");
  return (
    lines.find((line) => /^\w*error:/i.test(line)) ??
    lines.find((line) => /error/i.test(line)) ??
    message.split("\n")[0]
  );
}
