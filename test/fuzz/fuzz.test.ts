/** A short run of the fuzzer on all formats, and all files that it ever found. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { processorTime } from "../processor-time.ts";
import { attempt, kept } from "./attempt.ts";
import { mutated } from "./mutate.ts";
import { FORMATS, seedsOf } from "./seeds.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FOUND = fileURLToPath(new URL("found/", import.meta.url));

describe("mutated files", () => {
  it("are the same for the same number, and sound ones are taken", async () => {
    for (const format of FORMATS) {
      const seeds = await seedsOf(format, 2 ** 16);
      for (const seed of seeds) {
        const [one, two] = [mutated(seed, seeds, 7), mutated(seed, seeds, 7)];
        for (const [name, bytes] of Object.entries(one)) expect(Buffer.compare(bytes, two[name]!)).toBe(0);
        if (format === "picture") continue;
        expect(await attempt(format, seed), `a sound ${format}`).toBe("loaded");
      }
    }
  });

  it("load or are refused by our errors, in time and within memory: 150 of each format", () => {
    // Throws, with what was found, when the exit code is not 0.
    const printed = execFileSync(process.execPath, ["scripts/fuzz.mjs", "--count", "150", "--seed", "3"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    console.info(printed);
    expect(printed.match(/150 files/g)).toHaveLength(FORMATS.length);
  });
});

describe("files that were not treated rightly once", () => {
  const files = existsSync(FOUND) ? readdirSync(FOUND).filter((name) => name.endsWith(".json")) : [];
  for (const name of files) {
    it(name, async () => {
      const { format, files } = kept(`${FOUND}${name}`);
      const start = processorTime();
      await attempt(format, files);
      expect(processorTime() - start).toBeLessThan(2000);
    });
  }
  it.skipIf(files.length > 0)("are none so far", () => expect(files).toEqual([]));
});
