/**
 * `sepconv info`: what a network consists of and costs, layer by layer, and the memory it takes; nothing is run.
 * @module
 */
import { basename } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import type { Normalisation, Shape } from "../graph/graph.ts";
import { typeOf } from "../graph/quant.ts";
import { inferShapes } from "../graph/shape.ts";
import { importModel } from "../import/sniff.ts";
import { cost, type Graph, type MemoryUse, memoryRequired } from "../index.ts";
import { type ArchitectureOptions, addArchitecture, type Network, networkOf, withProgress } from "./network.ts";
import { addCommon, type CommonOptions, subcommand } from "./options.ts";
import { paint, print, printable } from "./output.ts";
import { dimensions, grouped, megabytes, millions, table } from "./table.ts";

type Cost = ReturnType<typeof cost>;

/** Adds the subcommand to `program`. */
export function infoCommand(program: Command): void {
  const examples = [
    "sepconv info model.tflite",
    "sepconv info --alpha 0.25 --resolution 128",
    "sepconv info --alpha 0.5 --resolution 160 --reading article --json",
    "sepconv info --alpha 1 --resolution 224 --full-convolution",
  ];
  const command = subcommand(program, "info", "layers, cost and memory of a network", examples, NOTES);
  command.usage("[options] (MODEL | --alpha A --resolution R)").argument("[MODEL]", "model file");
  addCommon(addArchitecture(command)).action(info);
}

const NOTES = `JSON: {layers: [{name, op, inputShape, outputShape, macs, params}], macs, params, memory: {weights, arena, total}}
MACs are multiply-adds, memory is in bytes. With a MODEL, --resolution is for files that hold weights only.`;

async function info(model: string | undefined, options: ArchitectureOptions & CommonOptions): Promise<void> {
  const graph = await graphOf(networkOf(model, options));
  const costs = cost(graph);
  const memory = memoryRequired(graph);
  const { weights, arena, total } = memory;
  const json = { layers: costs.layers.map(layer), macs: costs.macs, params: costs.params };
  print(
    { json: { ...json, memory: { weights, arena, total } }, text: () => report(graph, model, costs, memory) },
    options.json ?? false,
  );
}

function graphOf(network: Network): Graph | Promise<Graph> {
  if ("graph" in network) return network.graph;
  const { model, resolution } = network;
  return withProgress((onProgress) =>
    importModel(model, {
      ...(resolution && { resolution }),
      onProgress: ({ file, loaded, total = 0 }) => onProgress({ phase: "read", file, done: loaded, total }),
    }),
  );
}

function layer({ name, op, inputShape, outputShape, macs, params }: Cost["layers"][number]) {
  return { name, op, inputShape, outputShape, macs, params };
}

function report(graph: Graph, model: string | undefined, { layers, macs, params }: Cost, memory: MemoryUse): string {
  const { bold, dim } = paint(process.stdout);
  const rows = layers.map((row) => [
    printable(row.name),
    row.op,
    dimensions(row.inputShape),
    dimensions(row.outputShape),
    row.macs ? grouped(row.macs) : "",
    row.params ? grouped(row.params) : "",
  ]);
  const columns = ["layer", "op", "input", "output", "MACs", "params"].map((title, i) => ({
    title,
    align: i < 4 ? ("left" as const) : ("right" as const),
  }));
  const steps = memory.total - memory.weights - memory.arena;
  const totals = [
    ["MACs", `${millions(macs)}  (${grouped(macs)} multiply-adds)`],
    ["params", `${millions(params)}  (${grouped(params)})`],
    [
      "memory",
      `${megabytes(memory.total)} = weights ${megabytes(memory.weights)} + arena ${megabytes(memory.arena)} + steps and tables ${megabytes(steps)}`,
    ],
  ];
  return [
    `${bold(printable(model ? basename(model) : graph.name))}  ${dim(graph.source.format)}`,
    lines(values(graph)),
    "",
    table(columns, rows, dim),
    "",
    lines(totals),
  ].join("\n");
}

/** What goes in and comes out. */
function values(graph: Graph): string[][] {
  const shapes = inferShapes(graph);
  const value = (name: string, dtype: string, shape: Shape) => `${printable(name)}  ${dtype} [${shape.join(", ")}]`;
  const ends = [...graph.endPoints.keys()];
  const { normalisation } = graph.source;
  return [
    ...graph.inputs.map(({ name, dtype, shape }) => ["input", value(name, dtype, shape)]),
    ...(normalisation ? [["pixels", scaling(normalisation)]] : []),
    ...graph.outputs.map((name) => ["output", value(name, typeOf(name, graph).dtype, shapes.get(name) ?? [])]),
    ...(ends.length ? [["end points", printable(ends.join(" "))]] : []),
  ];
}

/** The range that pixels are brought to, or the formula when the channels differ. */
function scaling({ mean, std }: Normalisation): string {
  if (typeof mean !== "number" || typeof std !== "number") {
    return `(pixel − [${[mean].flat().join(", ")}]) / [${[std].flat().join(", ")}]`;
  }
  const round = (value: number) => Number(value.toFixed(4));
  return `0 … 255 → ${round(-mean / std)} … ${round((255 - mean) / std)}`;
}

function lines(rows: readonly (readonly string[])[]): string {
  return rows.map(([title = "", text = ""]) => `${title.padEnd(12)}${text}`).join("\n");
}
