/**
 * Times the steps of laid-out networks in whatever engine this file is loaded into: it needs WebAssembly and a clock,
 * and nothing else.
 *
 * A job is plain data, so that it can be handed to another process or to a page:
 *     { variant, wasm, peak (bytes, base64), rounds, networks: [{ name, bytes, at, scheduleAt, table (base64), random: [from, to], steps: [{ name, flops }], whole? }] }
 * A network with `whole` is timed as one, and in every third round only.
 */

/** Milliseconds that one sample lasts at least, so that a coarse clock doesn't matter. */
const SAMPLE_MS = 1.5;
/** The loop is timed with all numbers of chains. */
const PEAK_TURNS = 20_000;

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const now = () => performance.now();

/**
 * Times everything in turns; answers per network and step the best and the median time in milliseconds, and the peak in
 * GFLOP/s.
 */
export async function measure({ wasm, peak, networks, rounds = 15, warm = 1500 }) {
  const module = await WebAssembly.compile(bytesOf(wasm));
  const contenders = [];
  for (const network of networks) {
    const run = await loadNetwork(module, network);
    const all = () => run(0, network.steps.length);
    const first = timed(all, 1);
    const tasks = [
      { task: all, samples: [] },
      ...(network.whole ? [] : network.steps.map((_, i) => ({ task: () => run(i, i + 1), samples: [] }))),
    ];
    tasks[0].seldom = network.whole;
    contenders.push({ network, first, tasks });
  }
  const chains = await loadPeak(peak);
  // Optimized code arrives in the background, function by function.
  for (const start = now(); now() - start < warm; ) {
    for (const { tasks } of contenders) if (!tasks[0].seldom) tasks[0].task();
    for (const chain of chains) chain.task();
  }
  const every = [...chains, ...contenders.flatMap(({ tasks }) => tasks)];
  for (const each of every) {
    each.task();
    each.repeats = Math.max(1, Math.ceil(SAMPLE_MS / Math.max(timed(each.task, 2), 1e-3)));
  }
  for (let round = 0; round < rounds; round++) {
    for (const { task, repeats, samples, seldom } of every) {
      if (!seldom || round % 3 === 0) samples.push(timed(task, repeats));
    }
  }
  return {
    peak: Math.max(...chains.map(({ flops, samples }) => flops / Math.min(...samples) / 1e6)),
    chains: chains.map(({ name, flops, samples }) => ({ name, gflops: flops / Math.min(...samples) / 1e6 })),
    networks: contenders.map(({ network, first, tasks: [whole, ...steps] }) => ({
      ...{ name: network.name, first, whole: summary(whole.samples) },
      steps: steps.map(({ samples }, i) => ({ name: network.steps[i].name, ...summary(samples) })),
    })),
  };
}

/** Milliseconds of one call, over `repeats` calls. */
function timed(task, repeats) {
  const start = now();
  for (let i = 0; i < repeats; i++) task();
  return (now() - start) / repeats;
}

function summary(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  return { best: sorted[0], median: sorted[sorted.length >> 1] };
}

/**
 * An instance with the network's steps and schedule; weights and inputs are drawn at random, since no kernel's time
 * depends on them.
 */
async function loadNetwork(module, { bytes, at, scheduleAt, table, random: [from, to] }) {
  const { exports } = await WebAssembly.instantiate(module);
  const missing = Math.ceil(bytes / 65536) - exports.memory.buffer.byteLength / 65536;
  if (missing > 0) exports.memory.grow(missing);
  new Uint8Array(exports.memory.buffer).set(bytesOf(table), at);
  let seed = 1;
  const floats = new Float32Array(exports.memory.buffer, from, (to - from) >> 2);
  for (let i = 0; i < floats.length; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    floats[i] = seed / 2 ** 31;
  }
  return (first, last) => exports.run_schedule(scheduleAt, first, last, 0);
}

async function loadPeak(base64) {
  const { exports } = (await WebAssembly.instantiate(bytesOf(base64))).instance;
  return Object.entries(exports)
    .filter(([name]) => /^(fused|apart)_/.test(name))
    .map(([name, loop]) => {
      const flops = 2 * 4 * Number(name.split("_")[1]) * exports.LANES.value * PEAK_TURNS;
      return { name, flops, samples: [], task: () => loop(PEAK_TURNS, 1, 0, 1024) };
    });
}
