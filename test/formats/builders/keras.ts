/**
 * Keras configurations in the styles of versions 2 and 3, and MobileNets in them.
 */
import type { KerasVariable } from "../../../src/formats/keras/needs.ts";
import type { Stored } from "./hdf5.ts";

/** One layer: what it is called, what it is, what it reads. */
export interface LayerSpec {
  readonly className: string;
  readonly name: string;
  readonly config?: Readonly<Record<string, unknown>>;
  /** Names of layers, and numbers where the layer is an operator. Absent: the layer before. */
  readonly inputs?: readonly (string | number)[];
}

const keras3Tensor = (layer: string) => ({
  class_name: "__keras_tensor__",
  config: { shape: [null], dtype: "float32", keras_history: [layer, 0, 0] },
});

function inbound(inputs: readonly (string | number)[], version: 2 | 3): unknown {
  if (inputs.length === 0) return [];
  if (version === 2) {
    // Numbers are keyword arguments there; only operators have them.
    const number = inputs.find((input) => typeof input === "number");
    if (number !== undefined) return [[inputs[0], 0, 0, { y: number, name: null }]];
    return [inputs.map((input) => [input, 0, 0, {}])];
  }
  const args = inputs.map((input) => (typeof input === "number" ? input : keras3Tensor(input)));
  return [{ args: args.length > 1 && inputs.every((i) => typeof i === "string") ? [args] : args, kwargs: {} }];
}

/** A Functional model's `{ class_name, config }`; its inputs are its InputLayers. */
export function functional(
  name: string,
  layers: readonly LayerSpec[],
  outputs: readonly string[],
  version: 2 | 3 = 2,
): { class_name: string; config: Record<string, unknown> } {
  const ends = (names: readonly string[]) => {
    const refs = names.map((layer) => [layer, 0, 0]);
    return version === 3 && refs.length === 1 ? refs[0] : refs;
  };
  return {
    class_name: "Functional",
    config: {
      name,
      layers: layers.map((layer, i) => ({
        class_name: layer.className,
        config: { name: layer.name, ...layer.config },
        name: layer.name,
        inbound_nodes: inbound(
          layer.inputs ?? (layer.className === "InputLayer" ? [] : [layers[i - 1]!.name]),
          version,
        ),
      })),
      input_layers: ends(layers.filter((layer) => layer.className === "InputLayer").map((layer) => layer.name)),
      output_layers: ends(outputs),
    },
  };
}

/** A Sequential model's `{ class_name, config }`. */
export function sequential(name: string, layers: readonly LayerSpec[]): { class_name: string; config: unknown } {
  return {
    class_name: "Sequential",
    config: {
      name,
      layers: layers.map((layer) => ({ class_name: layer.className, config: { name: layer.name, ...layer.config } })),
    },
  };
}

/** An input of the size, in the style of the version. */
export function inputLayer(name: string, shape: readonly (number | null)[], version: 2 | 3 = 2): LayerSpec {
  const key = version === 2 ? "batch_input_shape" : "batch_shape";
  return { className: "InputLayer", name, config: { [key]: [null, ...shape], dtype: "float32" } };
}

/** Numbers that are the same every time: uniform in ±range around the center. */
export function noise(seed: number, length: number, range: number, center = 0): Float32Array {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return center + range * (state / 2 ** 31 - 1);
  });
}

/** In-memory weights for `variablesByName`. */
export function variablesOf(weights: Readonly<Record<string, Stored>>): [string, KerasVariable][] {
  return Object.entries(weights).map(([name, { shape, data }]) => [
    name,
    { shape, read: () => Float32Array.from(data) },
  ]);
}

/** Filters and strides of block1 … block13 at alpha 1. */
const BLOCKS: readonly (readonly [number, number])[] = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  ...Array.from({ length: 5 }, () => [512, 1] as const),
  [1024, 2],
  [1024, 1],
];

/** A MobileNet v1 as keras-applications builds and names it. */
export interface KerasMobilenet {
  readonly layers: readonly LayerSpec[];
  /** By layer and variable, in Keras's order of creation: `conv1/kernel`. */
  readonly weights: ReadonlyMap<string, Stored>;
}

export function kerasMobilenet(alpha: number, resolution: number, classes: number, version: 2 | 3): KerasMobilenet {
  const layers: LayerSpec[] = [inputLayer("input_1", [resolution, resolution, 3], version)];
  const weights = new Map<string, Stored>();
  const store = (name: string, shape: number[], range: number, center = 0) => {
    const size = shape.reduce((a, b) => a * b, 1);
    weights.set(name, { shape, data: noise(weights.size + 1, size, range, center) });
  };
  const norm = (name: string, channels: number) => {
    layers.push({
      className: "BatchNormalization",
      name,
      config: { axis: version === 2 ? [3] : -1, epsilon: 0.001, center: true, scale: true },
    });
    store(`${name}/gamma`, [channels], 0.3, 1);
    store(`${name}/beta`, [channels], 0.3, 0.2);
    store(`${name}/moving_mean`, [channels], 0.2);
    store(`${name}/moving_variance`, [channels], 0.4, 1);
  };
  const relu = (name: string) =>
    layers.push({ className: "ReLU", name, config: { max_value: 6, negative_slope: 0, threshold: 0 } });
  const conv = (name: string, kernel: number, inputs: number, filters: number, stride: number, extra = {}) => {
    const config = { filters, kernel_size: [kernel, kernel], strides: [stride, stride], padding: "same" };
    layers.push({ className: "Conv2D", name, config: { ...config, use_bias: false, activation: "linear", ...extra } });
    store(`${name}/kernel`, [kernel, kernel, inputs, filters], Math.sqrt(3 / (kernel * kernel * inputs)));
  };

  let channels = Math.trunc(32 * alpha);
  conv("conv1", 3, 3, channels, 2);
  norm("conv1_bn", channels);
  relu("conv1_relu");
  for (const [i, [base, stride]] of BLOCKS.entries()) {
    const block = i + 1;
    if (stride === 2) {
      layers.push({
        className: "ZeroPadding2D",
        name: `conv_pad_${block}`,
        config: {
          padding: [
            [0, 1],
            [0, 1],
          ],
        },
      });
    }
    layers.push({
      className: "DepthwiseConv2D",
      name: `conv_dw_${block}`,
      config: {
        kernel_size: [3, 3],
        strides: [stride, stride],
        padding: stride === 2 ? "valid" : "same",
        depth_multiplier: 1,
        use_bias: false,
      },
    });
    store(`conv_dw_${block}/${version === 2 ? "depthwise_kernel" : "kernel"}`, [3, 3, channels, 1], 0.5);
    norm(`conv_dw_${block}_bn`, channels);
    relu(`conv_dw_${block}_relu`);
    const filters = Math.trunc(base * alpha);
    conv(`conv_pw_${block}`, 1, channels, filters, 1);
    norm(`conv_pw_${block}_bn`, filters);
    relu(`conv_pw_${block}_relu`);
    channels = filters;
  }
  layers.push(
    { className: "GlobalAveragePooling2D", name: "global_average_pooling2d", config: { keepdims: true } },
    { className: "Dropout", name: "dropout", config: { rate: 0.001 } },
  );
  conv("conv_preds", 1, channels, classes, 1, { use_bias: true });
  store("conv_preds/bias", [classes], 0.1);
  layers.push(
    { className: "Reshape", name: "reshape_2", config: { target_shape: [classes] } },
    { className: "Activation", name: "predictions", config: { activation: "softmax" } },
  );
  return { layers, weights };
}

/** Where Keras 3 stores each variable of a flat model: `layers/conv2d_1/vars/0`. */
export function keras3Paths(model: KerasMobilenet, folder = "layers"): [string, Stored][] {
  const counts = new Map<string, number>();
  const classes: Readonly<Record<string, string>> = {
    Conv2D: "conv2d",
    DepthwiseConv2D: "depthwise_conv2d",
    BatchNormalization: "batch_normalization",
  };
  return model.layers.flatMap(({ name, className }) => {
    const stored = classes[className];
    if (!stored) return [];
    const count = counts.get(stored) ?? 0;
    counts.set(stored, count + 1);
    const own = [...model.weights].filter(([key]) => key.startsWith(`${name}/`));
    return own.map(([, value], i): [string, Stored] => [
      `${folder}/${count === 0 ? stored : `${stored}_${count}`}/vars/${i}`,
      value,
    ]);
  });
}
