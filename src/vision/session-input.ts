/**
 * A picture as the first input of a session: its size, its channels, its range.
 * @module
 */
import type { Numbers, Session, ValueInfo } from "../engine/host/session.ts";
import { UnsupportedError } from "../errors.ts";
import type { Normalization, Source } from "../graph/graph.ts";
import { type Placement, sizeOf } from "./fit.ts";
import { checkPicture, type PictureLike, pictureGiven } from "./given.ts";
import { createResizer, type InputOptions, type Resizer } from "./image.ts";
import { fromReal, pixelsAsBytes } from "./real.ts";

/** What a session leaves open about its pictures; they are resized by its own kernels. */
export type SessionInputOptions = Partial<Omit<InputOptions, "width" | "height" | "channels" | "variant" | "wasm">>;

/** How pixels are brought into a network's range, and who says so. */
export interface PixelRange extends Normalization {
  /**
   * `option`: the caller. `model`: its file, its family or a stage of its own. `assumed`: nobody; it is the most common
   * range, [−1, 1], and may be wrong.
   */
  readonly from: "option" | "model" | "assumed";
}

/** Networks of TensorFlow and Keras, the most common ones, want [−1, 1]; it is what those get that say nothing. */
const DEFAULT_NORMALIZATION: Normalization = { mean: 127.5, std: 127.5 };

/**
 * The range that pixels have for the first input of a network: what the caller asks for, else what is known of the
 * model, else [−1, 1]. For inputs of 8 bits, pixels are the numbers, from the lowest to the highest.
 */
export function pixelRange(
  source: Source,
  input: Pick<ValueInfo, "dtype" | "scale" | "zeroPoint">,
  asked?: Normalization,
): PixelRange {
  if (asked) return { ...asked, from: "option" };
  const known = source.normalization ?? pixelsAsBytes(input);
  return known ? { ...known, from: "model" } : { ...DEFAULT_NORMALIZATION, from: "assumed" };
}

/** Sessions whose range was assumed and that have been told of. */
const warned = new WeakSet<Session>();

function warn(session: Session): void {
  if (warned.has(session)) return;
  warned.add(session);
  console.warn(assumption(session.manifest.name));
}

/** What people are told where a range is assumed. */
export function assumption(model: string): string {
  return (
    `sepconv: ${JSON.stringify(model)} does not say which range its pixels have; assumed [-1, 1]. Answers are wrong if that is: ` +
    "say it by the option normalization (--range on the command line)."
  );
}

/**
 * The resizer that a session used last. Pictures tend to come in one size (a camera's), and it goes when the session
 * goes.
 */
const resizers = new WeakMap<Session, { readonly key: string; readonly resizer: Promise<Resizer> }>();

/**
 * What becomes of pictures that go into the first input of a session; the first time that a range is assumed, a warning
 * is printed.
 * @throws {@link UnsupportedError} when the first input isn't one image of 1 or 3 channels
 */
export function inputOf(session: Session, options: SessionInputOptions): { resize: InputOptions; range: PixelRange } {
  const info = session.inputs[0]!;
  const { name, shape, dtype } = info;
  const [n, height, width, channels] = shape;
  if (shape.length !== 4 || n !== 1 || (channels !== 1 && channels !== 3)) {
    throw new UnsupportedError(
      `input ${name}: expected one image [1, height, width, 1 or 3], got ${dtype} [${shape.join(", ")}]`,
    );
  }
  const { fit, position, crop, method, padColor } = options;
  const range = pixelRange(session.manifest.source, info, options.normalization);
  if (range.from === "assumed") warn(session);
  const { mean, std } = range;
  const shaped = { width: width!, height: height!, channels } as const;
  return { resize: { ...shaped, normalization: { mean, std }, fit, position, crop, method, padColor }, range };
}

/** `sessionInput` of `tasks.ts`. */
export async function sessionInput(
  session: Session,
  given: PictureLike,
  options: SessionInputOptions = {},
): Promise<{ readonly input: Numbers; readonly placement: Placement; readonly range: PixelRange }> {
  const info = session.inputs[0]!;
  const picture = await pictureGiven("picture", given);
  const { resize, range } = inputOf(session, options);
  const from = { ...sizeOf(picture), channels: checkPicture(picture) };
  const key = JSON.stringify([from, resize]);
  let known = resizers.get(session);
  if (known?.key !== key) {
    known = { key, resizer: createResizer(from, resize, session.kernels) };
    resizers.set(session, known);
    known.resizer.catch(() => resizers.delete(session));
  }
  const resizer = await known.resizer;
  return { input: fromReal(resizer.run(picture), info), placement: resizer.placement, range };
}
