/**
 * From a picture to the vector by which a network describes it.
 * @module
 */
import { buildGraph } from "../engine/build.ts";
import type { Numbers, Session } from "../engine/host/session.ts";
import { UnsupportedError } from "../errors.ts";
import { featureValue, isVector } from "../graph/features.ts";
import type { Graph } from "../graph/graph.ts";
import { prune } from "../graph/passes/prune.ts";
import type { PictureLike } from "./given.ts";
import { toReal } from "./real.ts";
import { type SessionInputOptions, sessionInput } from "./session-input.ts";

/** What can be asked of {@link embed}. */
export interface EmbedOptions extends SessionInputOptions {
  /**
   * The value that is the answer: a node, or one of the graph's end points, such as `block11`. By default the last pool
   * over a whole map, else what the last layer with weights reads.
   */
  readonly endPoint?: string | undefined;
}

/** A session that answers with features, and where. */
interface Reader {
  readonly session: Session;
  /** Which of its values: its first output, or the end point of that number. */
  readonly endPoint?: number;
}

/** `embed` of `tasks.ts`. */
export async function embed(
  session: Session,
  picture: PictureLike,
  options: EmbedOptions = {},
): Promise<Float32Array<ArrayBuffer>> {
  // Says so where it was disposed.
  session.output();
  const { session: reading, endPoint } = await readerOf(session, options.endPoint);
  const { input } = await sessionInput(reading, picture, options);
  const { output, endPoints } = reading.run<Numbers>(input);
  const info = endPoint === undefined ? reading.outputs[0]! : reading.endPoints[endPoint]!;
  return new Float32Array(toReal(endPoint === undefined ? output : endPoints[info.name]!, info));
}

/** Sessions that end where the features are, beside those that go on to the classes. */
const readers = new WeakMap<Session, Map<string, Promise<Reader>>>();

function readerOf(session: Session, asked: string | undefined): Promise<Reader> {
  const known = readers.get(session) ?? new Map<string, Promise<Reader>>();
  readers.set(session, known);
  const key = asked ?? "";
  let reader = known.get(key);
  if (reader === undefined) {
    reader = makeReader(session, asked);
    reader.catch(() => known.delete(key));
    known.set(key, reader);
  }
  return reader;
}

async function makeReader(session: Session, asked: string | undefined): Promise<Reader> {
  const own = session.endPoints.findIndex(({ name }) => name === asked);
  if (own >= 0) return { session, endPoint: own };
  const graph = graphOf(session);
  if (graph === undefined) return saved(session, asked);
  const value = asked === undefined ? automatic(graph) : named(graph, asked);
  const same = session.endPoints.findIndex(({ name }) => (graph.endPoints.get(name) ?? name) === value);
  if (same >= 0) return { session, endPoint: same };
  if (value === graph.outputs[0]) return { session };
  const { kernels, threads } = session;
  return { session: await buildGraph(endingIn(graph, value), { threads }, { kernels }) };
}

/** The same network, up to one of its values. */
export function endingIn(graph: Graph, value: string): Graph {
  const { detector: _, labels: __, ...source } = graph.source;
  return prune({ ...graph, outputs: [value], endPoints: new Map(), source }, new Set());
}

function graphOf(session: Session): Graph | undefined {
  try {
    return session.graph;
  } catch {
    return undefined;
  }
}

/** The value that describes the input of a network. @throws UnsupportedError where there is none */
export function automatic(graph: Graph): string {
  const value = graph.source.detector ? undefined : featureValue(graph);
  if (value !== undefined) return value;
  const known = [...graph.endPoints.keys()];
  const such = known.length > 0 ? known.join(", ") : "the name of a node";
  throw new UnsupportedError(
    `embed: expected a network that ends in a vector, got ${graph.name}; say which value by the option endPoint: ${such}`,
  );
}

function named(graph: Graph, asked: string): string {
  const value = graph.endPoints.get(asked) ?? asked;
  if (graph.nodes.some(({ name }) => name === value)) return value;
  const known = [...new Set([...graph.endPoints.keys(), ...graph.nodes.map(({ name }) => name)])];
  throw new RangeError(`endPoint: expected one of ${known.join(", ")}, got ${asked}`);
}

/** Of one that was saved there is no graph: it has the values that it was made with. */
function saved(session: Session, asked: string | undefined): Reader {
  const vectors = session.endPoints.flatMap(({ shape }, i) => (isVector(shape) ? [i] : []));
  if (asked === undefined && vectors.length > 0) return { session, endPoint: vectors.at(-1)! };
  if (asked === undefined && POOLS.has(session.manifest.outputs[0]!.op ?? "")) return { session };
  const names = session.endPoints.map(({ name }) => name).join(", ") || "none";
  throw new UnsupportedError(
    `embed: expected a saved session with the end point ${asked ?? "of its features"}, got one with ${names}; make it with the option endPoints before it is saved`,
  );
}

const POOLS: ReadonlySet<string> = new Set(["globalAveragePool", "averagePool", "maxPool", "reduce"]);
