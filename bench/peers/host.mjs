/**
 * One network on the host that runs this file (Node, Deno or Bun): `host.mjs '{"network": "0.25_128", "peers": true,
 * …}'`. The last line of its output is the result in JSON; lines before it are for the reader.
 */
import { measure } from "./measure.mjs";
import { networkOf } from "./network.mjs";

// With threads each engine has a process of its own: pools that spin between runs slow down whoever comes next.
const { network: name, peers: withPeers, threads, only, ...options } = JSON.parse(process.argv[2]);
const network = networkOf(name);
const contenders = await import("./contenders.mjs");
const all = [...contenders.sepconvs(network, threads), ...(withPeers ? contenders.peers(network, threads) : [])];
const candidates = all.filter((one, i) => only === undefined || i === 0 || one.name.startsWith(only));
const rows = await measure(candidates, options, (line) => console.log(line));
const { node, v8, deno, bun, webkit } = process.versions;
const engine = bun ? `JavaScriptCore ${webkit?.slice(0, 12) ?? ""}`.trim() : `V8 ${v8}`;
const host = { name: bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : `Node ${node}`, engine };
// The write is awaited: exiting at once would cut a pipe short.
const line = JSON.stringify({ host, network: name, macs: network.macs, rows });
await new Promise((resolve) => process.stdout.write(`\n${line}\n`, resolve));
process.exit(0);
