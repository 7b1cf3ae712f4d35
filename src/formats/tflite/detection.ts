/**
 * TFLite_Detection_PostProcess, the last operator of single-shot detectors: anchors, decoding, suppression of overlaps.
 * Nothing of it is run with the network: what it says goes into the graph's `detector`, and the outputs are what it
 * reads, encodings and scores.
 * @module
 */
import { FormatError, UnsupportedError } from "../../errors.ts";
import type { Detector } from "../../graph/graph.ts";
import { OperatorCall } from "./call.ts";
import { floatsOf } from "./constants.ts";
import type { Detection, TfliteDraft } from "./draft.ts";
import { readSettings } from "./flexbuffer.ts";
import type { OperatorInfo } from "./schema.ts";

/** How the operator is listed. */
export const DETECTION = "CUSTOM 'TFLite_Detection_PostProcess'";

/** What an operator says of boxes and scores. @throws {FormatError}, {UnsupportedError} as all operators */
export function detectionOf(draft: TfliteDraft, operator: OperatorInfo): Detection {
  const { outputs, custom } = operator;
  const call = new OperatorCall(draft, { ...operator, outputs: outputs.slice(0, 1) });
  if (outputs.length !== 4) throw new FormatError(`${call.where}: expected 4 outputs, got ${outputs.length}`);
  const [boxes, scores] = [call.value(0), call.value(1)];
  const { source: anchors, shape } = call.numbers(2, 2);
  const [encodings, logits] = [call.shape(0), call.shape(1)];
  const count = shape[0]!;
  if (`${shape}` !== `${count},4` || `${encodings}` !== `1,${count},4` || `${logits.slice(0, 2)}` !== `1,${count}`) {
    const got = [encodings, logits, shape].map((sizes) => `[${sizes.join(",")}]`).join(", ");
    throw new UnsupportedError(`${call.where}: expected [1,n,4], [1,n,classes] and anchors [n,4], got ${got}`);
  }
  const settings = readSettings(custom, call.where);
  const setting = (name: string, holds: (x: number) => boolean, fallback?: number): number => {
    const value = settings.get(name) ?? fallback;
    if (value !== undefined && Number.isFinite(value) && holds(value)) return value;
    throw new FormatError(`${call.where}, ${name}: expected a number that makes sense, got ${value ?? "none"}`);
  };
  const whole = (x: number) => Number.isInteger(x) && x >= 1;
  const part = (x: number) => x >= 0 && x <= 1;
  const scale = (name: string) => setting(name, (x) => x > 0);
  const [y, x, height, width] = [scale("y_scale"), scale("x_scale"), scale("h_scale"), scale("w_scale")];
  if (y !== x || height !== width) {
    throw new UnsupportedError(`${call.where}, scales: expected equal ones of both axes, got ${[y, x, height, width]}`);
  }
  const classes = setting("num_classes", (n) => whole(n) && n <= logits[2]!);
  const byClass = setting("use_regular_nms", part, 0) === 1;
  return {
    ...{ outputs, boxes, scores, anchors, classes, before: logits[2]! - classes },
    scales: { center: y, size: height },
    suppression: {
      kind: byClass ? "classes" : "anchors",
      maxResults: setting("max_detections", whole),
      minScore: Math.max(
        0,
        setting("nms_score_threshold", (s) => s <= 1),
      ),
      iouThreshold: setting("nms_iou_threshold", part),
      each: byClass ? setting("detections_per_class", whole, 100) : setting("max_classes_per_detection", whole),
    },
  };
}

/** The detector, its anchors read; `labels`: those that the file has, the background's among them or not. */
export async function detectorOf(
  { boxes, scores, anchors, scales, suppression, classes, before }: Detection,
  labels: readonly string[] | undefined,
  { budget }: TfliteDraft,
): Promise<Detector> {
  budget.unpack(4 * 4 * anchors.shape[0]!, "tflite: anchors");
  const centers = await floatsOf(anchors, budget);
  const corners = new Float32Array(centers.length);
  for (let i = 0; i < centers.length; i += 4) {
    for (let axis = 0; axis < 2; axis++) {
      const [middle, half] = [centers[i + axis]!, centers[i + axis + 2]! / 2];
      corners[i + axis] = middle - half;
      corners[i + axis + 2] = middle + half;
    }
  }
  const first = labels?.length === classes + 1 ? 1 : 0;
  const label = (i: number) => labels?.[i + first] ?? `class ${i}`;
  return {
    ...{ boxes, scores, anchors: corners, scales, suppression },
    classes: Array.from({ length: classes }, (_, i) => ({ column: before + i, label: label(i) })),
    scoresAre: "probabilities",
    fit: "stretch",
  };
}
