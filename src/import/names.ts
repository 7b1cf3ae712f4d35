/**
 * Names that no two values of a graph share.
 * @module
 */

/** Gives out names. A name that is asked for thousands of times is told apart at once, not by trying all that were given before. */
export class Names {
  /** Names given, and the number that each is told apart by next. */
  readonly #next = new Map<string, number>();
  /** Names that are kept for others. */
  readonly #reserved: ReadonlySet<string>;

  constructor(reserved: ReadonlySet<string> = new Set()) {
    this.#reserved = reserved;
  }

  has(name: string): boolean {
    return this.#next.has(name);
  }

  /** Takes a name that is free, a reserved one too. */
  take(name: string): void {
    this.#next.set(name, this.#next.get(name) ?? 1);
  }

  /** Gives a name back. */
  release(name: string): void {
    this.#next.delete(name);
  }

  /** Takes the name, or `name_1`, `name_2` … where it is taken or reserved; answers with what it took. */
  claim(name: string): string {
    let unique = name;
    let number = this.#next.get(name) ?? 1;
    while (this.#next.has(unique) || this.#reserved.has(unique)) unique = `${name}_${number++}`;
    this.take(unique);
    if (unique !== name && this.#next.has(name)) this.#next.set(name, number);
    return unique;
  }
}
