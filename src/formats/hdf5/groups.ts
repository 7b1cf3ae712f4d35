/**
 * Groups of HDF5: links by name, in all the forms in which groups keep them, and attributes.
 * @module
 */
import type { Cursor, Hdf5Bytes } from "./bytes.ts";
import { FractalHeap, type GlobalHeap, LocalHeap, visitTree } from "./heaps.ts";
import { type Hdf5Object, MESSAGE } from "./objects.ts";
import { type Datatype, readDataspace, readDatatype } from "./types.ts";

/** What a name in a group leads to: an object, another name, or something in another file. */
export type Link = { readonly address: number } | { readonly path: string } | { readonly file: string };

/** Whether an object is a group. */
export function isGroup(object: Hdf5Object): boolean {
  return [MESSAGE.symbolTable, MESSAGE.linkInfo, MESSAGE.link].some((type) => object.has(type));
}

/** All links of a group. */
export function linksOf(group: Hdf5Object): ReadonlyMap<string, Link> {
  const links = new Map<string, Link>();
  const add = (name: string, link: Link) => {
    if (name === "" || links.has(name)) {
      throw group.file.damaged(group.what, "links of different names", `'${name.slice(0, 80)}'`);
    }
    links.set(name, link);
  };
  const table = group.cursor(MESSAGE.symbolTable);
  if (table) visitSymbols(group, table, add);
  for (const message of group.messages) if (message.type === MESSAGE.link) readLink(group.open(message), add);
  const info = group.cursor(MESSAGE.linkInfo);
  if (info) {
    info.version(0);
    if (info.u8() & 1) info.skip(8);
    visitHeap(group, info, 4, 7, (link) => readLink(link, add));
  }
  return links;
}

/**
 * Reads what lies in a heap, found by the tree of names that stands behind it in the message: records are some bytes,
 * an id, others.
 */
function visitHeap(object: Hdf5Object, info: Cursor, before: number, id: number, visit: (one: Cursor) => void): void {
  const [heapAt, treeAt] = [info.address(), info.address()];
  if (heapAt === undefined || treeAt === undefined) return;
  const { file, what } = object;
  const heap = new FractalHeap(file, heapAt, what);
  visitTree(file, treeAt, what, (record) => {
    record.skip(before);
    visit(heap.open(file.cursor(record.skip(id), what, id)));
  });
}

function readLink(cursor: Cursor, add: (name: string, link: Link) => void): void {
  const { file, what } = cursor;
  cursor.version(1);
  const flags = cursor.u8();
  const type = flags & 8 ? cursor.u8() : 0;
  if (flags & 4) cursor.skip(8);
  if (flags & 16) cursor.u8();
  const length = cursor.number(1 << (flags & 3));
  const name = file.text(cursor.skip(length), length, what);
  if (type === 0) {
    const address = cursor.address();
    if (address === undefined) throw file.damaged(what, `an object behind '${name.slice(0, 80)}'`, "none");
    add(name, { address });
    return;
  }
  const size = cursor.u16();
  const value = cursor.skip(size);
  if (type === 1) add(name, { path: file.text(value, size, what) });
  else if (type !== 64) add(name, { file: `link type ${type}` });
  else add(name, { file: file.text(value + 1, Math.max(size - 1, 0), what).replaceAll("\0", ":") });
}

/** Old groups: a tree of symbol tables, and their names in a heap. */
function visitSymbols(group: Hdf5Object, table: Cursor, add: (name: string, link: Link) => void): void {
  const { file, what } = group;
  const [tree, heapAt] = [table.address(), table.address()];
  if (tree === undefined || heapAt === undefined) return;
  const heap = new LocalHeap(file, heapAt, what);
  visitOldTree(file, tree, { what, type: 0, keySize: file.lengthSize }, (_, address) => {
    const cursor = file.cursor(address, what);
    cursor.signature("SNOD");
    cursor.version(1);
    cursor.skip(1);
    const count = cursor.u16();
    for (let i = 0; i < count; i++) {
      const entry = file.cursor(cursor.skip(2 * file.offsetSize + 24), what, 2 * file.offsetSize + 24);
      const name = heap.text(entry.number(file.offsetSize), what);
      const object = entry.address();
      const kind = entry.u32();
      entry.skip(4);
      if (kind === 2) add(name, { path: heap.text(entry.u32(), what) });
      else if (object === undefined) throw file.damaged(what, `an object behind '${name.slice(0, 80)}'`, "none");
      else add(name, { address: object });
    }
  });
}

/** Calls `visit` with each key of a tree of version 1 and the address behind it. */
export function visitOldTree(
  file: Hdf5Bytes,
  root: number,
  tree: { readonly what: string; readonly type: number; readonly keySize: number },
  visit: (key: Cursor, address: number) => void,
): void {
  const { what, type, keySize } = tree;
  const seen = new Set<number>();
  const visitNode = (at: number, expected: number | undefined): void => {
    if (seen.has(at)) throw file.damaged(what, "a tree", "one with a node twice");
    seen.add(at);
    const head = file.cursor(at, what);
    head.signature("TREE");
    if (head.u8() !== type) throw file.damaged(what, `a tree of type ${type}`, "another");
    const level = head.u8();
    if (expected !== undefined && level !== expected) {
      throw file.damaged(what, `a node of level ${expected}`, String(level));
    }
    const count = head.u16();
    head.skip(2 * file.offsetSize);
    const size = count * (keySize + file.offsetSize);
    const entries = file.cursor(head.at, what, size);
    for (let i = 0; i < count; i++) {
      const key = file.cursor(entries.skip(keySize), what, keySize);
      const child = entries.address();
      if (child === undefined) throw file.damaged(what, "a node", "none");
      if (level > 0) visitNode(child, level - 1);
      else visit(key, child);
    }
  };
  visitNode(root, undefined);
}

/**
 * An attribute that is found by its name: its elements as texts, undefined where it is of another kind or not there.
 */
export function textsOf(object: Hdf5Object, name: string, heap: GlobalHeap): readonly string[] | undefined {
  let found: readonly string[] | undefined;
  const look = (cursor: Cursor) => {
    found ??= readAttribute(cursor, name, heap);
  };
  for (const message of object.messages) if (message.type === MESSAGE.attribute) look(object.open(message));
  const info = object.cursor(MESSAGE.attributeInfo);
  if (info && found === undefined) {
    info.version(0);
    if (info.u8() & 1) info.skip(2);
    visitHeap(object, info, 0, 8, look);
  }
  return found;
}

function readAttribute(cursor: Cursor, wanted: string, heap: GlobalHeap): readonly string[] | undefined {
  const { file, what } = cursor;
  const version = cursor.version(1, 2, 3);
  const flags = cursor.u8();
  const [nameSize, typeSize, spaceSize] = [cursor.u16(), cursor.u16(), cursor.u16()];
  if (version === 3) cursor.u8();
  const part = (size: number) => cursor.skip(version === 1 ? 8 * Math.ceil(size / 8) : size);
  const nameAt = part(nameSize);
  if (!isText(file, nameAt, nameSize, wanted)) return undefined;
  const inner = `attribute '${wanted}' of ${what}`;
  if (version > 1 && flags & 3) throw file.unsupported(inner, "a type of its own", "one shared with others");
  const type = readDatatype(file.cursor(part(typeSize), inner, typeSize));
  const shape = readDataspace(file.cursor(part(spaceSize), inner, spaceSize));
  return shape && readTexts(cursor, type, shape, inner, heap);
}

/** Whether bytes are this name, zeros behind it or not. Names of other attributes may be in any encoding. */
function isText(file: Hdf5Bytes, at: number, size: number, text: string): boolean {
  const bytes = file.bytes.subarray(at, at + size);
  return bytes.length >= text.length && bytes.every((byte, i) => byte === (i < text.length ? text.charCodeAt(i) : 0));
}

function readTexts(
  cursor: Cursor,
  type: Datatype,
  shape: readonly number[],
  what: string,
  heap: GlobalHeap,
): readonly string[] | undefined {
  const { file } = cursor;
  if (type.kind !== "string" && type.kind !== "text") return undefined;
  const count = shape.reduce((a, b) => a * b, 1);
  const size = type.kind === "text" ? 8 + file.offsetSize : type.size;
  if (!(count * size <= cursor.left)) {
    throw file.damaged(what, `${count} texts of ${size} bytes`, `${cursor.left} bytes`);
  }
  if (size === 0) return new Array<string>(Math.min(count, file.bytes.length)).fill("");
  return Array.from({ length: count }, () => {
    const at = cursor.skip(size);
    file.budget.unpack(size, `${file.where}: HDF5, ${what}`);
    return type.kind === "text" ? heap.text(file.cursor(at, what, size)) : file.text(at, size, what);
  });
}
