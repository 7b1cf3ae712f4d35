/**
 * Classes by the examples that are most alike.
 * @module
 */
import { FormatError, StateError } from "../../errors.ts";
import { similar } from "../similar.ts";
import { checkLabel, countIn, labelsIn, type Prediction, pack, unpack, type Vectors, vectorsOf } from "./vectors.ts";

const MAGIC = "sepcKNN1";
const FILE = "k-nearest neighbors";

/**
 * Learns classes at once: it keeps the vectors of all examples, and asks those that are most like a new one (by the
 * cosine). A few pictures a class are enough; each costs as many multiplications as it has numbers.
 * @example
 * ```js
 * import { embed, load } from "sepconv";
 * import { KNNClassifier } from "sepconv/learn";
 *
 * const net = await load("model.tflite");
 * const knn = new KNNClassifier();
 * knn.add("cat", await embed(net, "cat.bmp"));
 * knn.add("other", await embed(net, ["pictures/a.bmp", "pictures/b.bmp"]));
 * console.log(knn.predict(await embed(net, "cat.bmp"))[0].label);
 * ```
 */
export class KNNClassifier {
  readonly #classes = new Map<string, Float32Array[]>();
  #size: number | undefined;

  /** Names of the classes, in the order in which they came. */
  get labels(): readonly string[] {
    return [...this.#classes.keys()];
  }

  /** Numbers of a vector; undefined before the first. */
  get size(): number | undefined {
    return this.#size;
  }

  /** Examples of a class; 0 for one that there is not. */
  count(label: string): number {
    return this.#classes.get(label)?.length ?? 0;
  }

  /**
   * Adds examples of a class, which is a new one where its label is. They are copied.
   * @throws TypeError for what is no label or vector; ShapeError for a vector of another length than the first;
   *   RangeError for numbers that are not finite
   */
  add(label: string, vectors: Vectors): void {
    checkLabel(label);
    const added = vectorsOf(vectors, this.#size).map((vector) => vector.slice());
    if (added.length === 0) return;
    this.#size = added[0]!.length;
    this.#classes.set(label, [...(this.#classes.get(label) ?? []), ...added]);
  }

  /** Forgets a class; whether there was one. */
  remove(label: string): boolean {
    return this.#classes.delete(label);
  }

  /**
   * All classes, best first. The score of one is its part of the `k` examples that are most alike; of equal scores,
   * that with the most similar example comes first.
   * @param k how many are asked: 3 by default, and never more than there are
   * @throws StateError where nothing was learned; what {@link add} throws for the vector; RangeError for a bad `k`
   */
  predict(vector: Float32Array, { k = 3 }: { readonly k?: number | undefined } = {}): Prediction[] {
    if (!Number.isInteger(k) || k < 1) throw new RangeError(`k: expected a whole number from 1, got ${k}`);
    if (this.#classes.size === 0) throw new StateError("predict: expected examples that were added before, got none");
    const [asked] = vectorsOf(vector, this.#size);
    const all = [...this.#classes].flatMap(([label, examples]) =>
      examples.map((example) => ({ label, alike: similar(asked!, example) })),
    );
    all.sort((a, b) => b.alike - a.alike);
    const nearest = all.slice(0, k);
    const best = new Map<string, number>();
    for (const { label, alike } of all) if (!best.has(label)) best.set(label, alike);
    return [...best]
      .map(([label, alike]) => ({
        ...{ label, alike },
        score: nearest.filter((one) => one.label === label).length / nearest.length,
      }))
      .sort((a, b) => b.score - a.score || b.alike - a.alike)
      .map(({ label, score }) => ({ label, score }));
  }

  /** All examples as a file, for {@link load}. */
  save(): Uint8Array<ArrayBuffer> {
    const examples = [...this.#classes.values()].flat();
    const counts = [...this.#classes.values()].map(({ length }) => length);
    const size = this.#size ?? 0;
    const numbers = new Float32Array(size * examples.length);
    for (const [i, example] of examples.entries()) numbers.set(example, i * size);
    return pack(MAGIC, { labels: this.labels, counts, size }, numbers);
  }

  /**
   * What {@link save} wrote.
   * @throws FormatError when the file is another, or damaged
   */
  static load(file: Uint8Array): KNNClassifier {
    const { description, numbers } = unpack(FILE, MAGIC, file);
    const labels = labelsIn(FILE, description.labels);
    const counts = Array.isArray(description.counts) ? (description.counts as unknown[]) : [];
    const size = labels.length === 0 ? 0 : countIn(FILE, "size", description.size);
    const total = counts.reduce((sum: number, count) => sum + countIn(FILE, "a count", count), 0);
    if (counts.length !== labels.length || total * size !== numbers.length) {
      throw new FormatError(
        `${FILE}: expected ${total} examples of ${size} numbers for ${labels.length} labels, got ${numbers.length} numbers for ${counts.length} labels`,
      );
    }
    const classifier = new KNNClassifier();
    let at = 0;
    for (const [i, label] of labels.entries()) {
      for (let end = at + (counts[i] as number); at < end; at++) {
        classifier.add(label, numbers.subarray(at * size, (at + 1) * size));
      }
    }
    return classifier;
  }
}
