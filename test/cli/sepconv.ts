/**
 * Runs the built command line as its users do: as a child process that is not on a terminal.
 * @module
 */
import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, expect } from "vitest";

/** The built command line, an argument of Node. */
export const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** What a process said and how it ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `sepconv` with arguments, in this process's folder, without the flags that vitest gives to its own Node. */
export function sepconv(...args: string[]): Promise<Ended> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN}: expected the built command line, got no file; run "npm run build"`);
  const { FORCE_COLOR: _, NODE_OPTIONS: __, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

/** util-linux's `script` gives a process a terminal; others of that name take other arguments. */
const HAS_TERMINAL = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux") ?? false;

/** Whether a test must be skipped for want of a terminal; says so. */
export function missingTerminal(): boolean {
  if (!HAS_TERMINAL) console.info('skipped: tests on a terminal need "script" of util-linux');
  return !HAS_TERMINAL;
}

/** How a run on a terminal goes on. */
interface TerminalOptions {
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Ctrl+C is pressed once this has been printed. */
  readonly interruptAfter?: string;
}

/**
 * Runs `sepconv` on a terminal; answers with what came to it, stdout and stderr together, line ends as they are
 * elsewhere.
 */
export function onTerminal(
  args: readonly string[],
  { columns = 80, env: more = {}, interruptAfter }: TerminalOptions = {},
): Promise<{ readonly code: number; readonly screen: string }> {
  const { FORCE_COLOR: _, NODE_OPTIONS: __, NO_COLOR: ___, ...env } = process.env;
  const quoted = [process.execPath, MAIN, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const child = spawn("script", ["-qec", `stty cols ${columns}; exec ${quoted}`, "/dev/null"], {
    env: { ...env, TERM: "xterm", SHELL: "/bin/sh", ...more },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let screen = "";
  let pressed = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
    if (interruptAfter === undefined || pressed || !screen.includes(interruptAfter)) return;
    pressed = true;
    child.stdin.write("\x03");
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, screen: screen.replaceAll("\r\n", "\n") }));
  });
}

/** What a successful run printed with --json. */
export async function json(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await sepconv(...args, "--json");
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

/** The one line that a failing run must print on stderr, and nothing on stdout; without its beginning. */
export async function failure(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await sepconv(...args);
  expect(stderr).toMatch(/^sepconv: \P{Cc}+\n$/u);
  expect(stdout).toBe("");
  expect(code).toBe(1);
  return stderr.slice("sepconv: ".length, -1);
}

/** A folder that is gone after the file's tests. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sepconv-cli-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Path of something beside this checkout, or `undefined`, saying so, where it is missing. */
export function shared(name: string): string | undefined {
  const path = fileURLToPath(new URL(`../../../shared/${name}`, import.meta.url));
  if (existsSync(path)) return path;
  console.info(`skipped: ../shared/${name} is not beside this checkout`);
  return undefined;
}
