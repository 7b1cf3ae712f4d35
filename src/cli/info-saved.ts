/**
 * `sepconv info` of a network that was saved or frozen: it has no graph any more, but steps.
 * @module
 */
import { basename } from "node:path";
import process from "node:process";
import type { StageDescription } from "../freeze/image-stage.ts";
import type { Session, ValueInfo } from "../index.ts";
import { memoryJson, memoryText } from "./memory.ts";
import { paint, printable } from "./output.ts";
import { dimensions, left, right, table } from "./table.ts";
import { columnsOf, wrap } from "./width.ts";

/** What stands in JSON. */
export function savedJson({ manifest, memory, inputs, outputs, endPoints }: Session, picture?: StageDescription) {
  const layers = manifest.steps.map(({ name, op, kernel, shape, macs }) => ({
    ...{ name, op, kernel, outputShape: shape, macs },
  }));
  const macs = layers.reduce((sum, layer) => sum + layer.macs, 0);
  const { input: _, bytes = 0, ...told } = picture ?? {};
  const all = { ...memoryJson(memory), ...(picture && { picture: bytes, total: memory.total + bytes }) };
  return { layers, macs, memory: all, ...(picture && { picture: told }), inputs, outputs, endPoints };
}

/** The same for people. */
export function savedText(net: Session, model: string, kind: string, picture?: StageDescription): string {
  const { bold, dim } = paint(process.stdout);
  const room = columnsOf(process.stdout);
  const { manifest, memory, inputs, outputs, endPoints } = net;
  const value = ({ name, dtype, shape }: ValueInfo) => `${printable(name)}  ${dtype} [${shape.join(", ")}]`;
  const macs = manifest.steps.reduce((sum, step) => sum + step.macs, 0);
  const size = picture && `${picture.width}×${picture.height}`;
  const columns = [
    left("step", { elastic: true }),
    ...[left("op"), left("kernel", { spare: 2 }), left("output", { spare: 1 }), right("MACs")],
  ];
  const rows = manifest.steps.map((step) => [
    ...[printable(step.name), step.op, step.kernel, dimensions(step.shape)],
    step.macs > 0 ? step.macs.toLocaleString("en-US") : "",
  ]);
  return [
    `${bold(printable(basename(model)))}  ${dim(kind)}`,
    ...(picture ? [`picture     ${picture.format} ${size}, of which the first input is made`] : []),
    ...inputs.map((input) => `input       ${value(input)}`),
    ...outputs.map((output) => `output      ${value(output)}`),
    ...endPoints.map((endPoint) => `end point   ${value(endPoint)}`),
    "",
    table(columns, rows, dim, room),
    "",
    `MACs        ${macs.toLocaleString("en-US")}`,
    `memory      ${wrap(memoryText(memory, picture?.bytes), room, 12)}`,
  ].join("\n");
}
