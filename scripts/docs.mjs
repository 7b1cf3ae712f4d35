/**
 * `npm run docs`: the API reference, from the docstrings, into docs/api/ (not committed). Its tools have a package.json
 * of their own and are installed here, once.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../docs/reference/", import.meta.url));
const run = (command, ...args) => execFileSync(command, args, { cwd: folder, stdio: "inherit" });
if (!existsSync(`${folder}node_modules/typedoc`)) run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock");
run(process.execPath, "node_modules/typedoc/bin/typedoc", "--options", "typedoc.json");
