/**
 * One contender from a fresh browser to its first answer at 0.25_128, everything fetched from the loopback interface:
 * what starting costs when the wire costs nothing. `/cold/` has the model in the contender's format.
 */

const [RESOLUTION, ALPHA] = [128, 0.25];

const STARTS = {
  "sepconv build": async () => {
    const { build, mobilenetV1 } = await import("../../dist/index.js");
    const session = await build(mobilenetV1({ alpha: ALPHA, resolution: RESOLUTION }));
    return (input) => session.run(input).output;
  },
  "tfjs-wasm": async () => {
    const [{ openTfjs }, { graphOf }, description, bytes] = await Promise.all([
      import("./page-tfjs.mjs"),
      import("./shards.mjs"),
      fetch("/cold/tfjs.json").then((response) => response.json()),
      fetch("/cold/tfjs.bin").then((response) => response.arrayBuffer()),
    ]);
    return (await openTfjs(graphOf(description, new Float32Array(bytes)))).run;
  },
  "LiteRT.js": async () => {
    const [{ openLitert }, bytes] = await Promise.all([
      import("./page-litert.mjs"),
      fetch("/cold/model.tflite").then((response) => response.arrayBuffer()),
    ]);
    return openLitert(new Uint8Array(bytes), [1, RESOLUTION, RESOLUTION, 3]);
  },
};

globalThis.coldStart = async (name) => {
  const start = performance.now();
  const run = await STARTS[name]();
  const input = new Float32Array(RESOLUTION * RESOLUTION * 3).fill(0.5);
  const ready = performance.now();
  const output = await run(input);
  const end = performance.now();
  const sum = output.reduce((total, value) => total + value, 0);
  if (!(Math.abs(sum - 1) < 1e-3)) throw new Error(`${name}: expected probabilities, got numbers that sum to ${sum}`);
  return { ms: end - start, first: end - ready };
};
