/**
 * What the ops' shape rules share.
 * @module
 */

import { ShapeError } from "../../errors.ts";
import { broadcastShape, show } from "../dimensions.ts";
import type { Shape } from "../value.ts";
import { type AnyNode, type ConstantReference, type Shapes, where } from "./definition.ts";

/** An image's sizes. */
export type Image = readonly [n: number, h: number, w: number, c: number];

/** @throws TypeError for a name that nothing before the node has */
export function lookUp(node: AnyNode, name: string | undefined, shapes: Shapes): Shape {
  const shape = name === undefined ? undefined : shapes.get(name);
  if (shape === undefined) throw new TypeError(`${where(node)}: expected a value defined before it, got "${name}"`);
  return shape;
}

export function expectShape(node: AnyNode, what: string, name: string, expected: Shape, shapes: Shapes): void {
  const got = lookUp(node, name, shapes);
  if (got.length !== expected.length || got.some((dimension, i) => dimension !== expected[i])) {
    throw new ShapeError(`${where(node)}: expected ${what} "${name}" of shape ${show(expected)}, got ${show(got)}`);
  }
}

export function expectRank(node: AnyNode, what: string, shape: Shape, rank: number, form: string): void {
  if (shape.length !== rank) {
    throw new ShapeError(`${where(node)}: expected ${what} of shape ${form}, got ${show(shape)}`);
  }
}

/** The sizes of an input that must be an image. */
export function imageOf(node: AnyNode, x: Shape): Image {
  expectRank(node, "input", x, 4, "[n, h, w, c]");
  return x as unknown as Image;
}

/** The size of the last axis. */
export function channelsOf(node: AnyNode, x: Shape): number {
  const last = x.at(-1);
  if (last === undefined)
    throw new ShapeError(`${where(node)}: expected an input with a channel axis, got a scalar []`);
  return last;
}

/** That of the input, all constants having one number per channel. */
export function perChannel(node: AnyNode, x: Shape, constants: readonly ConstantReference[], shapes: Shapes): Shape {
  for (const { role, name } of constants) expectShape(node, role, name, [channelsOf(node, x)], shapes);
  return x;
}

/** The shape that the input and another value or constant are broadcast to. */
export function broadcastShapeOf(node: AnyNode, x: Shape, name: string | undefined, shapes: Shapes): Shape {
  const other = lookUp(node, name, shapes);
  const shape = broadcastShape(x, other);
  if (shape !== undefined) return shape;
  throw new ShapeError(`${where(node)}: expected "${name}" to be broadcast with ${show(x)}, got ${show(other)}`);
}

/** That of the input. */
export function unchanged(_: AnyNode, x: Shape): Shape {
  return x;
}
