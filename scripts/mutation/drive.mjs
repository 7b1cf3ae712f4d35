/**
 * Tries changes in a child process, one after the other; a change that makes the tests go on for ever is one that is
 * noticed, and costs a new process.
 * @module
 */
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * Seconds of the processor without a word until a change counts as endless; where the host does not tell them, seconds
 * that went by, counted one by one.
 */
const ENDLESS = 20;

/** Seconds of the processor that a process has taken; undefined where that cannot be asked. */
export function processorSeconds(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return undefined;
  }
}

function start(path, execArgv) {
  const child = fork(path, { stdio: ["ignore", "ignore", "ignore", "ipc"], execArgv });
  return child;
}

/** All tests once, without a change: what each of them reaches, how long it takes, whether it passes. */
export function dryRun(path, execArgv = []) {
  return new Promise((resolve, reject) => {
    const child = start(path, execArgv);
    const results = [];
    child.on("message", (message) => {
      if (message.ready) child.send({ dry: true });
      else if (message.done) {
        child.kill();
        resolve(results);
      } else results.push(message);
    });
    child.on("exit", (code, signal) =>
      reject(new Error(`the tests ended with ${code ?? signal} after ${results.length}`)),
    );
  });
}

/** What tests there are: [{ test, name, file }]. */
export function listOf(path, execArgv = []) {
  return new Promise((resolve, reject) => {
    const child = start(path, execArgv);
    child.on("message", (message) => {
      if (message.ready) return void child.send({ list: true });
      child.kill();
      resolve(message.list);
    });
    child.on("exit", (code, signal) => reject(new Error(`the tests ended with ${code ?? signal}`)));
  });
}

/** @param mutants [{ number, tests }] @param onResult called with (number, what killed it or undefined) */
export async function tryAll(path, mutants, onResult, execArgv = []) {
  const left = [...mutants];
  while (left.length > 0) {
    await new Promise((resolve) => {
      const child = start(path, execArgv);
      let [current, silent, ticks] = [undefined, 0, 0];
      const seconds = () => processorSeconds(child.pid) ?? ticks;
      const timer = setInterval(() => {
        ticks++;
        if (seconds() - silent > ENDLESS + (current === undefined ? 60 : 0)) child.kill("SIGKILL");
      }, 1000);
      child.on("message", (message) => {
        silent = seconds();
        if (message.ready) child.send({ mutants: left });
        else if (message.trying !== undefined) current = message.trying;
        else if (message.number !== undefined) {
          left.splice(
            left.findIndex(({ number }) => number === message.number),
            1,
          );
          onResult(message.number, message.killed);
        } else if (message.done) child.kill();
      });
      child.on("exit", () => {
        clearInterval(timer);
        const at = left.findIndex(({ number }) => number === current);
        if (at >= 0) {
          left.splice(at, 1);
          onResult(current, "it ended the process, or went on for ever");
        } else if (current === undefined) {
          throw new Error("the tests could not be started");
        }
        resolve();
      });
    });
  }
}

/** A sample of `count` of a list, the same for the same seed. */
export function sampleOf(list, count, seed) {
  let state = (seed * 2654435761 + 1) >>> 0;
  const next = () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return (state ^ (state >>> 12)) >>> 0;
  };
  const keyed = list.map((each) => [next(), each]).sort((a, b) => a[0] - b[0]);
  return keyed.slice(0, count).map(([, each]) => each);
}
