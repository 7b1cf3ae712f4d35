/**
 * `npm run load:server`: examples/server under load. autocannon, which is installed where it is not there, posts
 * pictures over eight connections, one in ten of them no picture; what is printed are latencies, and resident memory
 * second by second.
 *
 *   npm run load:server -- --seconds 60 --connections 8
 *
 * Exit code 1 where a request got no answer or a wrong one, or where resident memory of the last fifth is more than
 * 4 MiB above that of the second fifth.
 */
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const TOOL = join(ROOT, "build/autocannon");
/** MiB that resident memory may rise by. */
const FLAT = 4;

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "30" }, connections: { type: "string", default: "8" } },
});
const [seconds, connections] = [Number(values.seconds), Number(values.connections)];

if (!existsSync(join(TOOL, "node_modules/autocannon"))) {
  mkdirSync(TOOL, { recursive: true });
  execFileSync(
    "npm",
    ["install", "--prefix", TOOL, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "autocannon@8"],
    {
      stdio: "inherit",
    },
  );
}
const autocannon = createRequire(import.meta.url)(join(TOOL, "node_modules/autocannon"));

const folder = mkdtempSync(join(tmpdir(), "sepconv-server-"));
cpSync(join(ROOT, "examples/server"), join(folder, "server"), { recursive: true });
cpSync(join(ROOT, "examples/assets"), join(folder, "assets"), { recursive: true });
mkdirSync(join(folder, "server/node_modules"));
symlinkSync(ROOT, join(folder, "server/node_modules/sepconv"));
const server = spawn(process.execPath, ["server.js"], {
  cwd: join(folder, "server"),
  env: { ...process.env, PORT: "0" },
  stdio: ["ignore", "pipe", "inherit"],
});
const address = await new Promise((resolve, reject) => {
  server.stdout.once("data", (data) => resolve(`http://127.0.0.1:${/port (\d+)/.exec(String(data))[1]}`));
  server.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
});

const resident = [];
const poll = setInterval(() => {
  resident.push(Number(execFileSync("ps", ["-o", "rss=", "-p", String(server.pid)], { encoding: "utf8" })) / 1024);
}, 1000);

const picture = readFileSync(join(ROOT, "examples/assets/picture.jpg"));
const wrong = { answers: 0, statuses: new Map() };
const instance = autocannon({
  ...{ url: address, connections, duration: seconds, timeout: 30 },
  requests: Array.from({ length: 10 }, (_, i) => ({
    method: "POST",
    // One of ten is cut short, and is to be refused.
    body: i === 9 ? picture.subarray(0, 100) : picture,
    onResponse(status, body) {
      wrong.statuses.set(status, (wrong.statuses.get(status) ?? 0) + 1);
      const good = i === 9 ? status === 400 : status === 200 && JSON.parse(body).classes[0].label === "blue";
      if (!good) wrong.answers++;
    },
  })),
});
const result = await instance;
clearInterval(poll);
server.kill();
rmSync(folder, { recursive: true });

const fifth = Math.max(1, Math.floor(resident.length / 5));
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0;
const rise = median(resident.slice(-fifth)) - median(resident.slice(fifth, 2 * fifth));
const statuses = [...wrong.statuses].map(([status, count]) => `${count} with ${status}`).join(", ");
console.log(`${result["2xx"] + result.non2xx} requests in ${seconds} s over ${connections} connections: ${statuses}`);
console.log(
  `latency p50 ${result.latency.p50} ms, p97.5 ${result.latency.p97_5} ms, p99 ${result.latency.p99} ms; ${Math.round(result.requests.average)} requests a second`,
);
console.log(
  `resident memory ${Math.min(...resident).toFixed(1)} to ${Math.max(...resident).toFixed(1)} MiB, from the second fifth to the last ${rise.toFixed(2)} MiB more`,
);
console.log(`${result.errors} without an answer, ${result.timeouts} too late, ${wrong.answers} wrong`);
const failed = wrong.statuses.size === 0 || result.errors + result.timeouts + wrong.answers > 0 || rise > FLAT;
process.exit(failed ? 1 : 0);
