/**
 * One network in float32 and in 8 bits on the host that runs this file: `int8-host.mjs '{"network": "0.25_128", …}'`,
 * for bench/int8.mjs. The last line of its output is the result in JSON.
 */
import { build, initialize, mobilenetV2, mobilenetV3, quantize } from "../dist/index.js";
import { measure } from "./peers/measure.mjs";
import { networkOf } from "./peers/network.mjs";

const { network: name, ...options } = JSON.parse(process.argv[2]);
const OTHERS = {
  "v2 1.0_224": () => mobilenetV2({ alpha: 1, resolution: 224 }),
  "v3 small 1.0_224": () => mobilenetV3({ size: "small", resolution: 224 }),
};

function graphOf() {
  if (!(name in OTHERS)) return networkOf(name);
  const graph = initialize(OTHERS[name](), 1);
  const length = graph.inputs[0].shape.reduce((a, b) => a * b, 1);
  return { graph, input: Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898) % 1) };
}

const { graph, input } = graphOf();
const logits = graph.nodes.find(({ op }) => op === "softmax")?.inputs[0] ?? graph.outputs[0];
const quantized = await quantize({ ...graph, outputs: [logits] }, [input], { io: "int8" });
const bytes = Int8Array.from(input, (x) => Math.round(100 * x));
let product;
const candidates = ["simd", "relaxed"].flatMap((variant) => [
  {
    name: `sepconv ${variant}`,
    open: async () => {
      const session = await build(graph, { variant });
      return { run: () => session.run(input).output };
    },
  },
  {
    ...{ name: `sepconv ${variant}, 8-bit`, kind: "8-bit", tolerance: 0 },
    open: async () => {
      const session = await build(quantized, { variant });
      product = session.product ?? product;
      return { run: () => session.run(bytes).output };
    },
  },
]);
const rows = await measure(candidates, options, (line) => console.log(line));
const { node, deno, bun } = process.versions;
const host = bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : `Node ${node}`;
await new Promise((resolve) => process.stdout.write(`\n${JSON.stringify({ host, product, rows })}\n`, resolve));
process.exit(0);
