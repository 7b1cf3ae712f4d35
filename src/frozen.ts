/**
 * Runs a frozen network from JavaScript, without the rest of the package: the module has its own kernels. What this
 * file adds is names, shapes and checks.
 * @module
 */

/** The numbers of a value: a Float32Array, Int32Array, Int8Array or Uint8Array, as its dtype says. */
export type FrozenNumbers = Float32Array | Int32Array | Int8Array | Uint8Array;

/** The same as they go in: pixels of a canvas too. */
export type FrozenInput = FrozenNumbers | Uint8ClampedArray;

/** What goes in or comes out. */
export interface FrozenValue {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32" | "int8" | "uint8";
  /** In 8 bits: what the numbers mean, scale·(q − zeroPoint). */
  readonly scale?: number;
  readonly zeroPoint?: number;
}

/** What a run answers; the arrays are the caller's to keep. */
export interface FrozenResult {
  /** The first output. */
  readonly output: FrozenNumbers;
  readonly outputs: Readonly<Record<string, FrozenNumbers>>;
  readonly endPoints: Readonly<Record<string, FrozenNumbers>>;
}

/** A frozen network that is ready to run. */
export interface Frozen {
  readonly inputs: readonly FrozenValue[];
  readonly outputs: readonly FrozenValue[];
  readonly endPoints: readonly FrozenValue[];
  /** Bytes: `total` of the plan; the memory has as many pages as that takes. */
  readonly memory: { readonly total: number };
  /**
   * Computes the network once: one array, or one for each input by its name.
   * @throws TypeError for another kind of array, RangeError for a wrong length
   */
  run(input: FrozenInput | Readonly<Record<string, FrozenInput>>): FrozenResult;
  /** The memory of an input, to be written before `compute`; by default the first one's. */
  input(name?: string): FrozenNumbers;
  /** The memory of an output or end point, to be read after `compute`; by default the first output's. */
  output(name?: string): FrozenNumbers;
  /** Computes the network on what the inputs' memory holds. */
  compute(): void;
  /**
   * Begins a run whose rows come in one by one: of a network that was frozen with the option `feed`, which has no
   * `compute`.
   */
  feed(): FrozenFeed;
}

/** A run in the making. */
export interface FrozenFeed {
  /** The next rows of the input, from the top, one behind the other; what they make possible is computed. */
  rows(rows: FrozenNumbers): void;
  /** The result, once all rows are there. */
  done(): FrozenResult;
}

/** Bytes, a response, an address, a compiled module, or a promise of one of them. */
export type FrozenSource = BufferSource | Response | URL | string | WebAssembly.Module;

interface Placed extends FrozenValue {
  readonly address: number;
  readonly op?: string;
  readonly fed?: boolean;
  readonly quantization?: { readonly scales: readonly number[]; readonly zeroPoints: readonly number[] };
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

const refuse: (expected: string) => never = (expected) => {
  throw new RangeError(`expected ${expected}`);
};

const ARRAYS = { float32: Float32Array, int32: Int32Array, int8: Int8Array, uint8: Uint8Array };

/**
 * Makes a frozen network ready to run.
 * @throws Error for a module of something else, or of a newer version
 * @example
 * ```js
 * import { freeze, load } from "sepconv";
 * import { frozen } from "sepconv/frozen";
 *
 * const net = await frozen(await freeze(await load("model.tflite")));
 * console.log(net.inputs[0].shape, net.run(new Float32Array(96 * 96 * 3)).output);
 * ```
 */
export async function frozen(source: FrozenSource | Promise<FrozenSource>): Promise<Frozen> {
  return ready(await compiled(await source)).catch((cause) => {
    throw new Error("expected a frozen network, version 1", { cause });
  });
}

async function ready(module: WebAssembly.Module): Promise<Frozen> {
  const [section] = WebAssembly.Module.customSections(module, "sepconv");
  const { frozen: version, manifest } = JSON.parse(new TextDecoder().decode(section));
  if (version !== 1) throw version;
  const exports = (await WebAssembly.instantiate(module)).exports as Record<string, () => number> & {
    readonly memory: WebAssembly.Memory;
  };
  const view = ({ dtype, shape, address }: Pick<Placed, "dtype" | "shape" | "address">) =>
    new ARRAYS[dtype](exports.memory.buffer, address, sizeOf(shape));
  const { inputs, outputs, endPoints } = manifest as Record<"inputs" | "outputs" | "endPoints", readonly Placed[]>;
  const told = (values: readonly Placed[]): FrozenValue[] =>
    values.map(({ quantization: q, address: _, op: __, fed: ___, ...told }) => {
      return { ...told, ...(q && { scale: q.scales[0]!, zeroPoint: q.zeroPoints[0]! }) };
    });
  const named = (values: readonly Placed[], name = values[0]!.name) => {
    const value = values.find((each) => each.name === name);
    if (!value) refuse(`${values.map((each) => each.name)}, got ${name}`);
    return view(value);
  };
  const copies = (values: readonly Placed[]) =>
    Object.fromEntries(values.map((value) => [value.name, view(value).slice()]));
  const answers = [...outputs, ...endPoints];
  // What is told of them leads into the memory.
  answers.map(view);
  const results = (): FrozenResult => {
    const all = copies(outputs);
    return { output: all[outputs[0]!.name]!, outputs: all, endPoints: copies(endPoints) };
  };
  const feed = (): FrozenFeed => {
    const { dtype, shape } = inputs[0]!;
    const row = sizeOf(shape.slice(2));
    let [wanted, held, left] = [exports.feed_begin!(), 0, shape[1]!];
    return {
      rows(data) {
        if (data.length % row || data.length > left * row) {
          refuse(`rows of ${row} numbers, ${left} at most, got ${data.length}`);
        }
        for (let at = 0; at < data.length; at += row, left--) {
          // Rows below the last one that a layer looks at are taken, and left.
          if (wanted === 0) continue;
          const address = exports.feed_address!() + held * row * data.BYTES_PER_ELEMENT;
          view({ dtype, shape: [row], address }).set(data.subarray(at, at + row));
          if (++held === wanted) [wanted, held] = [exports.feed_next!(), 0];
        }
      },
      done() {
        if (left > 0) refuse(`${left} more rows`);
        return results();
      },
    };
  };
  return {
    feed,
    ...{ inputs: told(inputs), outputs: told(outputs), endPoints: told(endPoints), memory: manifest.memory },
    input: (name) => named(inputs, name),
    output: (name) => named(answers, name),
    compute: exports.run as () => unknown as () => void,
    run(input) {
      for (const value of inputs) {
        const { name, dtype, shape } = value;
        const data = ArrayBuffer.isView(input) ? input : input[name];
        // Pixels of a canvas are clamped.
        if (data?.constructor.name.replace("Clamped", "") !== ARRAYS[dtype].name)
          throw new TypeError(`input ${name}: expected ${dtype} [${shape}]`);
        const size = sizeOf(shape);
        if (data.length !== size) refuse(`${size} values for ${name}, got ${data.length}`);
        if (exports.run) view(value).set(data);
        else {
          const fed = feed();
          fed.rows(data as FrozenNumbers);
          return fed.done();
        }
      }
      exports.run!();
      return results();
    },
  };
}

async function compiled(source: FrozenSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  const response = typeof source === "string" || source instanceof URL ? await fetch(source) : source;
  return WebAssembly.compile("arrayBuffer" in response ? await response.arrayBuffer() : response);
}
