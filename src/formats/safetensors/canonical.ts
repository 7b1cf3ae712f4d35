/**
 * MobileNet v1 under our own names in safetensors: `block0/weights`, `block1/depthwise/bn/gamma`, … as `mobilenetV1`
 * names its constants. The options that rebuild the network stand in the file's metadata; where they do not, the shapes
 * tell them.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import { withNumbers } from "../../graph/builder.ts";
import { RELU6, sameClamp } from "../../graph/clamp.ts";
import type { Graph, Normalization } from "../../graph/graph.ts";
import type { Budget } from "../../limits.ts";
import {
  ARTICLE_ALPHAS,
  BLOCKS,
  DEEP,
  FILTERS,
  type MobilenetV1Options,
  mobilenetV1,
  type Reading,
  STEM_FILTERS,
} from "../../models/mobilenet-v1.ts";
import { parseJson, shown } from "../common/json.ts";
import type { Decode, StoredTensor } from "../common/stored-tensor.ts";

/** Key of the options, as JSON, in the file's metadata. */
const OPTIONS_KEY = "mobilenetV1";

/** What a file with our own names leaves open. */
export interface CanonicalOptions {
  /** Height and width of the input in pixels; by default those of the file's metadata, else 224. */
  readonly resolution?: number;
  /**
   * Whose MobileNet v1 it is; by default as the metadata says, else as the width of block0 tells ("paper" where it does
   * not).
   */
  readonly reading?: Reading;
  /** How the weights want their pixels; by default scaled to [−1, 1]. */
  readonly normalization?: Normalization;
}

/**
 * Rebuilds the graph that `toSafetensors` wrote.
 * @throws FormatError when the metadata is malformed, or a tensor is missing, unknown, or of a wrong shape
 */
export async function fromCanonical(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string>,
  decode: Decode,
  options: CanonicalOptions & { readonly budget?: Budget | undefined } = {},
): Promise<Graph> {
  const stored = metadata.get(OPTIONS_KEY);
  const found = stored === undefined ? optionsFromShapes(tensors) : parseOptions(stored, options.budget);
  const { resolution = found.resolution, reading = found.reading } = options;
  const graph = rebuild({ ...found, ...(resolution && { resolution }), ...(reading && { reading }) });
  for (const { name, shape } of graph.constants.values()) {
    const tensor = tensors.get(name);
    if (!tensor) throw new FormatError(`safetensors: expected a tensor "${name}" [${shape}], got none`);
    if (`${tensor.shape}` !== `${shape}`) {
      throw new FormatError(`safetensors: tensor "${name}": expected shape [${shape}], got [${tensor.shape}]`);
    }
  }
  const unknown = [...tensors.keys()].filter((name) => !graph.constants.has(name));
  if (unknown.length > 0) {
    throw new FormatError(
      `safetensors: expected the tensors of ${graph.name}, got also ${unknown.slice(0, 5).join(", ")}`,
    );
  }
  const filled = await withNumbers(graph, ({ name }) => decode(name, tensors.get(name)!));
  const normalization = options.normalization ?? graph.source.normalization;
  return { ...filled, source: { format: "safetensors", ...(normalization && { normalization }) } };
}

/** The architecture is the file's, so what it cannot be is the file's fault. */
function rebuild(options: MobilenetV1Options): Graph {
  try {
    return mobilenetV1(options);
  } catch (cause) {
    throw new FormatError(`safetensors: expected a MobileNet v1: ${(cause as Error).message}`, { cause });
  }
}

function parseOptions(json: string, budget?: Budget): MobilenetV1Options {
  const where = `safetensors: metadata "${OPTIONS_KEY}"`;
  const options = parseJson(where, json, budget);
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new FormatError(`${where}: expected an object, got ${shown(options)}`);
  }
  return options;
}

function optionsFromShapes(tensors: ReadonlyMap<string, StoredTensor>): MobilenetV1Options {
  const full = !tensors.has("block1/depthwise/weights");
  const weights = (block: number) => (full ? `block${block}/weights` : `block${block}/pointwise/weights`);
  const dimension = (name: string, rank: number, axis: number): number => {
    const shape = tensors.get(name)?.shape;
    if (shape?.length === rank && shape[axis]! > 0) return shape[axis]!;
    throw new FormatError(
      `safetensors: tensor "${name}": expected a shape of rank ${rank}, got ${shape ? `[${shape}]` : "none"}`,
    );
  };
  const alpha = dimension(weights(LAST), 4, 3) / WIDEST;
  const top = tensors.has("classifier/weights");
  return {
    alpha,
    reading: alpha < 1 && dimension("block0/weights", 4, 3) === STEM_FILTERS ? "article" : "paper",
    inputChannels: dimension("block0/weights", 4, 2),
    top: top ? "classifier" : "pool",
    ...(top && { classes: dimension("classifier/weights", 2, 1) }),
    convolution: full ? "full" : "separable",
    shallow: !tensors.has(weights(DEEP[0]!)),
  };
}

/** The number of the last block. */
const LAST = BLOCKS.length;

/**
 * Its filters at α = 1: 1024. All blocks' filters divide it, so ⌊1024α⌋/1024 gives every block the same filters as α
 * itself.
 */
const WIDEST = FILTERS.at(-1)!;

/**
 * The metadata that rebuilds a graph.
 * @throws UnsupportedError when `mobilenetV1` cannot make this graph, which a file of weights could then not bring back
 */
export function optionsMetadata(graph: Graph): Record<string, string> {
  const options = optionsOf(graph);
  if (options && architecture(mobilenetV1(options)) === architecture(graph))
    return { [OPTIONS_KEY]: JSON.stringify(options) };
  throw new UnsupportedError(
    `graph "${graph.name}": expected a graph that mobilenetV1 makes, got another; write its constants (graph.constants) instead`,
  );
}

/** Everything that has to come back, as text. */
function architecture({ inputs, nodes, outputs, constants }: Graph): string {
  const shapes = [...constants.values()].map(({ name, shape }) => [name, shape]).toSorted();
  return JSON.stringify([inputs, nodes, outputs, shapes], (_, value) =>
    Math.abs(value) === Infinity ? `${value}` : value,
  );
}

function optionsOf(graph: Graph): MobilenetV1Options | undefined {
  const shapeOf = (name: string) => graph.constants.get(name)?.shape;
  const [batch, resolution, width, inputChannels] = graph.inputs[0]?.shape ?? [];
  const filters = (shapeOf(`block${LAST}/pointwise/weights`) ?? shapeOf(`block${LAST}/weights`))?.[3];
  const activation = graph.nodes.find(({ name }) => name === "block0");
  if (!batch || !resolution || !inputChannels || width !== resolution || width % 32 || !filters) return undefined;
  if (activation?.op !== "clamp") return undefined;
  // The name says what was asked for, the filters what came of it.
  const named = Number(/_([\d.]+)_\d+$/.exec(graph.name)?.[1]);
  const alpha = Math.trunc(named * WIDEST) === filters ? named : filters / WIDEST;
  const reading = sameClamp(activation, RELU6) ? "paper" : "article";
  if (reading === "article" && !ARTICLE_ALPHAS.includes(alpha)) return undefined;
  const classes = shapeOf("classifier/weights")?.[1];
  return {
    alpha,
    resolution,
    reading,
    top: classes ? "classifier" : "pool",
    ...(classes && { classes }),
    training: graph.nodes.some(({ op }) => op === "moments"),
    convolution: shapeOf("block1/depthwise/weights") ? "separable" : "full",
    shallow: !graph.nodes.some(({ name }) => name === `block${DEEP[0]}`),
    inputChannels,
    batch,
  };
}
