/** What the package promises to reach against its peers, and whether a result does. */

const LITERT = "LiteRT.js";

/** Speed-ups over a peer in the same process or page, at least; of sepconv's simd build, and of its relaxed one. */
const FASTER = [
  ["1.0_224", "tfjs-wasm", 1.4, 1.75],
  ["1.0_224", "onnxruntime-web", 1.9, 2.3],
  ["1.0_224", LITERT, 1.1, 1.35],
  ["0.5_160", "tfjs-wasm", 1.5, 1.8],
  ["0.5_160", "onnxruntime-web", 2.3, 2.9],
  ["0.25_96", "tfjs-wasm", 1.9, 2.3],
  ["0.25_96", LITERT, 1.2, 1.5],
];

/** Times the native runtime's time, at most. */
const NATIVE = ["1.0_224", "onnxruntime-node", 2.4, 1.9];

const COLD = { ms: 30, megabytes: 15 };
const SIMD_OVER_SCALAR = 4;

/**
 * @returns rows `{ what, target, measured?, reached? }`; `measured` and `reached` are absent where nothing was measured
 */
export function checkTargets({ results, cold }) {
  const ratio = (host, network, slower, faster) => {
    const rows = results.find((result) => result.hostKey === host && result.network === network)?.rows ?? [];
    const time = (name) => rows.find((row) => row.name === name)?.median;
    return time(slower) / time(faster);
  };
  const lines = [];
  const line = (what, target, measured, reached) =>
    lines.push({
      what,
      target,
      ...(Number.isFinite(measured.value) && { measured: measured.text, reached: reached(measured.value) }),
    });
  for (const [column, host] of [
    ["simd", "node20"],
    ["relaxed", "node"],
  ]) {
    const own = `sepconv ${column}`;
    for (const [network, peer, simd, relaxed] of FASTER) {
      const least = column === "simd" ? simd : relaxed;
      const where = peer === LITERT ? "chromium" : host;
      const value = ratio(where, network, peer, own);
      const measured = { value, text: `${value.toFixed(2)}× faster` };
      line(`${network}, ${own} against ${peer}, ${where}`, `≥ ${least}× faster`, measured, (got) => got >= least);
    }
    const [network, peer, simd, relaxed] = NATIVE;
    const most = column === "simd" ? simd : relaxed;
    const value = ratio(host, network, own, peer);
    const measured = { value, text: `${value.toFixed(2)}× its time` };
    line(`${network}, ${own} against native ${peer}, ${host}`, `≤ ${most}× its time`, measured, (got) => got <= most);
  }
  const simd = ratio("node20", "1.0_224", "sepconv scalar", "sepconv simd");
  const faster = { value: simd, text: `${simd.toFixed(2)}× faster` };
  line(
    "1.0_224, sepconv simd against scalar, node20",
    `≥ ${SIMD_OVER_SCALAR}× faster`,
    faster,
    (got) => got >= SIMD_OVER_SCALAR,
  );
  for (const host of ["node20", "node"]) {
    const row = (name) => cold.find((entry) => entry.host === host && entry.name === name);
    const ms = row("sepconv build")?.ms ?? Number.NaN;
    const above = (row("sepconv build")?.rss - row("empty")?.rss) / 1e6;
    line(
      `0.25_128, import to first answer, ${host}`,
      `≤ ${COLD.ms} ms`,
      { value: ms, text: `${ms.toFixed(1)} ms` },
      (got) => got <= COLD.ms,
    );
    const memory = { value: above, text: `${above.toFixed(1)} MB` };
    line(
      `0.25_128, resident above an empty process, ${host}`,
      `≤ ${COLD.megabytes} MB`,
      memory,
      (got) => got <= COLD.megabytes,
    );
  }
  return lines;
}
