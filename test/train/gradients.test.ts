/**
 * Every gradient against a naive one in f64, within a bound that follows from its terms; and that one against finite
 * differences of the loss.
 */
import { describe, expect, it } from "vitest";
import { trainer } from "../../src/train/index.ts";
import { gamma } from "../reference/value.ts";
import { forEachTraining } from "./builds.ts";
import { TRIALS, type Trial } from "./networks.ts";
import { type Reference, reference, weightsOf } from "./reference.ts";

/** Roundings that a term passes through at the most: of each layer its sums, forward and back. */
const OPS = 1000;
const SMOOTHING = 0.1;

const references = new Map<string, Reference>();
function referenceOf({ name, graph, inputs, labels }: Trial): Reference {
  let found = references.get(name);
  if (found === undefined) {
    found = reference(graph, weightsOf(graph), inputs, labels, { smoothing: SMOOTHING });
    references.set(name, found);
  }
  return found;
}

const trained = ({ graph }: Trial) => [...graph.constants.keys()].filter((name) => !/mean|variance|operand/.test(name));

describe("the reference", () => {
  for (const trial of TRIALS) {
    it(`${trial.name}: agrees with finite differences`, () => {
      const { graph, inputs, labels } = trial;
      const { values, margin } = referenceOf(trial);
      // A value at its bound has two slopes.
      expect(margin).toBeGreaterThan(2e-5);
      const h = 1e-6;
      for (const name of trained(trial)) {
        const { gradient } = values.get(name)!;
        const scale = Math.max(...gradient.map(Math.abs), 1e-3);
        for (let i = 0; i < gradient.length; i += Math.ceil(gradient.length / 5)) {
          const [up, down] = [h, -h].map((by) => {
            const weights = weightsOf(graph);
            weights.get(name)![i]! += by;
            return reference(graph, weights, inputs, labels, { smoothing: SMOOTHING, lossOnly: true }).loss;
          }) as [number, number];
          expect(Math.abs((up - down) / (2 * h) - gradient[i]!), `${name}[${i}]`).toBeLessThan(1e-6 * scale + 1e-9);
        }
      }
    });
  }
});

forEachTraining((_, wasm) => {
  for (const trial of TRIALS) {
    it(`${trial.name}: loss, hits, gradients and statistics`, async () => {
      const { graph, inputs, labels } = trial;
      const { loss, correct, values, statistics } = referenceOf(trial);
      const t = await trainer(graph, {
        ...{ batch: labels.length, learningRate: 0, labelSmoothing: SMOOTHING, wasm, batchNormMomentum: 0 },
      });
      const result = t.step(inputs, labels);
      expect(Math.abs(result.loss - loss)).toBeLessThan(1e-5 * (1 + loss));
      expect(result.correct).toBe(correct);
      const gradients = t.gradients();
      expect([...gradients.keys()].sort()).toEqual(trained(trial).sort());
      for (const [name, found] of gradients) {
        const { gradient, gradientSize } = values.get(name)!;
        for (const [i, value] of found.entries()) {
          const bound = gamma(OPS) * gradientSize[i]! + 1e-12;
          expect(Math.abs(value - gradient[i]!), `${name}[${i}]: ${value}, should be ${gradient[i]}`).toBeLessThan(
            bound,
          );
        }
      }
      const after = t.graph();
      for (const [name, { mean, variance }] of statistics) {
        const node = graph.nodes.find((node) => node.name === name) as { mean: string; variance: string };
        for (const [constant, is] of [
          [node.mean, mean],
          [node.variance, variance],
        ] as const) {
          const data = after.constants.get(constant)!.data!;
          for (const [i, value] of is.entries()) {
            expect(Math.abs(data[i]! - value), `${constant}[${i}]`).toBeLessThan(1e-5 * (1 + Math.abs(value)));
          }
        }
      }
    });
  }
});
