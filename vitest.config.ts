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
    // `npm run coverage`: what files of strangers pass through must be tested nearly everywhere.
    coverage: {
      provider: "v8",
      include: ["src/{engine,formats,graph,quantize,freeze,models}/**/*.ts", "src/*.ts"],
      // What only bundles have, whose tests run on them in other processes: modules as text, and the plugin for Vite.
      exclude: ["src/**/*.d.ts", "src/vite.ts", "src/engine/{kernel-inline,kernel-modules,builds,base64}.ts"],
      reporter: ["text-summary", "json-summary", "json", "html"],
      reportsDirectory: "build/coverage",
      thresholds: { statements: 93, lines: 95, functions: 95, branches: 89 },
    },
  },
});
