/** The service worker, with the list of all files of the page and a name that changes when one of them does. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

function filesIn(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile())
    .sort();
}

/** @param {string} source the service worker, which has `FILES` and `VERSION` as placeholders */
export function offline(source) {
  let out;
  return {
    name: "offline",
    apply: "build",
    configResolved(config) {
      out = join(config.root, config.build.outDir);
    },
    // After everything is written; what Vite copies lies there before.
    writeBundle: {
      order: "post",
      handler() {
        const files = filesIn(out);
        const hash = createHash("sha256");
        for (const file of files) hash.update(relative(out, file)).update(readFileSync(file));
        const names = ["./", ...files.map((file) => `./${relative(out, file).replaceAll("\\", "/")}`)];
        const list = names.filter((name) => name !== "./index.html" && name !== "./service.js");
        const text = readFileSync(source, "utf8")
          .replace('"VERSION"', JSON.stringify(hash.digest("hex").slice(0, 16)))
          .replace('["FILES"]', JSON.stringify(list));
        writeFileSync(join(out, "service.js"), text);
      },
    },
  };
}
