/**
 * onnxruntime-node where it is installed (`npm install --prefix test/peers --ignore-scripts`), to compare answers with.
 * @module
 */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("node_modules/onnxruntime-node/", import.meta.url));

/** Whether it is missing; says so. */
export function missingOnnxruntime(): boolean {
  const missing = !existsSync(FOLDER);
  if (missing)
    console.info("skipped: onnxruntime-node is not there (npm install --prefix test/peers --ignore-scripts)");
  return missing;
}

/** A tensor by its dimensions, its type being that of the array. */
export interface PeerTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array | Int8Array | Uint8Array;
}

interface Peer {
  readonly InferenceSession: {
    create(
      bytes: Uint8Array,
      options: object,
    ): Promise<{ run(feeds: Record<string, unknown>): Promise<Record<string, PeerTensor>>; release(): Promise<void> }>;
  };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => unknown;
}

/** Its answers, with all rewriting of the graph as it does it by default, or with none. */
export async function onnxruntime(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, PeerTensor>>,
  graphOptimizationLevel: "all" | "disabled" = "all",
): Promise<Readonly<Record<string, PeerTensor>>> {
  const { InferenceSession, Tensor } = createRequire(import.meta.url)(FOLDER) as Peer;
  const session = await InferenceSession.create(bytes, {
    graphOptimizationLevel,
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const types = { Float32Array: "float32", Int8Array: "int8", Uint8Array: "uint8" } as const;
  const given = Object.entries(feeds).map(([name, { data, dims }]) => {
    return [name, new Tensor(types[data.constructor.name as keyof typeof types], data, dims)] as const;
  });
  try {
    return await session.run(Object.fromEntries(given));
  } finally {
    await session.release();
  }
}
