/**
 * What a terminal shows: as wide as it is, in colors unless they are unwanted, and usable after the command has ended,
 * however it has.
 */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { width } from "../../src/cli/width.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { initialize, mobilenetV1, toTflite } from "../../src/index.ts";
import { missingTerminal, onTerminal, scratchFolder, shared } from "./sepconv.ts";

const folder = scratchFolder();
const at = (name: string) => join(folder, name);
const ESCAPE = "\x1b";

/** The network with the names of its values as `rename` makes them. */
function renamed(graph: Graph, rename: (name: string) => string): Graph {
  const text = new Map(graph.nodes.map(({ name }) => [name, rename(name)]));
  const to = (name: string) => text.get(name) ?? name;
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, name: to(node.name), inputs: node.inputs.map(to) })),
    outputs: graph.outputs.map(to),
    endPoints: new Map([...graph.endPoints].map(([label, name]) => [label, to(name)])),
  };
}

beforeAll(async () => {
  const graph = initialize(mobilenetV1({ alpha: 0.25, resolution: 32, classes: 3 }), 1);
  const long = (name: string) =>
    `网络/${name}/激活;网络/${name}/BatchNorm/${"x".repeat(80)};网络/${name}/Conv2D\x1b[31m`;
  writeFileSync(at("long.tflite"), await toTflite(renamed(graph, long)));
});

/** The lines of the table: from its title to the empty line. */
function tableOf(screen: string): string[] {
  const lines = screen.split("\n");
  const head = lines.findIndex((line) => /^(block|layer) /.test(line));
  return lines.slice(head, lines.indexOf("", head));
}

describe.skipIf(missingTerminal())("sepconv on a terminal", () => {
  const plain = { NO_COLOR: "1" };

  it.each([40, 60, 80, 100, 140])("info fits into %i columns, with long and wide names", async (columns) => {
    const { screen, code } = await onTerminal(["info", at("long.tflite")], { columns, env: plain });
    expect(code).toBe(0);
    expect(screen).not.toContain(ESCAPE);
    for (const line of screen.split("\n")) expect(width(line), line).toBeLessThanOrEqual(columns);
    const [head = "", first = "", second = "", third = ""] = tableOf(screen);
    expect(head).toMatch(/^block /);
    expect(first).toMatch(/^block0 .*conv2d/);
    expect(second).toMatch(/^block1 .*depthwiseConv2d/);
    expect(third).toMatch(/^block1 .*conv2d/);
    if (columns >= 60) {
      expect(screen).toMatch(/\nscope +网络\/ /);
      expect(first).toMatch(/ block0\/激活;/);
    }
    if (columns >= 100) expect(head).toMatch(/layer +op +input +output +MACs +params$/);
  });

  it.each(["kws_ref_int8.tflite", "mobilenet_v1_0.5_160_quant.tflite", "vww_96_int8.tflite", "vww_96.h5"])(
    "info fits %s into 80 columns",
    async (name) => {
      const model = shared(`models/${name}`);
      if (model === undefined) return;
      const { screen } = await onTerminal(["info", model], { env: plain });
      for (const line of screen.split("\n")) expect(width(line), line).toBeLessThanOrEqual(80);
      const layers = tableOf(screen);
      expect(layers.length).toBeGreaterThan(10);
      expect(layers.join("\n")).not.toContain("functional_1/");
      expect(layers.filter((line) => /^block13 /.test(line))).toHaveLength(name.startsWith("kws") ? 0 : 2);
    },
  );

  it("has colors, unless NO_COLOR or a dumb terminal says otherwise", async () => {
    const args = ["info", "--alpha", "0.25", "--resolution", "32"];
    expect((await onTerminal(args)).screen).toContain(`${ESCAPE}[1m`);
    expect((await onTerminal(args, { env: { NO_COLOR: "" } })).screen).toContain(`${ESCAPE}[1m`);
    expect((await onTerminal(args, { env: plain })).screen).not.toContain(ESCAPE);
    expect((await onTerminal(args, { env: { TERM: "dumb" } })).screen).not.toContain(ESCAPE);
    const failed = await onTerminal(["info", at("none.tflite")]);
    expect(failed.screen).toMatch(/^\S+sepconv:\S+ .*no such file\n$/);
    expect((await onTerminal(["info", at("none.tflite")], { env: plain })).screen).toMatch(/^sepconv: .*\n$/);
  });

  it("breaks its help where the terminal ends", async () => {
    const { screen } = await onTerminal(["bench", "--help"]);
    const notes = screen.slice(screen.indexOf("The builds take turns"));
    for (const line of notes.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  const busy = ["bench", "--alpha", "1", "--resolution", "224", "--variant", "simd", "--runs", "100000"];

  it("wipes its bar away when it is interrupted, and dies of that", async () => {
    const { screen, code } = await onTerminal(busy, { interruptAfter: "timing" });
    expect(code).toBe(130);
    // The line is emptied after the last that was drawn on it; cursor and wrapping are as they were.
    expect(screen.slice(screen.lastIndexOf("timing"))).toContain(`${ESCAPE}[2K`);
    expect(screen).not.toContain(`${ESCAPE}[?25l`);
    expect(screen).not.toContain(`${ESCAPE}[?7l`);
  });

  it("draws a bar that no line has to be broken for", async () => {
    const { screen } = await onTerminal(busy, { columns: 44, interruptAfter: "timing" });
    const bars = screen.split(ESCAPE).filter((part) => part.includes("░"));
    expect(bars.length).toBeGreaterThan(0);
    for (const bar of bars) expect(width(bar.slice(bar.indexOf("[", 1)))).toBeLessThan(44);
  });
});

const FULL = "/dev/full";
if (!existsSync(FULL)) console.info(`skipped: a full disk, which is ${FULL}`);

describe("sepconv", () => {
  it.skipIf(!existsSync(FULL))("says in one line that the disk is full", () => {
    const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
    const full = openSync(FULL, "w");
    const args = [main, "info", "--alpha", "0.25", "--resolution", "32"];
    const { status, stderr } = spawnSync(process.execPath, args, { stdio: ["ignore", full, "pipe"], encoding: "utf8" });
    closeSync(full);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^sepconv: ENOSPC\P{Cc}*\n$/u);
  });
});
