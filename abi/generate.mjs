/**
 * Writes what stands in `abi/table.mjs` and `abi/train.mjs` into both sides and a reference page: `npm run abi`. With
 * `--check` it writes nothing, and fails where a file is not what the tables say.
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as table from "./table.mjs";
import * as training from "./train.mjs";
import { assembly, index, layout } from "./write-assembly.mjs";
import { host } from "./write-host.mjs";
import { page } from "./write-page.mjs";
import { trainAssembly, trainHost, trainLayout } from "./write-train.mjs";

/** @typedef {typeof table} Table */

const ROOT = new URL("../", import.meta.url);

/**
 * The files that the table stands for.
 * @param {Table} from
 * @returns {Record<string, string>} texts by path
 */
export function generate(from = table) {
  return {
    "assembly/abi.ts": assembly(from),
    "assembly/index.ts": index(from),
    "assembly/layout.ts": layout(from),
    "src/engine/abi.ts": host(from),
    "docs/abi.md": page(from),
    "assembly/train/abi.ts": trainAssembly(training),
    "assembly/train/layout.ts": trainLayout(training),
    "src/train/abi.ts": trainHost(training),
  };
}

/**
 * How files differ from what the table says: a line for each that does.
 * @param {Record<string, string>} expected
 * @param {(path: string) => string} read
 */
export function differences(expected, read = readFile) {
  return Object.entries(expected).flatMap(([path, text]) => {
    const [is, should] = [read(path).split("\n"), text.split("\n")];
    const at = should.findIndex((line, i) => line !== is[i]);
    if (at < 0 && is.length === should.length) return [];
    const line = at < 0 ? should.length : at;
    const count = should.filter((line, i) => line !== is[i]).length + Math.max(0, is.length - should.length);
    return [
      `${path}: ${count} lines differ, from line ${line + 1} on\n  is:     ${is[line]}\n  should: ${should[line]}`,
    ];
  });
}

function readFile(path) {
  try {
    return readFileSync(new URL(path, ROOT), "utf8");
  } catch {
    return "";
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = generate();
  if (process.argv.includes("--check")) {
    const found = differences(files);
    if (found.length > 0) {
      console.error(`${found.join("\n")}\nThe ABI's files are not what abi/table.mjs says: npm run abi writes them.`);
      process.exit(1);
    }
  } else {
    for (const [path, text] of Object.entries(files)) writeFileSync(new URL(path, ROOT), text);
  }
}
