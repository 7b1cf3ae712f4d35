/**
 * PosenetDecoderOp, the last operator of Coral's PoseNet and BodyPix files: from heat maps and offsets to poses.
 * Nothing of it is run with the network: what it says goes into the graph's `pose`, and the outputs are what it reads.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import { OperatorCall } from "./call.ts";
import type { PoseDecoding, TfliteDraft } from "./draft.ts";
import { readSettings } from "./flexbuffer.ts";
import type { OperatorInfo } from "./schema.ts";

/** How the operator is listed. */
export const POSES = "CUSTOM 'PosenetDecoderOp'";

/** Channels of heat maps, short, mid and long offsets: 17 key points, two offsets each; 16 edges, two ways. */
const CHANNELS = [17, 34, 64, 34] as const;

/** What an operator says of heat maps and offsets. @throws {FormatError}, {UnsupportedError} as all operators */
export function posesOf(draft: TfliteDraft, operator: OperatorInfo): PoseDecoding {
  const { inputs, outputs, custom } = operator;
  const call = new OperatorCall(draft, { ...operator, outputs: outputs.slice(0, 1) });
  // With long offsets, there are masks of each person too.
  const counts = `${inputs.length} and ${outputs.length}`;
  if (counts !== "3 and 4" && counts !== "4 and 5") {
    throw new FormatError(`${call.where}: expected 3 inputs and 4 outputs, or 4 and 5, got ${counts}`);
  }
  const shapes = inputs.map((_, i) => call.shape(i));
  const [, height, width] = shapes[0]!;
  if (shapes.some((shape, i) => `${shape}` !== `1,${height},${width},${CHANNELS[i]}`)) {
    const wanted = CHANNELS.slice(0, inputs.length).map((channels) => `[1,h,w,${channels}]`);
    const got = shapes.map((shape) => `[${shape.join(",")}]`).join(", ");
    throw new UnsupportedError(`${call.where}: expected ${wanted.join(", ")}, got ${got}`);
  }
  const settings = readSettings(custom, call.where);
  const setting = (name: string, holds: (x: number) => boolean): number => {
    const value = settings.get(name);
    if (value !== undefined && Number.isFinite(value) && holds(value)) return value;
    throw new FormatError(`${call.where}, ${name}: expected a number that makes sense, got ${value ?? "none"}`);
  };
  const whole = (x: number) => Number.isInteger(x) && x >= 1;
  const values = inputs.map((_, i) => call.value(i));
  const [heatmaps, shortOffsets, midOffsets] = values as [string, string, string];
  return {
    ...{ outputs, values },
    heads: {
      ...{ heatmaps, shortOffsets, midOffsets: [midOffsets] },
      stride: setting("stride", whole),
      maxResults: setting("max_detections", whole),
      minScore: setting("score_threshold", (x) => x >= 0 && x <= 1),
      radius: setting("nms_radius", (x) => x >= 0),
    },
  };
}
