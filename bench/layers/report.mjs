/**
 * From measured times to rows and a Markdown table. All shares of the peak are those of the best times.
 */

/**
 * Rows of one engine and variant: the layers as the package runs them, the halves of the separable ones beside, and
 * totals.
 */
export function summarize({ variant, networks }, { engine, version, peak, chains, networks: measured }) {
  const [fused, apart] = measured.map(({ steps }, n) =>
    steps.map((times, i) => rate({ ...networks[n].steps[i], ...times }, peak)),
  );
  const full = measured.findIndex(({ name }) => name === "full");
  const eight = measured.findIndex(({ name }) => name === "8-bit");
  /** The time of a layer's 8-bit form, which has the same name or, between casts, one that begins with it. */
  const inEightBits = ({ name }) =>
    measured[eight]?.steps.find((step) => step.name === name || step.name === `${name}/int8`)?.best;
  const layers = fused.map((found) => {
    const layer = { ...found, eight: inEightBits(found) };
    if (layer.kernel !== "separable_f32") return layer;
    const pointwise = apart.findIndex(({ name }) => name === layer.name);
    const halves = apart.slice(pointwise - 1, pointwise + 1);
    return { ...layer, halves, unfused: halves[0].best + halves[1].best };
  });
  const pointwise = layers.filter(({ halves }) => halves).map(({ halves }) => halves[1]);
  return {
    ...{ engine, version, variant, peak, chains, layers },
    pointwise: rate(
      { flops: sum(pointwise, "flops"), best: sum(pointwise, "best"), median: sum(pointwise, "median") },
      peak,
    ),
    depthwise: rate(total(layers.flatMap(({ halves }) => (halves ? [halves[0]] : []))), peak),
    network: rate({ flops: sum(layers, "flops"), ...measured[0].whole, first: measured[0].first }, peak),
    unfused: measured[1].whole,
    ...(eight > 0 && { eight: measured[eight].whole }),
    ...(full > 0 && { full: rate({ flops: sum(networks[full].steps, "flops"), ...measured[full].whole }, peak) }),
  };
}

const sum = (rows, key) => rows.reduce((result, row) => result + row[key], 0);
const total = (rows) => ({ flops: sum(rows, "flops"), best: sum(rows, "best"), median: sum(rows, "median") });

function rate(row, peak) {
  const gflops = row.flops / row.best / 1e6;
  return { ...row, gflops, share: gflops / peak };
}

const ms = (value) => value.toFixed(value < 1 ? 3 : 2);
const percent = (value) => `${Math.round(100 * value)} %`;

/** Totals of all runs, then the layers of each. */
export function markdown({ date, host, network, runs, missing }) {
  const title = `MobileNet v1 α = ${network.alpha}, ${network.resolution}×${network.resolution}, float32, batch 1, one thread`;
  const totals = runs.map((run) => [
    ...[`${run.engine} (${run.version})`, run.variant, run.peak.toFixed(1)],
    ...[ms(run.network.first), ms(run.network.median), ms(run.network.best), ms(run.unfused.best)],
    ...[
      ms(run.pointwise.best),
      run.pointwise.gflops.toFixed(1),
      percent(run.pointwise.share),
      ms(run.depthwise.best),
      run.depthwise.gflops.toFixed(1),
      ...(run.eight ? [ms(run.eight.best), `${(run.network.best / run.eight.best).toFixed(2)}×`] : ["", ""]),
    ],
  ]);
  const head = [
    ...["engine", "variant", "peak GFLOP/s", "first ms", "median ms", "best ms", "best unfused"],
    ...["pointwise ms", "GFLOP/s", "of peak", "depthwise ms", "GFLOP/s", "8-bit ms", "float / 8-bit"],
  ];
  return [
    `# ${title}`,
    `${host.cpu}, ${host.arch}, ${date.slice(0, 10)}. \`first\` includes no compiling of wasm, but is made by whatever code the engine has at once.`,
    table(head, totals),
    ...twins(runs),
    ...missing.map(({ engine, variant, reason }) => `Left out: ${engine}, ${variant}: ${reason}`),
    ...runs.map((run) => `## ${run.engine}, ${run.variant}\n\n${layerTable(run)}`),
    "",
  ].join("\n\n");
}

/** What separable blocks save over full convolutions: in multiply-adds, and in time. */
function twins(runs) {
  const rows = runs
    .filter(({ full }) => full)
    .map(({ engine, variant, network, full }) => [
      ...[engine, variant, (network.flops / 2e6).toFixed(0), (full.flops / 2e6).toFixed(0)],
      ...[`${(full.flops / network.flops).toFixed(1)}×`, ms(network.best), ms(full.best)],
      ...[`${(full.best / network.best).toFixed(1)}×`, percent(network.share), percent(full.share)],
    ]);
  const head = ["engine", "variant", "M multiply-adds", "full", "saved", "best ms", "full", "saved", "of peak", "full"];
  return rows.length > 0
    ? ["## Against full 3×3 convolutions in place of the separable blocks", table(head, rows)]
    : [];
}

function layerTable({ layers }) {
  const head = [
    "layer",
    "kernel",
    "output",
    "best ms",
    "median ms",
    "GFLOP/s",
    "of peak",
    "depthwise + pointwise ms",
    "fused saves",
    "8-bit ms",
    "float / 8-bit",
  ];
  const rows = layers.map(
    ({ name, kernel, outH = 1, outW = 1, outC, inC, best, median, gflops, share, halves, unfused, eight }) => [
      ...[name, kernel, `${outH}×${outW}×${outC ?? inC}`, ms(best), ms(median)],
      ...(gflops ? [gflops.toFixed(1), percent(share)] : ["", ""]),
      ...(halves ? [halves.map((half) => ms(half.best)).join(" + "), percent(1 - best / unfused)] : ["", ""]),
      ...(eight ? [ms(eight), `${(best / eight).toFixed(2)}×`] : ["", ""]),
    ],
  );
  return table(head, rows);
}

function table(head, rows) {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
