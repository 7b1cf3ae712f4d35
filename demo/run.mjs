/**
 * `npm run demo:page [dev | build | preview] [-- --models PATH …]`: the web page, by default as it is built, on this
 * machine. Vite, the face detector and the photograph are installed into this folder first, where they are missing.
 * Models, with texts that name their classes, are copied to where the page lists them.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(HERE);
const COMMANDS = { dev: [["dev"]], build: [["build"]], preview: [["build"], ["preview"]] };

const args = process.argv.slice(2);
const at = args.indexOf("--models");
const models = at < 0 ? [] : args.splice(at).slice(1);
const [command = "preview", ...rest] = args;
if (!Object.hasOwn(COMMANDS, command)) {
  console.error(`expected one of ${Object.keys(COMMANDS).join(", ")}, got ${command}`);
  process.exit(2);
}

function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: HERE, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** The versions that this folder's package.json asks for. */
function installed() {
  const { devDependencies } = JSON.parse(readFileSync(join(HERE, "package.json"), "utf8"));
  return Object.entries(devDependencies).every(([name, version]) => {
    const file = join(HERE, "node_modules", name, "package.json");
    return existsSync(file) && JSON.parse(readFileSync(file, "utf8")).version === version;
  });
}

if (!existsSync(join(ROOT, "dist/static/worker.js"))) {
  console.error("expected the package to be built, got no dist/: npm run build");
  process.exit(1);
}
if (!installed()) {
  run("npm", ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--legacy-peer-deps"]);
}
// The package itself, as it lies here.
const link = join(HERE, "node_modules/sepconv");
if (!existsSync(link)) symlinkSync(ROOT, link, "junction");

for (const model of models) {
  mkdirSync(join(HERE, "public/models"), { recursive: true });
  copyFileSync(model, join(HERE, "public/models", basename(model)));
}
for (const step of COMMANDS[command]) {
  run(process.execPath, [join(HERE, "node_modules/vite/bin/vite.js"), ...step, ...(step[0] === command ? rest : [])]);
}
