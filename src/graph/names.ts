/**
 * Names that no two values of a graph share.
 * @module
 */

/**
 * Gives out names. A name that is asked for thousands of times is told apart at once, not by trying all that were given
 * before.
 */
export class Names {
  readonly #taken = new Set<string>();
  /** The number that a name is told apart by next. */
  readonly #next = new Map<string, number>();
  /** Names that are kept for others. */
  readonly #reserved: ReadonlySet<string>;

  constructor(reserved: ReadonlySet<string> = new Set()) {
    this.#reserved = reserved;
  }

  has(name: string): boolean {
    return this.#taken.has(name);
  }

  /** Takes a name as it is, a reserved one too. */
  take(name: string): void {
    this.#taken.add(name);
  }

  /** Gives a name back. */
  release(name: string): void {
    this.#taken.delete(name);
  }

  /** Takes the name, or `name_1`, `name_2` … where it is taken or reserved; answers with what it took. */
  claim(name: string): string {
    const free = (candidate: string) => !this.#taken.has(candidate) && !this.#reserved.has(candidate);
    let unique = name;
    while (!free(unique)) {
      const number = this.#next.get(name) ?? 1;
      this.#next.set(name, number + 1);
      unique = `${name}_${number}`;
    }
    this.take(unique);
    return unique;
  }
}
