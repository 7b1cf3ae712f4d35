/**
 * Sparse weights: trees that the test makes of dense tensors in its own way, and what is no tree.
 */
import { describe, expect, it } from "vitest";
import { build } from "../../src/engine/build.ts";
import { FormatError, UnsupportedError } from "../../src/errors.ts";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import { random } from "../cases/random.ts";
import {
  buildTflite,
  type ListsSpec,
  type OperatorSpec,
  type SparsitySpec,
  type TensorSpec,
} from "./builders/tflite.ts";

/** How a tensor is stored: axes and blocks in their order, and which of the levels list their places. */
interface Form {
  readonly order: readonly number[];
  /** Sizes of blocks by the axis that they divide. */
  readonly blocks?: ReadonlyMap<number, number>;
  readonly listed: readonly number[];
  readonly bits?: 8 | 16 | 32;
}

/** The tree of a dense tensor: level by level, all prefixes that lead to something. */
function sparse(
  shape: readonly number[],
  numbers: readonly number[],
  { order, blocks = new Map(), listed, bits = 8 }: Form,
): { data: number[]; sparsity: SparsitySpec } {
  const axes = [...blocks.keys()];
  const sizes = order.map((which) => {
    if (which >= shape.length) return blocks.get(axes[which - shape.length]!)!;
    return shape[which]! / (blocks.get(which) ?? 1);
  });
  const at = (path: readonly number[]) => {
    const index = shape.map((_, axis) => {
      const outer = path[order.indexOf(axis)]!;
      const block = axes.indexOf(axis);
      return block < 0 ? outer : outer * blocks.get(axis)! + path[order.indexOf(shape.length + block)]!;
    });
    return numbers[index.reduce((sum, i, axis) => sum * shape[axis]! + i, 0)]!;
  };
  const holds = (path: readonly number[]): boolean =>
    path.length === order.length
      ? at(path) !== 0
      : Array.from({ length: sizes[path.length]! }, (_, i) => i).some((i) => holds([...path, i]));
  let paths: number[][] = [[]];
  const levels = sizes.map((size, level): number | ListsSpec => {
    const all = (path: number[]) => Array.from({ length: size }, (_, i) => [...path, i]);
    if (!listed.includes(level)) {
      paths = paths.flatMap(all);
      return size;
    }
    const lists = paths.map((path) => all(path).filter(holds));
    const segments = [0];
    for (const list of lists) segments.push(segments.at(-1)! + list.length);
    paths = lists.flat();
    return { segments, indices: paths.map((path) => path.at(-1)!), bits: paths.length < 256 ? bits : 16 };
  });
  return { data: paths.map(at), sparsity: { order, blocks: axes, levels } };
}

/** A convolution [2, 3, 3, 4] → 8 channels by weights OHWI, or a dense layer of [8, 36]. */
const SHAPES = { conv: [8, 1, 3, 4], dense: [8, 36] } as const;

function weightsOf(shape: readonly number[], share: number): number[] {
  const { next } = random(`sparse ${shape}`);
  return Array.from({ length: shape.reduce((a, b) => a * b) }, () => {
    const value = Math.round(200 * next() - 100) / 64;
    return next() < share ? 0 : value;
  });
}

function file(weights: Partial<TensorSpec>, kind: keyof typeof SHAPES, densify: boolean): Uint8Array {
  const layer: OperatorSpec =
    kind === "conv"
      ? {
          op: "CONV_2D",
          inputs: [0, densify ? 2 : 1],
          outputs: [3],
          options: { 0: { int8: 1 }, 1: { int32: 1 }, 2: { int32: 1 } },
        }
      : { op: "FULLY_CONNECTED", inputs: [0, densify ? 2 : 1], outputs: [3] };
  return buildTflite({
    tensors: [
      { name: "x", shape: kind === "conv" ? [1, 3, 3, 4] : [2, 36] },
      { name: "w", shape: SHAPES[kind], ...weights },
      { name: "dense w", shape: SHAPES[kind] },
      { name: "y", shape: kind === "conv" ? [1, 3, 1, 8] : [2, 8] },
    ],
    operators: [...(densify ? [{ op: "DENSIFY", inputs: [1], outputs: [2] }] : []), layer],
    ...{ inputs: [0], outputs: [3] },
  });
}

async function answer(bytes: Uint8Array) {
  const net = await build(await fromTflite(bytes));
  const { shape } = net.inputs[0]!;
  return net.run(random("sparse x").floats(shape.reduce((a, b) => a * b))).output;
}

describe("sparse weights", () => {
  const forms: Readonly<Record<keyof typeof SHAPES, readonly Form[]>> = {
    dense: [
      { order: [0, 1], listed: [1] },
      { order: [1, 0], listed: [1], bits: 16 },
      { order: [0, 1], listed: [0, 1], bits: 32 },
      { order: [0, 1], listed: [] },
      { order: [0, 1, 2], blocks: new Map([[1, 4]]), listed: [1] },
      {
        order: [0, 1, 2, 3],
        blocks: new Map([
          [0, 2],
          [1, 6],
        ]),
        listed: [1],
        bits: 16,
      },
      {
        order: [1, 0, 3, 2],
        blocks: new Map([
          [1, 3],
          [0, 4],
        ]),
        listed: [0, 1],
      },
    ],
    conv: [
      { order: [0, 1, 2, 3], listed: [3] },
      { order: [3, 2, 1, 0], listed: [0, 3], bits: 32 },
      { order: [0, 1, 2, 3, 4], blocks: new Map([[3, 2]]), listed: [3] },
      {
        order: [0, 1, 2, 3, 4, 5],
        blocks: new Map([
          [0, 4],
          [3, 2],
        ]),
        listed: [2, 3],
        bits: 16,
      },
    ],
  };
  for (const kind of ["dense", "conv"] as const) {
    for (const [i, form] of forms[kind].entries()) {
      it(`of a ${kind} layer are those of the dense tensor, form ${i}`, async () => {
        for (const share of [0.8, 0, 1]) {
          const numbers = weightsOf(SHAPES[kind], share);
          const stored = sparse(SHAPES[kind], numbers, form);
          const expected = await answer(file({ data: numbers }, kind, false));
          // What is nothing at all has no buffer to be a constant by, but where its blocks are kept.
          if (stored.data.length === 0) continue;
          if (share === 0.8 && form.listed.length > 0) expect(stored.data.length).toBeLessThan(numbers.length);
          for (const densify of [true, false]) {
            expect(await answer(file(stored, kind, densify))).toEqual(expected);
          }
        }
      });
    }
  }

  it("of 8 bits and of 16 are read as such", async () => {
    const bytes = weightsOf([8, 36], 0.7).map((x) => Math.round(64 * x));
    const meaning = { type: "int8", scales: [0.125], zeroPoints: [0] };
    const form = forms.dense[4]!;
    const stored = sparse([8, 36], bytes, form);
    const expected = await answer(file({ data: bytes, ...meaning }, "dense", false).slice());
    expect(await answer(file({ ...stored, ...meaning }, "dense", false))).toEqual(expected);
    // Halves: 1, 2 and −0.5 as float16.
    const halves = bytes.map((x) => (x === 0 ? 0 : [0x3c00, 0x4000, 0xb800][Math.abs(x) % 3]!));
    const net = (w: Partial<TensorSpec>) =>
      buildTflite({
        tensors: [
          { name: "x", shape: [2, 36] },
          { name: "w", shape: [8, 36], type: "float16", ...w },
          { name: "dense w", shape: [8, 36], type: "float16" },
          { name: "float w", shape: [8, 36] },
          { name: "y", shape: [2, 8] },
        ],
        operators: [
          ...(w.sparsity ? [{ op: "DENSIFY", inputs: [1], outputs: [2] }] : []),
          { op: "DEQUANTIZE", inputs: [w.sparsity ? 2 : 1], outputs: [3] },
          { op: "FULLY_CONNECTED", inputs: [0, 3], outputs: [4] },
        ],
        ...{ inputs: [0], outputs: [4] },
      });
    expect(await answer(net(sparse([8, 36], halves, form)))).toEqual(await answer(net({ data: halves })));
  });

  describe("that are none", () => {
    const shape = [8, 36];
    const good = sparse(shape, weightsOf(shape, 0.8), { order: [0, 1], listed: [1] });
    const lists = good.sparsity.levels[1] as ListsSpec;
    const level = (change: Partial<ListsSpec>): SparsitySpec => ({
      order: [0, 1],
      levels: [8, { ...lists, ...change }],
    });
    const last = lists.indices.length;
    it.each<[string, Partial<TensorSpec>, new (...args: never[]) => Error, RegExp]>([
      [
        "an axis twice",
        { sparsity: { order: [0, 0], levels: [8, 36] } },
        FormatError,
        /each of 2 levels once, got \[0,0\]/,
      ],
      [
        "a level too few",
        { sparsity: { order: [0, 1], levels: [8] } },
        FormatError,
        /2 levels once, got .* and 1 levels/,
      ],
      [
        "another size",
        { sparsity: { order: [0, 1], levels: [8, 35] } },
        FormatError,
        /level 1: expected 36 places, got 35/,
      ],
      ["numbers missing", { data: good.data.slice(1) }, FormatError, /expected \d+ bytes of sparse data, got \d+/],
      [
        "segments missing",
        { sparsity: level({ segments: lists.segments.slice(1) }) },
        FormatError,
        /expected 8 segments/,
      ],
      [
        "segments that go down",
        { sparsity: level({ segments: lists.segments.with(1, 200) }) },
        FormatError,
        /go up to \d+, got/,
      ],
      [
        "an end beyond",
        { sparsity: level({ segments: lists.segments.with(8, last + 1) }) },
        FormatError,
        /segments of \d+ places/,
      ],
      [
        "a place beyond",
        { sparsity: level({ indices: lists.indices.with(0, 36) }) },
        FormatError,
        /below 36, got 36 after -1/,
      ],
      [
        "a place twice",
        { sparsity: level({ indices: lists.indices.with(1, lists.indices[0]!) }) },
        FormatError,
        /places that go up/,
      ],
      ["another format", { sparsity: level({ format: 2 }) }, FormatError, /level 0 \(dense\) or 1 \(listed\), got 2/],
      [
        "a block that does not fit",
        { sparsity: { order: [0, 1, 2], blocks: [1], levels: [8, 7, 5] } },
        FormatError,
        /divides 36/,
      ],
      [
        "a block of no axis",
        { sparsity: { order: [0, 1, 2], blocks: [2], levels: [8, 9, 4] } },
        FormatError,
        /axes below 2, got \[2\]/,
      ],
      [
        "blocks in blocks",
        { sparsity: { order: [0, 1, 2, 3], blocks: [1, 1], levels: [8, 9, 2, 2] } },
        UnsupportedError,
        /a block of each axis/,
      ],
      ["no numbers", { type: "bool" }, UnsupportedError, /numbers in a sparse tensor, got bool/],
    ])("%s: an error", async (_, change, kind, message) => {
      const bytes = (() => {
        const spec = { ...good, ...change };
        return file(spec.type === "bool" ? { ...spec, data: undefined as never } : spec, "dense", true);
      })();
      await expect(fromTflite(bytes)).rejects.toThrow(kind);
      await expect(fromTflite(bytes)).rejects.toThrow(message);
    });

    it("a size beyond all limits is refused before it is taken", async () => {
      const sparsity = { order: [0, 1], levels: [2 ** 30, { segments: [0], indices: [], bits: 8 } as const] };
      const spec = { shape: [2 ** 30, 2 ** 30], data: [], sparsity };
      await expect(fromTflite(file(spec, "dense", true))).rejects.toThrow(/expected at most \d+ bytes in all/);
    });
  });

  it("DENSIFY of what is dense, of another shape, or twice: an error", async () => {
    const numbers = weightsOf([8, 36], 0.5);
    await expect(fromTflite(file({ data: numbers }, "dense", true))).rejects.toThrow(
      /expected a sparse tensor, got a dense/,
    );
    const stored = sparse([36, 8], numbers, { order: [0, 1], listed: [1] });
    await expect(fromTflite(file({ ...stored, shape: [36, 8] }, "dense", true))).rejects.toThrow(
      /DENSIFY\): expected float32 \[36,8\], got float32 \[8,36\]/,
    );
    const { data, sparsity } = sparse([8, 36], numbers, { order: [0, 1], listed: [1] });
    const densify = { op: "DENSIFY", inputs: [0], outputs: [1] };
    const twice = buildTflite({
      tensors: [{ shape: [8, 36], data, sparsity }, { shape: [8, 36] }, { shape: [2, 36] }, { shape: [2, 8] }],
      operators: [densify, densify, { op: "FULLY_CONNECTED", inputs: [2, 1], outputs: [3] }],
      ...{ inputs: [2], outputs: [3] },
    });
    await expect(fromTflite(twice)).rejects.toThrow(/expected the only source of tensor 1, got another/);
  });
});
