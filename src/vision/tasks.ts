/**
 * What is done with pictures. The code behind it comes in when it is first asked for: a network that is fed numbers
 * needs none of it.
 * @module
 */
import type { Numbers, Session } from "../engine/host/session.ts";
import type { Kernels } from "../engine/variant.ts";
import type { Classification, ClassifyOptions } from "./classify.ts";
import type { Detection, DetectOptions, RawDetection } from "./detect.ts";
import type { EmbedOptions } from "./embed.ts";
import type { Placement, Size } from "./fit.ts";
import type { PictureLike } from "./given.ts";
import type { InputOptions, Resizer } from "./image.ts";
import type { PictureFeed } from "./picture-feed.ts";
import type { Pose, PoseLimitOptions, PoseOptions } from "./pose.ts";
import type { Segmentation, SegmentOptions } from "./segment.ts";
import type { PixelRange, SessionInputOptions } from "./session-input.ts";

/**
 * Classifies one picture, or many, one after the other: pixels, an image file as path, URL, bytes, `Blob` or
 * `Response`, or what a browser shows. Pixels are normalized as the option says, else as the model says, else into [−1,
 * 1], with a warning; logits go through a softmax.
 * @throws {@link UnsupportedError} for a detector, whose outputs are no classes
 * @throws {@link ShapeError} when labels and outputs don't go together; what making the input and running the session
 *   throw
 * @example
 * ```js
 * import { classify, load } from "sepconv";
 *
 * const net = await load("model.tflite");
 * const { classes, range } = await classify(net, "cat.bmp", { top: 2, normalization: { mean: 0, std: 255 } });
 * console.log(classes[0].index, classes[0].score, range.from); // … "option"
 * ```
 */
export function classify(session: Session, picture: PictureLike, options?: ClassifyOptions): Promise<Classification>;
export function classify(
  session: Session,
  pictures: readonly PictureLike[],
  options?: ClassifyOptions,
): Promise<Classification[]>;
export async function classify(
  session: Session,
  given: PictureLike | readonly PictureLike[],
  options?: ClassifyOptions,
): Promise<Classification | Classification[]> {
  const task = (await import("./classify.ts")).classify;
  return each(given, (picture) => task(session, picture, options));
}

/**
 * The vector by which a network describes a picture, or each of many: the numbers in front of its classes (its last
 * pool over a whole map; where it has none, what its last layer with weights reads). Pictures that are alike have
 * vectors that point the same way: compare them by {@link similar}, or teach classes of your own with `sepconv/learn`.
 * The first call makes a session of the network up to there, which is kept with the one given; a session that has the
 * value as an end point is used as it is.
 * @returns what an 8-bit network answers is brought to real numbers
 * @throws UnsupportedError for a network that doesn't end in a vector (name a value then), and for a saved session
 *   that was made without the end point; RangeError for a name that there is not; what making the input and running
 *   the session throw
 * @example
 * ```js
 * import { embed, load, similar } from "sepconv";
 *
 * const net = await load("model.tflite");
 * const [a, b] = await embed(net, ["pictures/a.bmp", "pictures/b.bmp"]);
 * console.log(a.length, similar(a, b)); // 256, at most 1
 * ```
 */
export function embed(
  session: Session,
  picture: PictureLike,
  options?: EmbedOptions,
): Promise<Float32Array<ArrayBuffer>>;
export function embed(
  session: Session,
  pictures: readonly PictureLike[],
  options?: EmbedOptions,
): Promise<Float32Array<ArrayBuffer>[]>;
export async function embed(
  session: Session,
  given: PictureLike | readonly PictureLike[],
  options?: EmbedOptions,
): Promise<Float32Array<ArrayBuffer> | Float32Array<ArrayBuffer>[]> {
  const task = (await import("./embed.ts")).embed;
  return each(given, (picture) => task(session, picture, options));
}

/**
 * Finds objects in a picture, or in each of many, with a detector, such as face-api's, or a TFLite file that ends in
 * `TFLite_Detection_PostProcess`.
 *
 * MediaPipe's face detectors find six key points of each face too. A TFLite detector with that operator gets the
 * picture stretched to its input. With the others, the picture keeps its proportions: it is fitted into the network's
 * input at the top left, black beside it, and sampled as TensorFlow does by default (`bilinear-asymmetric`). There are
 * smoother ways to shrink, but face-api's was trained on such input: with another one, scores near the threshold move
 * by more than 0.1.
 * @param session made of a model that says how its outputs become boxes
 * @param picture pixels (gray, RGB or RGBA), an image file as path, URL, bytes, `Blob` or `Response`, or what a browser
 *   shows
 * @returns what was found, best first; boxes are cut at the picture's edges
 * @throws UnsupportedError for a network that is no detector, or takes several images at a time
 * @throws RangeError, TypeError or ShapeError for a bad option or picture
 * @example
 * ```js
 * import { detect, load } from "sepconv";
 *
 * const net = await load("ssd_mobilenetv1_model-weights_manifest.json");
 * for (const { score, box } of await detect(net, "cat.bmp", { minScore: 0.3 })) console.log(score, box);
 * ```
 */
export function detect(session: Session, picture: PictureLike, options?: DetectOptions): Promise<Detection[]>;
export function detect(
  session: Session,
  pictures: readonly PictureLike[],
  options?: DetectOptions,
): Promise<Detection[][]>;
export async function detect(
  session: Session,
  given: PictureLike | readonly PictureLike[],
  options?: DetectOptions,
): Promise<Detection[] | Detection[][]> {
  const task = (await import("./detect.ts")).detect;
  return each(given, (picture) => task(session, picture, options));
}

/**
 * The input [height, width, channels] of one picture, whose file is decoded where that is what is given. For many
 * pictures of one size, keep a {@link createResizer}.
 * @param output filled and returned instead of a new array
 * @throws what {@link createResizer} and {@link Resizer.run} throw
 * @example
 * ```js
 * import { toInput } from "sepconv";
 *
 * const normalization = { mean: 127.5, std: 127.5 }; // pixels into [-1, 1]
 * const input = await toInput("cat.bmp", { width: 96, height: 96, normalization, fit: "cover" });
 * console.log(input.length); // 96 · 96 · 3
 * ```
 */
export async function toInput(given: PictureLike, options: InputOptions, output?: Float32Array): Promise<Float32Array> {
  return (await import("./image.ts")).toInput(given, options, output);
}

/**
 * Prepares the way from pictures of one size and channel count to inputs of one shape: tap tables, memory, an instance
 * of the kernels.
 * @param kernels by default the fastest build whose bits are the same on every host
 * @throws `RangeError` for sizes, a crop, a normalization or an option that make no sense; what loading the kernels
 *   throws
 * @example
 * ```js
 * import { createResizer } from "sepconv";
 *
 * const normalization = { mean: 0, std: 255 };
 * const picture = { width: 640, height: 480, channels: 4 };
 * const resizer = await createResizer(picture, { width: 96, height: 96, normalization });
 * const frame = { width: 640, height: 480, data: new Uint8Array(4 * 640 * 480) };
 * const input = new Float32Array(96 * 96 * 3);
 * resizer.run(frame, input); // for each frame of a camera, without garbage
 * ```
 */
export async function createResizer(
  picture: Size & { readonly channels: 1 | 3 | 4 },
  options: InputOptions,
  kernels?: Kernels,
): Promise<Resizer> {
  return (await import("./image.ts")).createResizer(picture, options, kernels);
}

/**
 * The first input of a session from a picture, its pixels in the range that the option says, else the model; the first
 * time that one is assumed, a warning is printed.
 * @returns the input in its own type, the placement for the way back, and the range
 * @throws {@link UnsupportedError} when the first input isn't one image of 1 or 3 channels
 * @example
 * ```js
 * import { load, sessionInput } from "sepconv";
 *
 * const net = await load("model.tflite");
 * const { input, range } = await sessionInput(net, "cat.bmp", { normalization: { mean: 0, std: 255 } });
 * console.log(net.run(input).output, range.from);
 * ```
 */
export async function sessionInput(
  session: Session,
  given: PictureLike,
  options?: SessionInputOptions,
): Promise<{ readonly input: Numbers; readonly placement: Placement; readonly range: PixelRange }> {
  return (await import("./session-input.ts")).sessionInput(session, given, options);
}

/**
 * What a detector's outputs say, for whoever makes its input and runs it himself. With `minScore: 0`, the answers are
 * those of the four outputs that TFLite has of `TFLite_Detection_PostProcess`, in their order; that operator is not run
 * with the network, whose outputs are the encodings and scores that it reads.
 * @param outputs what `run` answered
 * @returns what was found, best first; corners in parts of the network's input, not clipped
 * @throws UnsupportedError for a network that is no detector; RangeError for a bad option
 * @example
 * ```js
 * import { detectionsOf, load } from "sepconv";
 *
 * const net = await load("ssd_mobilenetv1_model-weights_manifest.json");
 * const { outputs } = net.run(new Float32Array(512 * 512 * 3));
 * for (const { label, score, corners } of await detectionsOf(net, outputs)) console.log(label, score, corners);
 * ```
 */
export async function detectionsOf(
  session: Session,
  outputs: Readonly<Record<string, Numbers>>,
  options: DetectOptions = {},
): Promise<RawDetection[]> {
  return (await import("./detect.ts")).detectionsOf(session, outputs, options);
}

/**
 * Begins a run for a picture that comes in row by row, as from a camera: its rows are resized, normalized and worked on
 * as they come, so that neither the picture nor the network's input exists as a whole.
 * @param session made with the option `feed`
 * @param picture its size and channels (gray, RGB or RGBA)
 * @param options as of {@link sessionInput}
 * @throws StateError for a session made without `feed`; UnsupportedError when its input isn't one image of 1 or 3
 *   channels; RangeError for sizes or options that make no sense
 * @example
 * ```js
 * import { feedPicture, load } from "sepconv";
 *
 * const net = await load("model.tflite", { feed: true });
 * const normalization = { mean: 0, std: 255 };
 * const feed = await feedPicture(net, { width: 640, height: 480, channels: 3 }, { normalization });
 * for (let y = 0; y < feed.height; y++) feed.rows(new Uint8Array(feed.rowLength)); // a row of the camera
 * console.log(feed.done().output);
 * ```
 */
export async function feedPicture(
  session: Session,
  picture: Size & { readonly channels: 1 | 3 | 4 },
  options?: SessionInputOptions,
): Promise<PictureFeed> {
  return (await import("./picture-feed.ts")).feedPicture(session, picture, options);
}

/**
 * The class of each pixel of a picture, or of each of many, by a network that answers with a map: DeepLab's classes, or
 * the scores of each class at each place; with a single score, what is there (1) and what is not (0).
 * @returns classes in the picture's own size, and the part of the picture that each takes
 * @throws UnsupportedError for a network whose output is no map; ShapeError when labels and classes don't go together;
 *   what making the input and running the session throw
 * @example
 * ```js
 * import { load, segment } from "sepconv";
 *
 * const net = await load("deeplabv3.tflite");
 * const { segments } = await segment(net, "cat.bmp");
 * for (const { index, share } of segments) console.log(index, share);
 * ```
 */
export function segment(session: Session, picture: PictureLike, options?: SegmentOptions): Promise<Segmentation>;
export function segment(
  session: Session,
  pictures: readonly PictureLike[],
  options?: SegmentOptions,
): Promise<Segmentation[]>;
export async function segment(
  session: Session,
  given: PictureLike | readonly PictureLike[],
  options?: SegmentOptions,
): Promise<Segmentation | Segmentation[]> {
  const task = (await import("./segment.ts")).segment;
  return each(given, (picture) => task(session, picture, options));
}

/**
 * The people in a picture, or in each of many, by their key points: the 17 of PoseNet (any number of people, with or
 * without a `PosenetDecoderOp` in its file) and of MoveNet (one person), or the 33 of BlazePose (one person, who fills
 * the picture). The network is known by what its file says, else by the shapes of its outputs.
 * @returns poses, best first; left and right are the person's own
 * @throws UnsupportedError for a network whose outputs are no such points; RangeError for a bad option; what making the
 *   input and running the session throw
 * @example
 * ```js
 * import { load, pose } from "sepconv";
 *
 * const net = await load("posenet.tflite");
 * for (const { score, keyPoints } of await pose(net, "cat.bmp")) {
 *   console.log(score, keyPoints.find(({ label }) => label === "nose"));
 * }
 * ```
 */
export function pose(session: Session, picture: PictureLike, options?: PoseOptions): Promise<Pose[]>;
export function pose(session: Session, pictures: readonly PictureLike[], options?: PoseOptions): Promise<Pose[][]>;
export async function pose(
  session: Session,
  given: PictureLike | readonly PictureLike[],
  options?: PoseOptions,
): Promise<Pose[] | Pose[][]> {
  const task = (await import("./pose.ts")).pose;
  return each(given, (picture) => task(session, picture, options));
}

/**
 * What the outputs of a network say of poses, for whoever makes its input and runs it himself. `PosenetDecoderOp` is
 * not run with the network, whose outputs are the heat maps and offsets that it reads.
 * @param outputs what `run` answered
 * @returns poses, best first; points in pixels of the network's input, 0 being the middle of the first one
 * @throws UnsupportedError for a network whose outputs are no such points; RangeError for a bad option
 * @example
 * ```js
 * import { load, posesOf } from "sepconv";
 *
 * const net = await load("posenet.tflite");
 * const { outputs } = net.run(new Float32Array(net.inputs[0].shape.reduce((a, b) => a * b)));
 * for (const { score, keyPoints } of await posesOf(net, outputs)) console.log(score, keyPoints.length);
 * ```
 */
export async function posesOf(
  session: Session,
  outputs: Readonly<Record<string, Numbers>>,
  options: PoseLimitOptions = {},
): Promise<Pose[]> {
  return (await import("./pose.ts")).posesOf(session, outputs, options);
}

/** What each of many pictures gives, in their order and one at a time; or what one does. */
async function each<T>(
  given: PictureLike | readonly PictureLike[],
  task: (picture: PictureLike) => Promise<T>,
): Promise<T | T[]> {
  if (!Array.isArray(given)) return task(given as PictureLike);
  const all: T[] = [];
  for (const picture of given as readonly PictureLike[]) all.push(await task(picture));
  return all;
}
