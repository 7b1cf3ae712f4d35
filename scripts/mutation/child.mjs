/**
 * One process of tests that are run again and again, each time with another change switched on. What it is told:
 * { dry: true } to run all tests once; { mutants: [{ number, tests }] } to try changes, each by the tests named.
 * @module
 */
import { run, tests } from "./vitest.mjs";

const state = { active: -1, reached: new Set() };

globalThis.sepconvMutation = {
  is(number) {
    state.reached.add(number);
    return number === state.active;
  },
};

/**
 * @param {{ activate?(number: number): void, reached?(): Iterable<number|string> }} hooks of kernels, which are no
 *   JavaScript
 */
export function serve(hooks = {}) {
  process.on("unhandledRejection", () => {});
  process.on("uncaughtException", () => {});
  process.on("message", async (job) => {
    if (job.dry) {
      await run(tests, {
        onTest(each, failure, ms) {
          const reached = [...(hooks.reached?.() ?? state.reached)];
          state.reached.clear();
          process.send({ test: tests.indexOf(each), name: each.name, file: each.file, failure, ms, reached });
        },
      });
      return void process.send({ done: true });
    }
    if (job.list) return void process.send({ list: tests.map(({ name, file }, test) => ({ test, name, file })) });
    for (const { number, tests: list } of job.mutants) {
      process.send({ trying: number });
      let rest = list.map((i) => tests[i]);
      let killed;
      while (rest.length > 0) {
        state.active = number;
        hooks.activate?.(number);
        killed = await run(rest);
        state.active = -1;
        hooks.activate?.(0);
        // A test that fails without the change, too, says nothing about it.
        const at = killed ? rest.findIndex(({ name }) => name === killed.name) : -1;
        if (at < 0 || !(await run([rest[at]]))) break;
        rest = rest.slice(at + 1);
        killed = undefined;
      }
      process.send({ number, killed: killed ? `${killed.name}: ${killed.failure}` : undefined });
    }
    process.send({ done: true });
  });
  process.send({ ready: true });
}
