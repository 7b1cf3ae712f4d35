/**
 * What a reference implementation answered on the files beside the project: inputs and outputs by case.
 * @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { missingShared, shared } from "../formats/builders/shared.ts";

type Numbers = Float32Array | Uint8Array | Int8Array | Int32Array;

/** One input, and the outputs in the file's order. */
export interface ReferenceCase {
  readonly name: string;
  readonly input: Numbers;
  readonly outputs: readonly Numbers[];
}

/** Path of a model; undefined, saying so, where it or its references are not there. */
export function referenceModel(model: string): string | undefined {
  const path = shared(`models/${model}.tflite`);
  return missingShared(path) || missingShared(shared(`reference/${model}`)) ? undefined : path;
}

/** The cases of a model. */
export function referenceCases(model: string): ReferenceCase[] {
  const folder = shared(`reference/${model}`);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).sort();
  return files
    .filter((file) => file.endsWith(".input.npy"))
    .map((file) => {
      const name = file.replace(".input.npy", "");
      const outputs = files.filter((other) => other.startsWith(`${name}.output`));
      return {
        name,
        input: readNpy(`${folder}/${file}`),
        outputs: outputs.map((other) => readNpy(`${folder}/${other}`)),
      };
    });
}

/** An array in row-major order, also where the file has it in the other one; int64 as int32. */
function readNpy(path: string): Numbers {
  const file = readFileSync(path);
  const end = 10 + file.readUInt16LE(8);
  const header = file.subarray(10, end).toString("latin1");
  const type = /'descr': '[<|](\w\d)'/.exec(header)?.[1];
  const shape = /'shape': \(([\d, ]*)\)/
    .exec(header)![1]!
    .split(",")
    .filter((size) => size.trim())
    .map(Number);
  const bytes = new Uint8Array(file.subarray(end)).buffer;
  const data = numbersOf(type, bytes);
  return header.includes("'fortran_order': True") ? rowMajor(data, shape) : data;
}

function numbersOf(type: string | undefined, bytes: ArrayBuffer): Numbers {
  switch (type) {
    case "f4":
      return new Float32Array(bytes);
    case "u1":
      return new Uint8Array(bytes);
    case "i1":
      return new Int8Array(bytes);
    case "i8":
      return Int32Array.from(new BigInt64Array(bytes), Number);
    default:
      throw new RangeError(`npy: expected a type that references have, got ${type}`);
  }
}

function rowMajor(data: Numbers, shape: readonly number[]): Numbers {
  const result = data.slice();
  for (let to = 0; to < data.length; to++) {
    let [rest, from, stride] = [to, 0, data.length];
    for (const size of shape.toReversed()) {
      stride /= size;
      from += (rest % size) * stride;
      rest = Math.floor(rest / size);
    }
    result[to] = data[from]!;
  }
  return result;
}
