/**
 * A session whose weights were given to `build`, or drawn by a seed of its own, is made into other things with these
 * weights, and not with others.
 */
import { expect, it } from "vitest";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import { frozen } from "../../src/frozen.ts";
import { initialize } from "../../src/graph/initialize.ts";
import { build, embed, freeze, mobilenetV1, type Session, toTflite } from "../../src/index.ts";
import { random } from "../cases/random.ts";

// Weights that nobody trained let something through where each layer is normalized by the numbers of the run.
const NORMALIZED = mobilenetV1({ alpha: 0.25, resolution: 64, classes: 10, training: true, top: "pool" });
const PLAIN = mobilenetV1({ alpha: 0.25, resolution: 64, classes: 10, top: "pool" });
const INPUT = random("given weights").floats(64 * 64 * 3);

const weightsOf = (seed: number, graph = NORMALIZED) =>
  new Map([...initialize(graph, seed).constants].map(([name, { data }]) => [name, data as Float32Array]));

const sessions: [string, () => Promise<Session>][] = [
  ["a seed", () => build(NORMALIZED, { seed: 5 })],
  ["weights", () => build(NORMALIZED, { weights: weightsOf(5) })],
];

it.each(sessions)("given %s: other sessions and frozen networks have the same", async (_, make) => {
  const net = await make();
  const { output } = net.run(INPUT);
  // Another seed gives other numbers, or this would prove nothing.
  expect((await build(NORMALIZED, { seed: 6 })).run(INPUT).output).not.toEqual(output);
  expect((await build(net)).run(INPUT).output).toEqual(output);
  expect((await build(net.graph)).run(INPUT).output).toEqual(output);
  const module = await frozen(await freeze(net, { variant: net.variant }));
  expect(Object.values(module.run(INPUT).outputs)[0]).toEqual(output);
  expect([...net.graph.constants.values()].every(({ data }) => data !== undefined)).toBe(true);
});

it("and so have files, and features", async () => {
  const net = await build(PLAIN, { weights: weightsOf(5, PLAIN) });
  const whole = initialize(PLAIN, 5);
  expect(await toTflite(net)).toEqual(await toTflite(whole));
  const again = await build(await fromTflite(await toTflite(net)));
  const picture = { data: Uint8Array.from(INPUT, (x) => 127 + 100 * x), width: 64, height: 64, channels: 3 } as const;
  const normalization = { mean: 127.5, std: 127.5 };
  const expected = await embed(await build(whole), picture, { normalization });
  expect(await embed(net, picture, { normalization })).toEqual(expected);
  expect(again.outputs.length).toBe(1);
});
