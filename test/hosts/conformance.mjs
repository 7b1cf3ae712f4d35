/**
 * What every host must answer, bit for bit: one program, of nothing but `sepconv` itself, that runs the same in Node,
 * in a page, in a worker and behind every bundler.
 */

/**
 * The answers, as hashes of bytes. They are those of the scalar build, which the reference in the other tests is held
 * against; simd gives the same.
 */
export const EXPECTED = Object.freeze({
  float: "b326396b-15a154e3",
  quantized: "df8f0596-4611ebd0",
  int8: "6e25675b-868f9f63",
  input: "d5a6e617-848ef097",
  label: "blue",
  error: "FormatError",
  report: true,
  sources: true,
});

/**
 * @param sepconv the package, as this host has it
 * @param fromTflite of `sepconv/tflite`, as this host has it
 * @param read gives what the host has for a file's name: an address, a path, or bytes
 * @param options those that every function takes which runs kernels: `wasm`, on hosts that need it
 * @param sources more sources of the simd build, which must all be taken
 */
export async function conformance({ sepconv, fromTflite, read, options = {}, sources = [] }) {
  const { build, classify, load, mobilenetV1, quantizationReport, quantize, toInput, toTflite } = sepconv;
  const simd = { variant: "simd", ...options };
  const shape = { alpha: 0.25, resolution: 64, classes: 10 };
  const graph = mobilenetV1({ ...shape, training: true });
  const net = await build(graph, { ...simd, seed: 1 });
  const float = hash(net.run(numbers(64 * 64 * 3)).output);
  net.dispose();

  const small = await build(mobilenetV1(shape), { ...simd, seed: 2 });
  const samples = [1, 2, 3].map((seed) => numbers(64 * 64 * 3, seed));
  const eight = await quantize(small, samples, { io: "int8", ...options });
  const bytes = await toTflite(eight);
  const quantized = await load(bytes, { ...simd, endPoints: ["block2"] });
  const pixels = Int8Array.from(numbers(64 * 64 * 3, 4), (x) => Math.round(127 * x));
  // Nobody trained it: its last layers say nothing, the first ones do.
  const int8 = hash(quantized.run(pixels).endPoints.block2);
  const again = await build(await fromTflite(bytes), { ...simd, endPoints: ["block2"] });
  if (hash(again.run(pixels).endPoints.block2) !== int8)
    throw new Error("a graph of sepconv/tflite: expected the same bits");
  const { agreement } = await quantizationReport(small, await quantize(small, samples, options), samples, options);

  const picture = await read("picture.jpg");
  const gray = { data: Uint8Array.from({ length: 50 * 40 }, (_, i) => (i * 7) & 255), width: 50, height: 40 };
  const resize = { width: 16, height: 16, normalization: { mean: 127.5, std: 127.5 } };
  const input = hash(await toInput(gray, { ...resize, ...options }));
  const colors = await load(await read("colors.tflite"), options);
  const { classes } = await classify(colors, picture);

  const error = await load(new Uint8Array(30)).catch(({ name }) => name);
  const taken = [];
  for (const source of sources) {
    const given = await build(graph, { wasm: typeof source === "function" ? source() : source, seed: 1 });
    taken.push(hash(given.run(numbers(64 * 64 * 3)).output));
  }
  return {
    ...{ float, quantized: hash(bytes), int8, input, label: classes[0].label, error },
    ...{ report: agreement >= 0 && agreement <= 1, sources: taken.every((each) => each === float) },
  };
}

/** Numbers in [-1, 1): integers that every host computes alike. */
function numbers(length, seed = 0) {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

/** FNV-1a of an array's bytes, forward and backward: hosts without `crypto` have it too. */
function hash(array) {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let [forward, backward] = [0x811c9dc5, 0x811c9dc5];
  for (let i = 0; i < bytes.length; i++) {
    forward = Math.imul(forward ^ bytes[i], 0x01000193) >>> 0;
    backward = Math.imul(backward ^ bytes[bytes.length - 1 - i], 0x01000193) >>> 0;
  }
  return `${forward.toString(16)}-${backward.toString(16)}`;
}
