/**
 * All that a sound model asks for and that there is not: who converts it again wants to hear it at once, not one thing
 * a try.
 * @module
 */
import { UnsupportedError } from "../../errors.ts";

/** Characters of the list at the most; errors are cut at a little more. */
const LONGEST = 1400;

/** Collects what is not supported while the rest of the model is looked at. */
export class Blockers {
  #first: (() => UnsupportedError) | undefined;
  /** Names of values by what is in their way, each name once. */
  readonly #values = new Map<string, Set<string>>();
  #count = 0;

  /**
   * @param kind what is in the way, equal for what is to stand together: `TILE`, `CONV_2D (expected one group, got 4)`
   * @param values the values that are computed so
   * @param error makes what is thrown if it stays the only one
   */
  add(kind: string, values: readonly string[], error: () => UnsupportedError): void {
    this.#first ??= error;
    const known = this.#values.get(kind) ?? new Set();
    for (const value of values) known.add(value);
    this.#values.set(kind, known);
    this.#count++;
  }

  /** @throws {@link UnsupportedError} if there is anything: the one error, or one that names everything */
  check(format: string): void {
    if (this.#first === undefined) return;
    const blockers = [...this.#values].map(([what, values]) => ({ what, nodes: [...values] }));
    if (this.#count === 1) throw new UnsupportedError(this.#first().message, { blockers });
    const start = `${format}: expected operators that sepconv has, got ${this.#count} that it has not: `;
    const list = this.#list(8) ?? this.#list(2) ?? this.#list(0) ?? this.#begin();
    throw new UnsupportedError(start + list, { blockers });
  }

  /** With as many values each; undefined where that is too long. */
  #list(most: number): string | undefined {
    const parts = [...this.#values].map(([kind, values]) => {
      const shown = [...values].slice(0, most).map((value) => `'${short(value)}'`);
      const more = values.size - shown.length;
      if (shown.length === 0) return `${short(kind)} (${more})`;
      return `${kind} for ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
    });
    const text = parts.join("; ");
    return text.length > LONGEST ? undefined : text;
  }

  #begin(): string {
    const kinds = [...this.#values.keys()].map(short);
    const shown = kinds.slice(0, 20);
    const text = shown.join("; ");
    return `${text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}; and ${kinds.length - shown.length} more`;
  }
}

function short(name: string): string {
  return name.length > 60 ? `${name.slice(0, 59)}…` : name;
}
