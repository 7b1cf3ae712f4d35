/**
 * HDF5 files of Keras: groups, text attributes, datasets by their paths.
 * @module
 */
import type { Budget } from "../../limits.ts";
import { Hdf5Bytes, readSuperblock } from "../hdf5/bytes.ts";
import { Hdf5Dataset } from "../hdf5/datasets.ts";
import { isGroup, type Link, linksOf, textsOf } from "../hdf5/groups.ts";
import { GlobalHeap } from "../hdf5/heaps.ts";
import { Hdf5Object, MESSAGE } from "../hdf5/objects.ts";
import type { KerasVariable } from "./needs.ts";

/** An open HDF5 file. */
export interface Hdf5 {
  /** Names in the topmost group. */
  readonly names: readonly string[];
  /** A text attribute of the topmost group; undefined if there is none. */
  attribute(name: string): string | undefined;
  /**
   * A list of texts among a group's attributes, also where it is split into `name0`, `name1`, …; undefined if there is
   * none.
   */
  texts(group: string, name: string): readonly string[] | undefined;
  /** All datasets below a group, "" for the file, under their full paths (`conv1/conv1/kernel:0`) relative to it. */
  datasets(group: string): [path: string, variable: KerasVariable][];
}

/**
 * Opens an HDF5 file.
 * @param where how errors call it: "keras", or the file's name within a `.keras`
 * @throws {FormatError} It is damaged.
 */
export function openHdf5(bytes: Uint8Array, where: string, budget: Budget): Hdf5 {
  const file = new Hdf5Bytes(bytes, where, budget);
  const tree = new Tree(file, readSuperblock(file));
  return {
    names: [...tree.links(tree.root).keys()],
    attribute: (name) => {
      const texts = textsOf(tree.root, name, tree.heap);
      return texts?.length === 1 ? texts[0] : undefined;
    },
    texts(path, name) {
      const group = tree.find(tree.root, path, 0);
      if (!group) return undefined;
      const whole = textsOf(group, name, tree.heap);
      if (whole) return whole;
      const parts: (readonly string[])[] = [];
      for (let part = textsOf(group, `${name}0`, tree.heap); part && parts.length < 1000; ) {
        parts.push(part);
        part = textsOf(group, `${name}${parts.length}`, tree.heap);
      }
      return parts.length > 0 ? parts.flat() : undefined;
    },
    datasets(path) {
      const found: [string, KerasVariable][] = [];
      const group = tree.find(tree.root, path, 0);
      if (group) tree.collect(group, "", 1, found);
      return found;
    },
  };
}

/** Names that one path of soft links may lead through. */
const MOST_HOPS = 16;

/** Characters of a path. */
const LONGEST_PATH = 2000;

/** Names in a file for each tensor that is allowed: groups have names too. */
const NAMES_PER_TENSOR = 4;

class Tree {
  readonly root: Hdf5Object;
  readonly heap: GlobalHeap;
  readonly #file: Hdf5Bytes;
  readonly #objects = new Map<number, Hdf5Object>();
  readonly #links = new Map<Hdf5Object, ReadonlyMap<string, Link>>();
  #names = 0;

  constructor(file: Hdf5Bytes, root: number) {
    this.#file = file;
    this.heap = new GlobalHeap(file);
    this.root = this.#object(root, "the topmost group");
  }

  #object(address: number, what: string): Hdf5Object {
    let object = this.#objects.get(address);
    if (!object) {
      object = new Hdf5Object(this.#file, address, what);
      this.#objects.set(address, object);
    }
    return object;
  }

  links(group: Hdf5Object): ReadonlyMap<string, Link> {
    let links = this.#links.get(group);
    if (!links) {
      links = isGroup(group) ? linksOf(group) : new Map<string, Link>();
      this.#links.set(group, links);
    }
    return links;
  }

  /** The object at a path; undefined where it leads nowhere. */
  find(from: Hdf5Object, path: string, hops: number): Hdf5Object | undefined {
    let object: Hdf5Object | undefined = path.startsWith("/") ? this.root : from;
    for (const name of path.split("/")) {
      if (name === "" || name === "." || !object) continue;
      const link = this.links(object).get(name);
      object = link && this.#follow(object, name, link, path, hops);
    }
    return object;
  }

  #follow(group: Hdf5Object, name: string, link: Link, path: string, hops: number): Hdf5Object | undefined {
    const what = `'${path.slice(0, 200)}'`;
    if ("address" in link) return this.#object(link.address, what);
    if ("file" in link) {
      throw this.#file.unsupported(what, "an object of this file", `a link into another, ${link.file.slice(0, 200)}`);
    }
    if (hops >= MOST_HOPS) throw this.#file.damaged(what, "links that lead somewhere", `'${name.slice(0, 80)}'`);
    return this.find(group, link.path, hops + 1);
  }

  /** All datasets below a group. */
  collect(group: Hdf5Object, prefix: string, level: number, found: [string, KerasVariable][]): void {
    const { budget, where } = this.#file;
    budget.depth(level, `${where}: HDF5, groups in '${prefix.slice(0, 200)}'`);
    for (const [name, link] of this.links(group)) {
      const path = prefix === "" ? name : `${prefix}/${name}`;
      const most = NAMES_PER_TENSOR * budget.limits.maxTensors;
      if (++this.#names > most) throw this.#file.damaged("groups", `at most ${most} names (limits.maxTensors)`, "more");
      if (path.length > LONGEST_PATH) {
        throw this.#file.damaged("groups", `paths of at most ${LONGEST_PATH} characters`, String(path.length));
      }
      const child = this.#follow(group, name, link, path, 0);
      if (!child) continue;
      if (isGroup(child)) this.collect(child, path, level + 1, found);
      else if (child.has(MESSAGE.layout)) {
        budget.tensors(1, `${where}: HDF5`);
        found.push([path, new Hdf5Dataset(child, () => textsOf(child, "dtype", this.heap)?.[0] === "bfloat16")]);
      }
    }
  }
}
