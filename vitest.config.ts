import { readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

// Node 20 has relaxed SIMD behind a flag; later ones have it for good and may drop the flag.
const [major = 0] = process.versions.node.split(".").map(Number);
const execArgv = major < 22 ? ["--experimental-wasm-relaxed-simd"] : [];

export default defineConfig({
  define: { __VERSION__: JSON.stringify(JSON.parse(readFileSync("package.json", "utf8")).version) },
  test: { include: ["test/**/*.test.ts"], pool: "forks", maxWorkers: "100%", execArgv, testTimeout: 120_000, hookTimeout: 120_000 },
});
