/**
 * Stands for vitest where tests run again and again in one process: it collects them, with the matchers of vitest
 * itself.
 * @module
 */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  GLOBAL_EXPECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from "@vitest/expect";
import { fn, restoreAllMocks, spyOn } from "@vitest/spy";

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

export const expect = (value, message) => chai.expect(value, message);
Object.assign(expect, chai.expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT]);
expect.fail = chai.expect.fail;
expect.assertions = () => {};
expect.hasAssertions = () => {};
globalThis[GLOBAL_EXPECT] = expect;
setState({ assertionCalls: 0, isExpectingAssertions: false, expectedAssertionsNumber: null, testPath: "" }, expect);

/** All tests that were collected: { file, name, run, scopes }. */
export const tests = [];
let file = "";
let scopes = [{ name: "", before: [], after: [], beforeEach: [], afterEach: [] }];

/** Collects what a file declares. */
export async function collect(name, load) {
  file = name;
  scopes = [{ name, before: [], after: [], beforeEach: [], afterEach: [] }];
  await load();
}

function declare(name, body) {
  if (typeof body !== "function") return;
  const own = [...scopes];
  tests.push({ file, name: [...own.map((scope) => scope.name), name].join(" › "), run: body, scopes: own });
}

const words = (name, values, index) =>
  `${String(name).replace(/%[sdifjo]/g, () => String(values.shift?.()))} #${index}`;

export function it(name, ...rest) {
  declare(
    name,
    rest.find((each) => typeof each === "function"),
  );
}
const each = (to) => (table) => (name, body) => {
  for (const [i, row] of [...table].entries()) {
    const values = Array.isArray(row) ? row : [row];
    to(words(name, [...values], i), (...context) => body(...values, ...context));
  }
};
it.each = each(it);
it.for = (table) => (name, body) => {
  for (const [i, row] of [...table].entries()) it(words(name, [row], i), () => body(row, { expect }));
};
it.skip = it.todo = () => {};
it.skipIf = (skipped) => (skipped ? it.skip : it);
it.runIf = (runs) => (runs ? it : it.skip);
it.skipIf.each = it.each;
it.concurrent = it.sequential = it;
it.skip.each = () => () => {};
export const test = it;

export function describe(name, body) {
  const outer = scopes;
  scopes = [...outer, { name: String(name), before: [], after: [], beforeEach: [], afterEach: [] }];
  body();
  scopes = outer;
}
describe.each = each(describe);
describe.skip = () => {};
describe.skip.each = () => () => {};
describe.skipIf = (skipped) => (skipped ? describe.skip : describe);
describe.runIf = (runs) => (runs ? describe : describe.skip);
describe.sequential = describe;

export const beforeAll = (body) => scopes.at(-1).before.push(body);
export const afterAll = (body) => scopes.at(-1).after.push(body);
export const beforeEach = (body) => scopes.at(-1).beforeEach.push(body);
export const afterEach = (body) => scopes.at(-1).afterEach.push(body);

const stubbed = new Map();
export const vi = {
  fn,
  spyOn,
  restoreAllMocks,
  clearAllMocks: restoreAllMocks,
  setConfig() {},
  stubGlobal(name, value) {
    if (!stubbed.has(name)) stubbed.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  },
  unstubAllGlobals() {
    for (const [name, was] of stubbed) {
      if (was) Object.defineProperty(globalThis, name, was);
      else delete globalThis[name];
    }
    stubbed.clear();
  },
  async waitFor(body, { timeout = 1000, interval = 20 } = {}) {
    for (const end = performance.now() + timeout; ; ) {
      try {
        return await body();
      } catch (error) {
        if (performance.now() > end) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, interval));
    }
  },
};

/**
 * Runs tests until one fails; resolves to its name and what it said, or to undefined. `ready` are the scopes whose
 * hooks ran already, `timeout` milliseconds that a test may take.
 */
export async function run(list, { timeout = 30_000, ready = new Set(), onTest } = {}) {
  for (const each of list) {
    const began = performance.now();
    let failure;
    try {
      for (const scope of each.scopes) {
        if (ready.has(scope)) continue;
        ready.add(scope);
        for (const body of scope.before) await within(timeout, body());
      }
      for (const scope of each.scopes) for (const body of scope.beforeEach) await within(timeout, body());
      await within(timeout, each.run({ expect, skip() {}, signal: new AbortController().signal }));
    } catch (error) {
      failure = String(error?.message ?? error).slice(0, 300);
    }
    for (const scope of each.scopes) for (const body of scope.afterEach) await Promise.resolve(body()).catch(() => {});
    const stop = onTest?.(each, failure, performance.now() - began);
    if (failure !== undefined && !stop && !onTest) return { name: each.name, failure };
  }
  return undefined;
}

function within(ms, promise) {
  if (!(promise instanceof Promise)) return promise;
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
