/**
 * `npm run reproducible`: builds the kernels twice, in folders of different names, and compares all modules with each
 * other and with those of `build/`, byte by byte. Prints their SHA-256 sums; exit code 1 where any differ.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const MODULES = ["scalar", "simd", "relaxed", "debug"].map((variant) => `build/sepconv.${variant}.wasm`);

const sumsOf = (folder) =>
  MODULES.map((path) => {
    const file = join(folder, path);
    return existsSync(file) ? createHash("sha256").update(readFileSync(file)).digest("hex") : "missing";
  });

function built(prefix) {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  try {
    for (const name of ["assembly", "abi", "scripts", "asconfig.json", "package.json"])
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    mkdirSync(join(folder, "build"));
    execFileSync("npm", ["run", "--silent", "build:wasm"], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    return sumsOf(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const all = [sumsOf(ROOT), built("sepconv-"), built("sepconv-once-more-in-another-folder-")];
let differ = false;
for (const [i, path] of MODULES.entries()) {
  const [own, one, two] = all.map((sums) => sums[i]);
  const same = own === one && one === two;
  differ ||= !same;
  console.log(same ? `✓ ${path} ${own}` : `✗ ${path}\n  here   ${own}\n  first  ${one}\n  second ${two}`);
}
process.exit(differ ? 1 : 0);
