/**
 * `npm run test:hosts [word …]`: the packed package on every host and behind every bundler that its README names, each
 * in a new project with nothing configured. Tools are installed into a folder outside of this one
 * (`SEPCONV_HOSTS_CACHE`, by default in the folder for temporary files). With words, only cases whose names have one.
 *
 * A host that is not to be had here is said to be missing, and no failure, unless SEPCONV_REQUIRE_ALL is 1; one that
 * comes from another registry than npm's or the distribution's is optional even then.
 */
import { isDeepStrictEqual } from "node:util";
import { examples } from "../bundlers/examples.mjs";
import { bundlers } from "../bundlers/index.mjs";
import { types } from "../bundlers/types.mjs";
import { closeBrowser } from "./browser.mjs";
import { EXPECTED } from "./conformance.mjs";
import { frozen } from "./frozen.mjs";
import { hosts } from "./hosts.mjs";
import { litert } from "./litert.mjs";
import { pages } from "./page.mjs";
import { threads } from "./threads.mjs";
import { Missing } from "./tools.mjs";
import { workers } from "./workers.mjs";
import { worklets } from "./worklet.mjs";

const words = process.argv.slice(2);
const browsers = [...workers, ...worklets, ...pages];
const all = [...hosts, ...threads, ...browsers, ...frozen, ...litert, ...bundlers, ...types, ...examples];
const cases = all.filter(
  ({ name }) => words.length === 0 || words.some((word) => name.toLowerCase().includes(word.toLowerCase())),
);
if (cases.length === 0) throw new Error(`expected a word of a case's name, got ${words.join(" ")}`);

/** @throws with what differs */
function check(where, answers) {
  if (isDeepStrictEqual(answers, EXPECTED)) return;
  throw new Error(`${where}: expected ${JSON.stringify(EXPECTED)}, got ${JSON.stringify(answers, null, 1)}`);
}

const results = { works: [], fails: [], missing: [], optional: [] };
for (const { name, answers, optional = false } of cases) {
  const start = performance.now();
  const time = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  try {
    // Cases that answer with nothing say by themselves what is wrong.
    const all = await answers();
    for (const [where, each] of Object.entries(all ?? {})) check(where, each);
    results.works.push(name);
    console.log(`✓ ${name} (${all ? Object.keys(all).join(", ") : "checked"}; ${time()})`);
  } catch (error) {
    const kind = error instanceof Missing ? "missing" : "fails";
    results[optional && kind === "missing" ? "optional" : kind].push(name);
    console.log(`${kind === "missing" ? "MISSING" : "✗"} ${name} (${time()}): ${error.message}`);
  }
}
await closeBrowser();
const { works, fails, missing, optional } = results;
console.log(
  `${works.length} work, ${fails.length} fail, ${missing.length + optional.length} are missing here: ${[...missing, ...optional].join(", ") || "none"}`,
);
process.exit(fails.length > 0 || (missing.length > 0 && process.env.SEPCONV_REQUIRE_ALL === "1") ? 1 : 0);
