/**
 * What all architectures ask of their options, in the same words.
 * @module
 */

/** @throws TypeError, RangeError unless all are positive, and whole but for `alpha`; `caller` begins the message */
export function checkPositive(caller: string, numbers: Readonly<Record<string, number>>): void {
  for (const [field, value] of Object.entries(numbers)) {
    if (typeof value !== "number") {
      throw new TypeError(`${caller}: expected ${field} to be a number, got ${JSON.stringify(value)}`);
    }
    const kind = field === "alpha" ? "number" : "integer";
    if (!Number.isFinite(value) || value <= 0 || (kind === "integer" && !Number.isSafeInteger(value))) {
      throw new RangeError(`${caller}: expected ${field} to be a positive ${kind}, got ${value}`);
    }
  }
}

/** @throws RangeError unless five layers can halve it */
export function checkResolution(caller: string, resolution: number): void {
  if (resolution % 32 !== 0) {
    throw new RangeError(
      `${caller}: expected resolution to be divisible by 32 (five layers halve it), got ${resolution}`,
    );
  }
}

/** @throws TypeError, RangeError for what is none of `allowed` */
export function checkChoice<T>(caller: string, field: string, got: T, allowed: readonly T[]): void {
  if (!allowed.includes(got)) {
    const expected = allowed.map((value) => JSON.stringify(value)).join(" or ");
    throw new (typeof got === typeof allowed[0] ? RangeError : TypeError)(
      `${caller}: expected ${field} to be ${expected}, got ${JSON.stringify(got)}`,
    );
  }
}
