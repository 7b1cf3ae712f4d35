/**
 * Cases of binary_s8: every operator that there is in 8 bits, on every way in which two operands can be broadcast.
 * @module
 */
import { OPERATORS } from "../../src/engine/abi.ts";
import { broadcastIndices, broadcastShape } from "../reference/arithmetic.ts";
import { difference8, sum8 } from "../reference/elementwise_s8.ts";
import { type Factor, mbqm, split } from "../reference/fixed_point.ts";
import { count } from "../reference/value.ts";
import { axisFields, type Broadcast, fiveAxes, operandShape, perChannel, rowsOf } from "./broadcast.ts";
import { type Bounding8, bounded8, bytes8, CHANNELS8, type Filling } from "./bytes.ts";
import type { Case, Trial } from "./trial.ts";

type Name = Exclude<keyof typeof OPERATORS, "DIV" | "DIV_INTO">;

interface Options {
  readonly scales?: readonly [a: number, b: number, y: number];
  readonly zeros?: readonly [zx: number, zx2: number, zy: number];
  readonly fillings?: readonly [Filling, Filling];
  readonly bounding?: Bounding8;
  readonly constant?: boolean;
  readonly inPlace?: "x" | "x2";
}

function trial(name: Name, on: Broadcast, options: Options): Trial {
  const { scales = [0.05, 0.031, 0.07], zeros = [3, -7, 11], bounding = "active", constant = false } = options;
  const [zx, zx2, zy] = zeros;
  const [a, b, y] = scales;
  const t = 2 * Math.max(a, b);
  const [one, two]: Factor[] = [split(a / t), split(b / t)];
  const out = split(name === "MUL" ? (a * b) / y : t / (2 ** 20 * y));
  const shapes = [operandShape(on, on.spread), operandShape(on, on.spread2)] as const;
  const [filling, filling2] = options.fillings ?? ["random", "random"];
  const x = bytes8(`binary ${name} ${on.name}`, count(shapes[0]), filling);
  const x2 = bytes8(`binary ${name} ${on.name} x2`, count(shapes[1]), filling2);
  const shape = broadcastShape(...shapes);
  const [from, from2] = shapes.map((each) => broadcastIndices(each, shape)) as [number[], number[]];
  const of: Record<Name, (p: number, q: number) => number> = {
    ADD: (p, q) => sum8(p - zx, q - zx2, one!, two!, out) + zy,
    SUB: (p, q) => difference8(p - zx, q - zx2, one!, two!, out) + zy,
    SUB_FROM: (p, q) => difference8(q - zx2, p - zx, two!, one!, out) + zy,
    MUL: (p, q) => mbqm((p - zx) * (q - zx2), out) + zy,
    MAXIMUM: Math.max,
    MINIMUM: Math.min,
  };
  const open = from.map((i, at) => of[name](x[i]!, x2[from2[at]!]!));
  const fields = {
    ...{ ...axisFields(on), operator: OPERATORS[name], flags: constant ? 1 : 0, zx, zx2, zy },
    ...{ m1: Number(one!.m), e1: -one!.s, m2: Number(two!.m), e2: -two!.s, m3: Number(out.m), e3: -out.s },
  };
  const problem = {
    kernel: "binary_s8",
    x,
    ...(constant ? { w: new Uint8Array(x2.buffer) } : { x2 }),
    fields,
  } as const;
  const { inPlace } = options;
  return bounded8(inPlace ? { ...problem, inPlace } : problem, shape, open, bounding);
}

/** The grid of binary_s8. */
export function binaryCases8(): Case[] {
  const names = Object.keys(OPERATORS).filter((name) => !name.startsWith("DIV")) as Name[];
  const of = (prefix: string, name: Name, on: Broadcast, options: Options = {}): Case => ({
    name: `${name.toLowerCase()}_${prefix}${on.name}`,
    make: () => trial(name, on, options),
  });
  const gate = { name: "gate", axes: [1, 2, 3, 4, 17], spread2: 0b00110 } as const;
  return [
    ...names.flatMap((name) => [
      ...CHANNELS8.flatMap((c) => [...perChannel(c), rowsOf(3, c)].map((on) => of("", name, on))),
      ...[rowsOf(1, 100), rowsOf(13, 37), rowsOf(9, 1)].map((on) => of("", name, on)),
      ...perChannel(7).map((on) => of("constant_", name, on, { constant: true, bounding: "open" })),
      ...perChannel(7).flatMap((on) => [
        ...(on.spread ? [] : [of("in_place_x_", name, on, { inPlace: "x" })]),
        ...(on.spread2 ? [] : [of("in_place_x2_", name, on, { inPlace: "x2" })]),
      ]),
      of("to_one_", name, gate, { bounding: "one" }),
      ...[-128, 127].flatMap((z) =>
        (["low", "high", "ends"] as const).flatMap((a) =>
          (["low", "high", "ends"] as const).map((b) =>
            of(`${a}_and_${b}_z_${z}_`, name, gate, { fillings: [a, b], zeros: [z, -1 - z, z], bounding: "open" }),
          ),
        ),
      ),
      ...(
        [
          [1, 1, 1],
          [1, 1000, 500],
          [1e-6, 1, 2],
          [3, 3, 0.01],
          [0.1, 0.1, 30],
        ] as const
      ).map((scales) => of(`scales_${scales.join("_")}_`, name, gate, { scales, bounding: "open" })),
    ]),
    ...fiveAxes([2, 3, 2, 3, 5]).map((on) => of("", "SUB_FROM", on, { bounding: "open" })),
    ...fiveAxes([2, 2, 3, 1, 4]).map((on) => of("", "MUL", on, { bounding: "open" })),
    ...fiveAxes([1, 3, 1, 2, 1]).map((on) => of("", "ADD", on, { bounding: "open" })),
  ];
}
