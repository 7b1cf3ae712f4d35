/**
 * A network as one WebAssembly module that needs nothing: no JavaScript, no imports, no files.
 * @module
 */
import { checkOptions } from "../arguments.ts";
import { type BuildOptions, buildGraph, PLAN_OPTIONS, type PlanOptions } from "../engine/build.ts";
import { partsOf } from "../engine/image.ts";
import { type KernelOptions, kernelsFor, type Variant } from "../engine/variant.ts";
import { UnsupportedError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import { fittingOf } from "../vision/detect.ts";
import { inputOf } from "../vision/session-input.ts";
import { checkPicture, type FrozenPicture, stageOf } from "./image-stage.ts";
import { frozenModule } from "./module.ts";
import { type Top, withTop } from "./top.ts";

/** What can be asked of {@link freeze}. */
export interface FreezeOptions
  extends Omit<PlanOptions, "threads">,
    KernelOptions,
    Pick<BuildOptions, "weights" | "seed" | "signal"> {
  /**
   * The build of the kernels; by default `"simd"`. `"scalar"` works in runtimes without vectors, `"relaxed"` asks for
   * more of them.
   */
  readonly variant?: Variant | undefined;
  /**
   * What the first output is: the network's own by default; of one that ends in a softmax, the `"logits"` before it, or
   * the class with the highest score as an int32 (`"argmax"`).
   */
  readonly top?: Top | undefined;
  /**
   * Pictures of one size, which go in instead of the first input: the module resizes and normalizes them itself, as
   * `classify` and `detect` do, to the same bits.
   */
  readonly image?: FrozenPicture | undefined;
}

const OPTIONS: readonly string[] = [
  ...PLAN_OPTIONS.filter((name) => name !== "threads"),
  ...["variant", "wasm", "weights", "seed", "signal", "top", "image"],
];

/** The bytes of a module that computes what a graph does; see `freeze` of the package. */
export async function freeze(graph: Graph, options: FreezeOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  checkOptions("freeze", options, OPTIONS);
  const { top, variant, wasm, image, ...rest } = options;
  if (image !== undefined) checkPicture(image);
  const kernels = { wasm, variant: variant ?? (wasm === undefined ? "simd" : undefined) };
  const { bytes } = await kernelsFor(kernels);
  if (bytes === undefined) {
    throw new UnsupportedError("freeze: expected the kernels' bytes, got a compiled module, which has none");
  }
  const session = await buildGraph(withTop(graph, top), { ...rest, ...kernels });
  try {
    const parts = partsOf(session.save());
    const { manifest } = session;
    if (image === undefined) return frozenModule({ bytes, variant: session.variant }, manifest, parts);
    const { format: _, width: __, height: ___, ...given } = image;
    const { detector } = manifest.source;
    const fitting = detector && given.fit === undefined ? { ...fittingOf(detector), ...given } : given;
    const stage = stageOf(image, manifest, inputOf(session, fitting), options.maxMemory);
    return frozenModule({ bytes, variant: session.variant }, manifest, parts, stage);
  } finally {
    session.dispose();
  }
}
