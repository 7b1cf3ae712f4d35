/**
 * What callers hand over, and how to say that it is something else.
 * @module
 */

/**
 * The kind of a host object, also of one from another realm (an iframe, a test runner's sandbox): "Float32Array",
 * "Array", "Object", …
 */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether something is an object, of which may be asked what it can do. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Bytes in memory, also of another realm. */
export function isBuffer(value: unknown): value is ArrayBuffer | SharedArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(value) || ["ArrayBuffer", "SharedArrayBuffer"].includes(tagOf(value));
}

/** The bytes of a buffer or view: none of one that was given away (transferred), of which no view can be made. */
export function viewOf(source: ArrayBuffer | SharedArrayBuffer | ArrayBufferView): Uint8Array {
  if (source.byteLength === 0) return new Uint8Array();
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

/** An answer of `fetch`: by what it can do, since not every host names the kind of its objects. */
export function isResponse(value: unknown): value is Response {
  return isBody(value) && "status" in value && "headers" in value;
}

/** A Blob or File, by what it can do. */
export function isBlob(value: unknown): value is Blob {
  return isBody(value) && "size" in value && "slice" in value;
}

function isBody(value: unknown): value is { arrayBuffer(): Promise<ArrayBuffer> } {
  return isObject(value) && "arrayBuffer" in value && typeof value.arrayBuffer === "function";
}

/** A value as messages name it: "an Array", "a Float64Array", "null", "nothing" for undefined, "the string "…"". */
export function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (typeof value === "string")
    return `the string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 39)}…` : value)}`;
  if (typeof value !== "object" && typeof value !== "function") return `the ${typeof value} ${String(value)}`;
  const { name } = (value.constructor ?? {}) as { name?: unknown };
  const tag = tagOf(value);
  const kind = tag === "Object" && typeof name === "string" && name !== "" ? name : tag;
  return `${/^[AEIO]/.test(kind) ? "an" : "a"} ${kind}`;
}

/**
 * Refuses options that do not exist: a misspelt one would be passed over in silence.
 * @throws TypeError naming the option and the nearest one that there is
 */
export function checkOptions(where: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`${where}: expected options as an object, got ${kindOf(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const [nearest] = known
    .map((name) => ({ name, distance: distance(name.toLowerCase(), unknown.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const meant =
    nearest && nearest.distance <= Math.max(2, unknown.length / 3) ? `; did you mean "${nearest.name}"?` : "";
  throw new TypeError(`${where}: expected options ${known.join(", ")}, got ${JSON.stringify(unknown)}${meant}`);
}

/** @throws TypeError for a value that is there and no number of bytes */
export function checkBytes(where: string, value: unknown): void {
  if (value === undefined || (typeof value === "number" && !Number.isNaN(value))) return;
  throw new TypeError(`${where}: expected a number of bytes, got ${kindOf(value)}`);
}

/** Letters to change, to put in or to leave out on the way from one word to the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
