/**
 * Measures the job in the file named on the command line, and prints the result as JSON. Runs in Node, Deno and Bun.
 */
import { readFileSync } from "node:fs";
import { argv } from "node:process";
import { measure } from "./measure.mjs";

console.log(JSON.stringify(await measure(JSON.parse(readFileSync(argv[2], "utf8")))));
