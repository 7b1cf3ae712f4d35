/**
 * The layers that MobileNet v1 and its relatives are made of, and what their nodes and constants are called here:
 * behind a convolution `block3/pointwise/conv` with `block3/pointwise/weights` stands its batch norm
 * `block3/pointwise/bn`, and behind that the activation `block3`, which is the block's value.
 * @module
 */

import type { GraphBuilder } from "../graph/builder.ts";
import type { Clamp, Initializer, Padding, Shape } from "../graph/graph.ts";

/** What all layers of a network have in common. */
export interface LayerStyle {
  readonly activation: Clamp;
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
  convolution(scope: string, name: string, input: string, weights: Shape, stride: number): string {
    if (!this.#style.folded) {
      this.#windowed("conv2d", scope, input, weights, stride);
      return this.#normalized(scope, name, weights[3]!);
    }
    this.#windowed("conv2d", scope, input, weights, stride, true);
    return this.#activated(name, `${scope}/conv`);
  }

  /** Depthwise convolution, batch normalization, activation. */
  depthwise(scope: string, input: string, channels: number, stride: number): string {
    this.#windowed("depthwiseConv2d", scope, input, [3, 3, channels, 1], stride);
    return this.#normalized(scope, scope, channels);
  }

  /** Both halves of a separable block. */
  separable(name: string, input: string, channels: number, filters: number, stride: number): string {
    const middle = this.depthwise(`${name}/depthwise`, input, channels, stride);
    return this.convolution(`${name}/pointwise`, name, middle, [1, 1, channels, filters], 1);
  }

  /** A 1×1 convolution and batch normalization, and no activation: what leaves a bottleneck. */
  projection(scope: string, input: string, channels: number, filters: number): string {
    this.#windowed("conv2d", scope, input, [1, 1, channels, filters], 1);
    return this.#norm(scope, filters);
  }

  /** The sum of two values of one shape. */
  sum(name: string, a: string, b: string): string {
    return this.#builder.addNode({ op: "add", name, inputs: [a, b] });
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
    stride: number,
    biased = false,
  ): string {
    const weights = this.#constant(`${scope}/weights`, shape, "glorotUniform");
    const bias = biased ? { bias: this.#constant(`${scope}/bias`, [shape[3]!], "zeros") } : {};
    const padding = shape[0] === 1 ? "same" : this.#style.padding;
    return this.#builder.addNode({
      ...{ op, name: `${scope}/conv`, inputs: [input], weights, ...bias },
      ...{ strides: [stride, stride], dilations: [1, 1], padding },
    });
  }

  #normalized(scope: string, name: string, channels: number): string {
    return this.#activated(name, this.#norm(scope, channels));
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

  #activated(name: string, input: string): string {
    return this.#builder.addNode({ op: "clamp", name, inputs: [input], ...this.#style.activation });
  }
}
