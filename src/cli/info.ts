/**
 * `sepconv info`: what a network consists of and costs, layer by layer, and the memory it takes; nothing is run.
 * @module
 */
import { open as openFile } from "node:fs/promises";
import { basename } from "node:path";
import process from "node:process";
import type { Command } from "commander";
import { isModule } from "../engine/host/binary.ts";
import { type Product, productOf } from "../engine/host/product.ts";
import { isImage } from "../engine/image.ts";
import { loadKernels, type Variant } from "../engine/variant.ts";
import { UnsupportedError } from "../errors.ts";
import type { Normalization, Shape } from "../graph/graph.ts";
import { typeOf } from "../graph/quant.ts";
import { inferShapes } from "../graph/shape.ts";
import { cost, type Graph, load, type MemoryUse, memoryRequired } from "../index.ts";
import { printBlockers } from "./blockers.ts";
import { readBytes } from "./files.ts";
import { savedJson, savedText } from "./info-saved.ts";
import { addTraining, TRAINING_JSON, type TrainingOptions, trainingOf, trainingText } from "./info-training.ts";
import { blocks, shortened } from "./layers.ts";
import { MEMORY_JSON, mapText, memoryJson, memoryMap, memoryText } from "./memory.ts";
import { type ArchitectureOptions, addArchitecture, importGraph, type Network, networkOf } from "./network.ts";
import { addCommon, addMemory, type CommonOptions, type MemoryOptions, subcommand } from "./options.ts";
import { paint, print, printable } from "./output.ts";
import { dimensions, grouped, left, millions, right, table } from "./table.ts";
import { columnsOf, elide, width, wrap } from "./width.ts";

type Cost = ReturnType<typeof cost>;

/** Adds the subcommand to `program`. */
export function infoCommand(program: Command): void {
  const examples = [
    "sepconv info model.tflite",
    "sepconv info --alpha 0.25 --resolution 128",
    "sepconv info --alpha 0.5 --resolution 160 --reading article --json",
    "sepconv info --alpha 1 --resolution 224 --full-convolution",
    "sepconv info --alpha 1 --resolution 224 --memory small --map",
    "sepconv info --alpha 0.25 --resolution 96 --classes 2 --training --batch 16",
  ];
  const command = subcommand(program, "info", "layers, cost and memory of a network", examples, NOTES);
  command.usage("[options] (MODEL | --alpha A --resolution R)").argument("[MODEL]", "model file");
  addMemory(addArchitecture(command)).option("--map", "draw the activations that live at each step, by rows and whole");
  addCommon(addTraining(command)).action(info);
}

const NOTES = `JSON: {layers: [{name, op, inputShape, outputShape, macs, params}], macs, params, ${MEMORY_JSON}, kernels: {variant, product?}, ${TRAINING_JSON}}
MACs are multiply-adds, memory is in bytes. The table is as wide as the terminal: names lose the scope that most share \
and their middle; in JSON they are whole. With a MODEL, --resolution is for files that hold weights only. Of a model \
that isn't supported, all that is in the way is listed, with the nodes that ask for it; in JSON {blockers: [{what, \
nodes}]}.`;

async function info(
  model: string | undefined,
  options: ArchitectureOptions & CommonOptions & MemoryOptions & TrainingOptions & { readonly map?: boolean },
): Promise<void> {
  const network = networkOf(model, options);
  const kind = "model" in network ? await savedKind(network.model) : undefined;
  if (kind !== undefined) {
    const net = await load(model!, { maxMemory: options.maxMemory });
    const { pictureOf } = await import("../freeze/thaw.ts");
    const picture = kind === "frozen" ? pictureOf(await readBytes(model!)) : undefined;
    print({ json: savedJson(net, picture), text: () => savedText(net, model!, kind, picture) }, options.json ?? false);
    return;
  }
  let graph: Graph;
  try {
    graph = await graphOf(network);
  } catch (error) {
    if (!(error instanceof UnsupportedError) || error.blockers.length === 0) throw error;
    printBlockers(model ?? "", error.blockers, options.json ?? false);
    return;
  }
  const costs = cost(graph);
  const { maxMemory, memory: mode, threads } = options;
  const memory = memoryRequired(graph, { maxMemory, memory: mode, threads });
  const { macs, params } = costs;
  const json = { layers: costs.layers.map(layer), macs, params, memory: memoryJson(memory) };
  const map = options.map ? memoryMap(graph, { memory: mode, threads }) : undefined;
  const kernels = await kernelsHere(graph);
  const training = trainingOf(graph, options);
  const text = () => {
    const more = [...(map ? [mapText(map)] : []), ...(training ? [trainingText(training)] : [])];
    return [report(graph, model, costs, memory, kernels), ...more].join("\n\n");
  };
  print(
    { json: { ...json, kernels, ...(map && { map }), ...(training && { training }) }, text },
    options.json ?? false,
  );
}

/** The build of the kernels that runs here by default, and how it multiplies the numbers of an 8-bit network. */
async function kernelsHere(graph: Graph): Promise<{ variant: Variant; product?: Product }> {
  const kernels = await loadKernels();
  const eight = [...graph.constants.values()].some(({ dtype, shape }) => dtype === "int8" && shape.length > 1);
  return { variant: kernels.variant, ...(eight && { product: await productOf(kernels) }) };
}

/** What a file is that has no graph: a saved session, or a frozen module. */
async function savedKind(path: string): Promise<string | undefined> {
  const head = new Uint8Array(8);
  try {
    const file = await openFile(path);
    await file.read(head, 0, 8, 0).finally(() => file.close());
  } catch {
    // A URL, or nothing that can be read: the reader says what.
    return undefined;
  }
  if (isImage(head)) return "saved session";
  return isModule(head) ? "frozen" : undefined;
}

function graphOf(network: Network): Graph | Promise<Graph> {
  if ("graph" in network) return network.graph;
  const { model, resolution } = network;
  return importGraph(model, resolution);
}

function layer({ name, op, inputShape, outputShape, macs, params }: Cost["layers"][number]) {
  return { name, op, inputShape, outputShape, macs, params };
}

function report(
  graph: Graph,
  model: string | undefined,
  { layers, macs, params }: Cost,
  memory: MemoryUse,
  { variant, product }: Awaited<ReturnType<typeof kernelsHere>>,
): string {
  const { bold, dim } = paint(process.stdout);
  const room = columnsOf(process.stdout);
  const { scope, names } = shortened(layers.map(({ name }) => name));
  const blockOf = blocks(graph);
  const shown = layers.map(({ name }) => blockOf.get(name) ?? "");
  // Our own names begin with their block.
  const told = layers.every(({ name }, i) => name.startsWith(shown[i]!));
  const columns = [
    // Where next to nothing fits, the block says more than what is left of a name.
    ...(told ? [left("layer", { elastic: true })] : [left("block"), left("layer", { elastic: true, spare: 1 })]),
    ...[left("op"), left("input", { spare: 4 }), left("output", { spare: 2 })],
    ...[right("MACs"), right("params", { spare: 3 })],
  ];
  const rows = layers.map((row, i) => [
    ...(told ? [] : [shown[i]!]),
    ...[printable(names[i]!), row.op, dimensions(row.inputShape), dimensions(row.outputShape)],
    ...[row.macs ? grouped(row.macs) : "", row.params ? grouped(row.params) : ""],
  ]);
  const totals = [
    ["MACs", `${millions(macs)}  (${grouped(macs)} multiply-adds)`],
    ["params", `${millions(params)}  (${grouped(params)})`],
    ["memory", memoryText(memory)],
    ["kernels", product ? `${variant}, 8-bit products ${product}` : variant],
  ];
  const title = printable(model ? basename(model) : graph.name);
  return [
    `${bold(elide(title, room - width(graph.source.format) - 2))}  ${dim(graph.source.format)}`,
    lines(
      [...values(graph, room), ...(scope ? [["scope", `${elide(printable(scope), room - 28)} (left out below)`]] : [])],
      room,
    ),
    "",
    table(columns, rows, dim, room),
    "",
    lines(totals, room),
  ].join("\n");
}

/** What goes in and comes out. */
function values(graph: Graph, room: number): string[][] {
  const shapes = inferShapes(graph);
  const value = (name: string, dtype: string, shape: Shape) => {
    const type = `${dtype} [${shape.join(", ")}]`;
    return `${elide(printable(name), Math.max(room - INDENT - 2 - width(type), 8))}  ${type}`;
  };
  const ends = [...graph.endPoints.keys()];
  const { normalization } = graph.source;
  return [
    ...graph.inputs.map(({ name, dtype, shape }) => ["input", value(name, dtype, shape)]),
    ...(normalization ? [["pixels", scaling(normalization)]] : []),
    ...graph.outputs.map((name) => ["output", value(name, typeOf(name, graph).dtype, shapes.get(name) ?? [])]),
    ...(ends.length ? [["end points", printable(ends.join(" "))]] : []),
  ];
}

/** The range that pixels are brought to, or the formula when the channels differ. */
function scaling({ mean, std }: Normalization): string {
  if (typeof mean !== "number" || typeof std !== "number") {
    return `(pixel − [${[mean].flat().join(", ")}]) / [${[std].flat().join(", ")}]`;
  }
  const round = (value: number) => Number(value.toFixed(4));
  return `0 … 255 → ${round(-mean / std)} … ${round((255 - mean) / std)}`;
}

/** Columns of the words in front of a line. */
const INDENT = 12;

function lines(rows: readonly (readonly string[])[], room: number): string {
  return rows.map(([title = "", text = ""]) => title.padEnd(INDENT) + wrap(text, room, INDENT)).join("\n");
}
