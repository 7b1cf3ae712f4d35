/**
 * Where weights, their gradients and the optimizer's memory of them lie. What is trained lies together, so that it is
 * updated in one go: first what decays, then the rest.
 * @module
 */
import { UnsupportedError } from "../errors.ts";
import { constantsOf, sizeOf } from "../graph/references.ts";
import { type Addresses, padded } from "./addresses.ts";
import type { Network, Trained } from "./network.ts";
import type { PlanSettings } from "./options.ts";

/** A constant in linear memory. */
export interface Parameter {
  readonly name: string;
  readonly address: number;
  readonly count: number;
  /** Of its gradient, where it is trained. */
  readonly gradient?: number;
}

/** Weights that are updated alike. */
export interface Range {
  readonly address: number;
  readonly gradient: number;
  /** What the optimizer keeps, one or two arrays. */
  readonly slots: readonly number[];
  readonly count: number;
  readonly decays: boolean;
}

/** All of them. */
export interface Parameters {
  readonly byName: ReadonlyMap<string, Parameter>;
  readonly ranges: readonly Range[];
  /** Addresses and bytes of all that a checkpoint holds. */
  readonly state: readonly { readonly address: number; readonly bytes: number }[];
  /** Gradients of all ranges, one behind the other: the address, and how many floats. */
  readonly gradients: { readonly address: number; readonly count: number };
  readonly weightBytes: number;
  readonly gradientBytes: number;
  readonly optimizerBytes: number;
  readonly trained: number;
  readonly all: number;
}

const STATISTICS: readonly string[] = ["mean", "variance"];

export function parametersOf(
  { graph, layers }: Network,
  trained: Trained,
  { optimizer }: PlanSettings,
  addresses: Addresses,
): Parameters {
  const entries = new Map<string, { count: number; group: "decays" | "rest" | "fixed"; statistic: boolean }>();
  const nodes = new Set(
    layers.flatMap(({ node, output }) => [node, ...(output.view.norm ? [output.view.norm.node] : [])]),
  );
  for (const node of nodes) {
    for (const { name, role } of constantsOf(node)) {
      if (role === "operand") continue;
      const statistic = STATISTICS.includes(role);
      const group = statistic || !trained.constant(name) ? "fixed" : role === "weights" ? "decays" : "rest";
      if (entries.has(name) && (group !== "fixed" || statistic)) {
        throw new UnsupportedError(`trainer: expected constant "${name}" to be of one node, got several`);
      }
      entries.set(name, { count: sizeOf(graph.constants.get(name)!.shape), group, statistic });
    }
  }
  const groups = ["decays", "rest", "fixed"] as const;
  const names = groups.map((group) => [...entries].filter(([, entry]) => entry.group === group));
  const floats = (bytes: number) => bytes / 4;
  const sizes = names.map((list) => list.reduce((sum, [, { count }]) => sum + padded(4 * count), 0));
  const [decays, rest] = sizes as [number, number, number];
  const from = addresses.at;
  const starts = sizes.map((bytes) => {
    const at = addresses.at;
    addresses.at += bytes;
    return at;
  });
  const weightBytes = addresses.at - from;
  const gradients = addresses.at;
  addresses.at += decays + rest;
  const slots = Array.from({ length: optimizer === "sgd" ? 1 : 2 }, () => {
    const at = addresses.at;
    addresses.at += decays + rest;
    return at;
  });
  const byName = new Map<string, Parameter>();
  for (const [i, list] of names.entries()) {
    let at = starts[i]!;
    for (const [name, { count }] of list) {
      const gradient = i === 2 ? {} : { gradient: gradients + (at - from) };
      byName.set(name, { name, address: at, count, ...gradient });
      at += padded(4 * count);
    }
  }
  const ranges = [
    { at: 0, bytes: decays, decays: true },
    { at: decays, bytes: rest, decays: false },
  ]
    .filter(({ bytes }) => bytes > 0)
    .map(({ at, bytes, decays }) => ({
      address: from + at,
      gradient: gradients + at,
      slots: slots.map((slot) => slot + at),
      count: floats(bytes),
      decays,
    }));
  const count = (list: readonly (typeof names)[number][number][]) =>
    list.reduce((sum, [, entry]) => sum + entry.count, 0);
  const real = names.map((list) => list.filter(([, { statistic }]) => !statistic));
  return {
    ...{ byName, ranges, weightBytes },
    state: [{ address: from, bytes: weightBytes }, ...slots.map((address) => ({ address, bytes: decays + rest }))],
    gradients: { address: gradients, count: floats(decays + rest) },
    gradientBytes: decays + rest,
    optimizerBytes: slots.length * (decays + rest),
    trained: count(real[0]!) + count(real[1]!),
    all: real.reduce((sum, list) => sum + count(list), 0),
  };
}
