/**
 * The layers that MobileNet v1 and its relatives are made of, and what their nodes and constants are called here:
 * behind a convolution `block3/pointwise/conv` with `block3/pointwise/weights` stands its batch norm
 * `block3/pointwise/bn`, and behind that the activation `block3`, which is the block's value.
 * @module
 */

import type { GraphBuilder } from "../graph/builder.ts";
import type { Clamp, Initializer, Padding, Pair, Shape } from "../graph/graph.ts";

/** What all layers of a network have in common. */
export interface LayerStyle {
  readonly activation: Clamp | "hardSwish";
  /** ε of the batch norms. */
  readonly epsilon: number;
  /** Of windows of more than one pixel. */
  readonly padding: Padding;
  /** Normalizes by the statistics of the batch at hand, and keeps moving averages with this momentum. */
  readonly momentum?: number | undefined;
  /** The batch norms behind all but depthwise convolutions are folded into a bias. */
  readonly folded?: boolean;
}

/** Adds a constant by its name here, and answers with the name that it has got. */
export type AddConstant = (name: string, shape: Shape, initializer: Initializer) => string;

/** A step of one window: the same one down and across, or one each. */
export type Stride = number | Pair;

/** What an inverted residual is like. */
export interface Residual {
  readonly channels: number;
  /** Channels between its 1×1 convolutions; as many as there are, and there is no first one. */
  readonly wide: number;
  readonly out: number;
  readonly stride: number;
  /** Height and width of the depthwise kernel. Default 3. */
  readonly kernel?: number;
  /** What stands behind the depthwise half, by the names of block and value. */
  readonly gate?: ((block: string, input: string) => string) | undefined;
}

/** The nearest multiple of 8 from 8 on that takes no more than a tenth away. */
export function rounded(filters: number): number {
  const nearest = Math.max(8, Math.trunc((filters + 4) / 8) * 8);
  return nearest < 0.9 * filters ? nearest + 8 : nearest;
}

/** Writes layers, one behind the other. */
export class MobilenetLayers {
  /** Names of the moving averages, when training. */
  readonly moving: string[] = [];
  readonly #builder: GraphBuilder;
  readonly #style: LayerStyle;
  readonly #constant: AddConstant;

  constructor(builder: GraphBuilder, style: LayerStyle, constant: AddConstant) {
    this.#builder = builder;
    this.#style = style;
    this.#constant = constant;
  }

  /** Convolution, batch normalization, activation; `scope` begins the names of the first two, `name` is the third. */
  convolution(scope: string, name: string, input: string, weights: Shape, stride: Stride): string {
    if (!this.#style.folded) {
      this.#windowed("conv2d", scope, input, weights, stride);
      return this.#normalized(scope, name, weights[3]!);
    }
    this.#windowed("conv2d", scope, input, weights, stride, true);
    return this.activated(name, `${scope}/conv`);
  }

  /** Depthwise convolution, batch normalization, activation. */
  depthwise(scope: string, input: string, channels: number, stride: Stride, kernel = 3): string {
    this.#windowed("depthwiseConv2d", scope, input, [kernel, kernel, channels, 1], stride);
    return this.#normalized(scope, scope, channels);
  }

  /** Both halves of a separable block. */
  separable(name: string, input: string, channels: number, filters: number, stride: Stride): string {
    const middle = this.depthwise(`${name}/depthwise`, input, channels, stride);
    return this.convolution(`${name}/pointwise`, name, middle, [1, 1, channels, filters], 1);
  }

  /**
   * Wider, each channel filtered, and narrow again without an activation; added to what went in where that has the same
   * shape. Answers with the name of the block's value.
   */
  residual(block: string, input: string, { channels, wide, out, stride, kernel, gate }: Residual): string {
    const expand = `${block}/expand`;
    const expanded = wide === channels ? input : this.convolution(expand, expand, input, [1, 1, channels, wide], 1);
    const filtered = this.depthwise(`${block}/depthwise`, expanded, wide, stride, kernel);
    const project = `${block}/project`;
    this.#windowed("conv2d", project, gate?.(block, filtered) ?? filtered, [1, 1, wide, out], 1);
    const narrow = this.#norm(project, out);
    if (stride !== 1 || channels !== out) return narrow;
    return this.#builder.addNode({ op: "add", name: block, inputs: [input, narrow] });
  }

  /** The activation of all layers. */
  activated(name: string, input: string): string {
    const { activation } = this.#style;
    const node = activation === "hardSwish" ? ({ op: activation } as const) : ({ op: "clamp", ...activation } as const);
    return this.#builder.addNode({ ...node, name, inputs: [input] });
  }

  /** A 1×1 convolution with bias, and nothing behind it. */
  linear(name: string, input: string, channels: number, filters: number): string {
    return this.#windowed("conv2d", name, input, [1, 1, channels, filters], 1, true);
  }

  /** The map's mean, [n, 1, 1, C]. */
  pool(name: string, input: string): string {
    return this.#builder.addNode({ op: "globalAveragePool", name, inputs: [input], keepDims: true });
  }

  /** Logits `classifier` and probabilities `softmax` of a pooled map. */
  classifier(input: string, channels: number, classes: number): string {
    const builder = this.#builder;
    const inputs = [
      builder.addNode({ op: "reshape", name: "classifier/input", inputs: [input], shape: [-1, channels] }),
    ];
    const weights = this.#constant("classifier/weights", [channels, classes], "glorotUniform");
    const bias = this.#constant("classifier/bias", [classes], "zeros");
    builder.addNode({ op: "dense", name: "classifier", inputs, weights, bias });
    return builder.addNode({ op: "softmax", name: "softmax", inputs: ["classifier"], beta: 1 });
  }

  #windowed(
    op: "conv2d" | "depthwiseConv2d",
    scope: string,
    input: string,
    shape: Shape,
    stride: Stride,
    biased = false,
  ): string {
    const weights = this.#constant(`${scope}/weights`, shape, "glorotUniform");
    const bias = biased ? { bias: this.#constant(`${scope}/bias`, [shape[3]!], "zeros") } : {};
    const strides: Pair = typeof stride === "number" ? [stride, stride] : stride;
    const padding = shape[0] === 1 ? "same" : this.#style.padding;
    return this.#builder.addNode({
      ...{ op, name: `${scope}/conv`, inputs: [input], weights, ...bias },
      ...{ strides, dilations: [1, 1], padding },
    });
  }

  #normalized(scope: string, name: string, channels: number): string {
    return this.activated(name, this.#norm(scope, channels));
  }

  /** The batch norm behind a convolution. */
  #norm(scope: string, channels: number): string {
    const { epsilon, momentum } = this.#style;
    const builder = this.#builder;
    const input = `${scope}/conv`;
    const norm = `${scope}/bn`;
    const statistic = (role: string, initializer: Initializer) =>
      this.#constant(`${norm}/${role}`, [channels], initializer);
    const affine = { gamma: statistic("gamma", "ones"), beta: statistic("beta", "zeros") };
    const fixed = { mean: statistic("mean", "zeros"), variance: statistic("variance", "ones") };
    if (momentum === undefined) {
      builder.addNode({ op: "batchNorm", name: norm, inputs: [input], ...affine, ...fixed, epsilon });
    } else {
      const moments = builder.addNode({ op: "moments", name: `${norm}/moments`, inputs: [input] });
      builder.addNode({ op: "normalize", name: norm, inputs: [input, moments], ...affine, epsilon });
      const average = { op: "movingAverage", ...fixed, momentum, varianceFactor: 1 } as const;
      this.moving.push(builder.addNode({ ...average, name: `${norm}/moving`, inputs: [moments] }));
    }
    return norm;
  }
}
