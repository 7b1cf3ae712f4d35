/**
 * DENSIFY of constants happens when a file is read: its results are constants themselves.
 * @module
 */
import { FormatError } from "../../errors.ts";
import type { ModelFile, OperatorInfo, TensorInfo } from "./schema.ts";

/**
 * The file with data for the tensors that DENSIFY makes of sparse constants, without those operators. Others of that
 * name are left as they are.
 * @throws {FormatError} The constant is not sparse, or the result is of another type or shape, or computed twice.
 */
export function densified(file: ModelFile): ModelFile {
  const { operators } = file;
  const tensors = [...file.tensors];
  const done = new Set<OperatorInfo>();
  for (const operator of operators) {
    const { op, index, inputs, outputs } = operator;
    const [source, result] = [tensors[inputs[0] ?? -1], tensors[outputs[0] ?? -1]];
    if (op !== "DENSIFY" || inputs.length !== 1 || outputs.length !== 1 || !source?.data.length || !result) continue;
    const where = `tflite: operator ${index} (DENSIFY)`;
    const own = ({ type, shape }: TensorInfo) => `${type} [${shape.join(",")}]`;
    if (!source.sparse) throw new FormatError(`${where}: expected a sparse tensor, got a dense one`);
    if (own(source) !== own(result)) throw new FormatError(`${where}: expected ${own(source)}, got ${own(result)}`);
    const sources = operators.filter((other) => other.outputs.includes(result.index)).length;
    if (sources !== 1 || result.data.length > 0) {
      throw new FormatError(`${where}: expected the only source of tensor ${result.index}, got another`);
    }
    const { data, offset, quantization } = source;
    tensors[result.index] = { ...result, data, offset, ...(quantization && { quantization }) };
    done.add(operator);
  }
  return done.size === 0 ? file : { ...file, tensors, operators: operators.filter((operator) => !done.has(operator)) };
}
