/**
 * Sparse weights as TFLite stores them, made dense: a tree whose levels are the axes in some order, the blocks inside
 * of them last. A level is dense, all of its places are there, or lists the places that are.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import type { Shape } from "../../graph/graph.ts";
import { sizeOf } from "../../graph/references.ts";
import type { Budget } from "../../limits.ts";
import type { Table } from "./flatbuffer.ts";
import { ITEM_BYTES } from "./items.ts";

// Indices of fields in their tables, in the order in which the schema lists them. A union takes two: type, then table.
const SPARSITY = { order: 0, blocks: 1, levels: 2 } as const;
const LEVEL = { format: 0, size: 1, segmentsType: 2, segments: 3, indicesType: 4, indices: 5 } as const;
/** Bytes of an element of a list, by its type's number. */
const WIDTHS: Readonly<Record<number, 1 | 2 | 4>> = { 1: 4, 2: 2, 3: 1 };

/** What a level adds to a place. */
interface Level {
  /** Places along it. */
  readonly size: number;
  /** What a step of it is worth in the dense tensor, in elements. */
  readonly step: number;
  /** Of a level that lists its places: where each list begins and, one further, ends; the places. */
  readonly lists?: { readonly segments: ArrayLike<number>; readonly indices: ArrayLike<number> };
}

/**
 * The numbers of a sparse tensor in their places, zeros (bytes of 0) in all others.
 * @param data the numbers that are stored, in the order of the tree
 * @param sparsity what the file says of the tree
 * @throws {FormatError} The tree does not fit the shape or the data. @throws {UnsupportedError} Blocks within blocks,
 * types that are no numbers.
 */
export function dense(
  data: Uint8Array,
  { shape, type, where }: { readonly shape: Shape; readonly type: string; readonly where: string },
  sparsity: Table,
  budget: Budget,
): Uint8Array {
  const item = ITEM_BYTES[type];
  if (item === undefined) throw new UnsupportedError(`${where}: expected numbers in a sparse tensor, got ${type}`);
  budget.unpack(sizeOf(shape) * item, where);
  const levels = levelsOf(shape, sparsity, where);
  let count = 1;
  for (const [i, level] of levels.entries()) count = branches(count, level, `${where}, level ${i}`);
  if (data.length !== count * item) {
    throw new FormatError(`${where}: expected ${count * item} bytes of sparse data, got ${data.length}`);
  }
  const result = new Uint8Array(sizeOf(shape) * item);
  /** Follows branch `branch` of the levels before `i`, which is at `place` of the dense tensor. */
  const follow = (i: number, branch: number, place: number): void => {
    if (i === levels.length) {
      for (let byte = 0; byte < item; byte++) result[place * item + byte] = data[branch * item + byte]!;
      return;
    }
    const { size, step, lists } = levels[i]!;
    if (lists) {
      const to = lists.segments[branch + 1]!;
      for (let k = lists.segments[branch]!; k < to; k++) follow(i + 1, k, place + lists.indices[k]! * step);
    } else {
      for (let k = 0; k < size; k++) follow(i + 1, branch * size + k, place + k * step);
    }
  };
  follow(0, 0, 0);
  return result;
}

/** How many branches there are behind a level with so many before it, whose lists must make sense. */
function branches(before: number, { size, lists }: Level, where: string): number {
  if (lists === undefined) return before * size;
  const { segments, indices } = lists;
  if (segments.length !== before + 1 || segments[0] !== 0 || segments[before] !== indices.length) {
    throw new FormatError(
      `${where}: expected ${before} segments of ${indices.length} places, got ${segments.length - 1} of ${segments[segments.length - 1] ?? 0}`,
    );
  }
  for (let i = 0; i < before; i++) {
    const [from, to] = [segments[i]!, segments[i + 1]!];
    if (to < from || to > indices.length) {
      throw new FormatError(`${where}: expected segments that go up to ${indices.length}, got ${from} and ${to}`);
    }
    for (let k = from, last = -1; k < to; k++) {
      const place = indices[k]!;
      if (!(place > last && place < size)) {
        throw new FormatError(`${where}: expected places that go up, below ${size}, got ${place} after ${last}`);
      }
      last = place;
    }
  }
  return indices.length;
}

function levelsOf(shape: Shape, sparsity: Table, where: string): Level[] {
  const order = sparsity.int32s(SPARSITY.order);
  const blocks = sparsity.int32s(SPARSITY.blocks);
  const tables = sparsity.tables(SPARSITY.levels, `${where}, level`);
  const rank = shape.length;
  const count = rank + blocks.length;
  const isOrder = order.length === count && new Set(order).size === count && order.every((i) => i >= 0 && i < count);
  if (!isOrder || tables.length !== count) {
    throw new FormatError(
      `${where}: expected each of ${count} levels once, got [${order.slice(0, 16).join(",")}] and ${tables.length} levels`,
    );
  }
  if (blocks.some((axis) => !(axis >= 0 && axis < rank))) {
    throw new FormatError(`${where}: expected blocks of axes below ${rank}, got [${blocks.slice(0, 16).join(",")}]`);
  }
  if (new Set(blocks).size !== blocks.length) {
    throw new UnsupportedError(`${where}: expected a block of each axis at most, got [${blocks.join(",")}]`);
  }
  // What is inside of a block lies as close as the axis has it, blocks lie a block apart.
  const blockOf = shape.map((size, axis) => {
    const level = tables[order.indexOf(rank + blocks.indexOf(axis))];
    if (!blocks.includes(axis)) return 1;
    const block = level!.int32(LEVEL.size);
    if (level!.int8(LEVEL.format) === 0 && block >= 1 && size % block === 0) return block;
    throw new FormatError(`${where}: expected a block that divides ${size}, the axis ${axis}, got ${block}`);
  });
  return order.map((which, i) => {
    const axis = which < rank ? which : blocks[which - rank]!;
    const inner = sizeOf(shape.slice(axis + 1));
    const [size, step] =
      which < rank ? [shape[axis]! / blockOf[axis]!, inner * blockOf[axis]!] : [blockOf[axis]!, inner];
    return levelOf(tables[i]!, size, step, `${where}, level ${i}`);
  });
}

function levelOf(table: Table, size: number, step: number, where: string): Level {
  const format = table.int8(LEVEL.format);
  if (format === 0) {
    const said = table.int32(LEVEL.size);
    if (said !== size) throw new FormatError(`${where}: expected ${size} places, got ${said}`);
    return { size, step };
  }
  if (format !== 1) throw new FormatError(`${where}: expected a level 0 (dense) or 1 (listed), got ${format}`);
  const list = (typeField: number, field: number): ArrayLike<number> => {
    const width = WIDTHS[table.int8(typeField)];
    const values = table.table(field, `${where}, list`);
    if (width === undefined || !values) {
      throw new FormatError(`${where}: expected lists of 8, 16 or 32 bits, got type ${table.int8(typeField)}`);
    }
    const { buffer } = new Uint8Array(values.elements(0, width));
    if (width === 1) return new Uint8Array(buffer);
    return width === 2 ? new Uint16Array(buffer) : new Int32Array(buffer);
  };
  const segments = list(LEVEL.segmentsType, LEVEL.segments);
  return { size, step, lists: { segments, indices: list(LEVEL.indicesType, LEVEL.indices) } };
}
