import { defineConfig } from "vitest/config";

// Node 20 has relaxed SIMD behind a flag; later ones have it for good and may drop the flag.
const [major = 0] = process.versions.node.split(".").map(Number);

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: "100%",
    execArgv: major < 22 ? ["--experimental-wasm-relaxed-simd"] : [],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
