/** What sound TFLite files ask for and sepconv has not: an UnsupportedError that names all of it. */
import { describe, expect, test } from "vitest";
import { FormatError, UnsupportedError } from "../../src/errors.ts";
import { OPERATORS } from "../../src/formats/tflite/operators.ts";
import { fromTflite } from "../../src/formats/tflite/read.ts";
import { processorTime } from "../processor-time.ts";
import { buildTflite, type ModelSpec, type TensorSpec } from "./builders/tflite.ts";

const value = (name: string, shape: readonly number[] = [1, 2, 2, 4]): TensorSpec => ({ name, shape });

async function refusal(spec: ModelSpec): Promise<UnsupportedError> {
  const error = await fromTflite(buildTflite(spec)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UnsupportedError);
  return error as UnsupportedError;
}

describe("operators that there are not", () => {
  test("one with several outputs, a custom one by its own name", async () => {
    const outputs = ["boxes", "classes", "scores", "count"].map((name) => value(name, []));
    const { message } = await refusal({
      tensors: [value("x"), ...outputs],
      operators: [{ op: "CUSTOM", custom: "ThreeBodyOp", inputs: [0], outputs: [1, 2, 3, 4] }],
      inputs: [0],
      outputs: [1, 2, 3, 4],
    });
    expect(message).toMatch(/for 'boxes', 'classes', .* got ThreeBodyOp \(4 outputs\)$/);
  });

  test("all of them at once, whatever depends on them, with settings that there are not", async () => {
    const tensors = [
      ...[value("x"), value("a"), value("b"), value("joined"), value("turned"), value("tiled"), value("y")],
      { name: "w", shape: [4, 1, 1, 2], data: [1, 2, 3, 4, 5, 6, 7, 8] },
      { name: "perm", shape: [1], type: "int32", data: [0] },
    ];
    const { message } = await refusal({
      tensors,
      operators: [
        { op: "TOPK_V2", inputs: [0, 8], outputs: [1, 2] },
        { op: "ADD", inputs: [1, 2], outputs: [3], options: { 0: { int8: 0 } } },
        { op: "CUMSUM", inputs: [3, 8], outputs: [4] },
        { op: "CONV_2D", inputs: [0, 7], outputs: [5], options: { 1: { int32: 1 }, 2: { int32: 1 } } },
        { op: "CUMSUM", inputs: [5, 8], outputs: [6] },
      ],
      inputs: [0],
      outputs: [4, 6],
    });
    expect(message).toMatch(/^tflite: expected operators that sepconv has, got 4 that it has not: /);
    expect(message).toContain("TOPK_V2 (2 outputs) for 'a', 'b'");
    expect(message).toContain("CUMSUM for 'turned', 'y'");
    expect(message).toContain("CONV_2D (expected one group, got 2) for 'tiled'");
  });

  test("a message of bounded length, however many there are", async () => {
    const codes = [...OPERATORS.values()].filter((name) => name.startsWith("STABLEHLO"));
    const tensors = [
      value("x"),
      ...codes.flatMap((code) => [0, 1, 2].map((i) => value(`${code}/${"n".repeat(40)}${i}`))),
    ];
    const { message } = await refusal({
      tensors,
      operators: codes.flatMap((op, k) => [0, 1, 2].map((i) => ({ op, inputs: [0], outputs: [1 + 3 * k + i] }))),
      inputs: [0],
      outputs: [1],
    });
    expect(message.length).toBeLessThan(1700);
    expect(message).toContain("STABLEHLO_LOGISTIC");
  });

  test("ten thousand of them, with long names, in no time to speak of", async () => {
    const count = 10_000;
    const bytes = buildTflite({
      tensors: [value("x"), value("n".repeat(200_000))],
      operators: Array.from({ length: count }, (_, i) => ({ op: i % 2 ? "CUMSUM" : "ELU", inputs: [0], outputs: [1] })),
      inputs: [0],
      outputs: [1],
    });
    const began = processorTime();
    await expect(fromTflite(bytes)).rejects.toThrow(/got 10000 that it has not: ELU for 'nnn.*CUMSUM for 'nnn/);
    expect(processorTime() - began).toBeLessThan(1000);
  });

  test("control flow names the subgraphs that it runs; others do not matter", async () => {
    const spec: ModelSpec = {
      tensors: [value("x"), value("y")],
      operators: [{ op: "WHILE", inputs: [0], outputs: [1], options: { 0: { int32: 1 }, 1: { int32: 2 } } }],
      inputs: [0],
      outputs: [1],
      subgraphs: ["loop_cond", "loop_body"],
    };
    expect((await refusal(spec)).message).toMatch(/got WHILE \(runs 'loop_cond' and 'loop_body'\)/);
    const plain = { ...spec, operators: [{ op: "RELU", inputs: [0], outputs: [1] }] };
    expect((await fromTflite(buildTflite(plain))).nodes).toHaveLength(1);
  });

  test("what keeps a state from run to run says so", async () => {
    const spec = { tensors: [value("x"), value("y")], inputs: [0], outputs: [1] };
    const { message } = await refusal({ ...spec, operators: [{ op: "SVDF", inputs: [0], outputs: [1] }] });
    expect(message).toMatch(/got SVDF \(keeps a state from run to run\)$/);
  });

  test("inputs of types that there are not", async () => {
    const { message } = await refusal({
      tensors: [{ ...value("ids"), type: "int64" }, { ...value("text"), type: "string" }, value("y")],
      operators: [{ op: "EMBEDDING_LOOKUP", inputs: [0, 1], outputs: [2] }],
      inputs: [0, 1],
      outputs: [2],
    });
    expect(message).toMatch(/'ids'.*'text'.*EMBEDDING_LOOKUP for 'y'/);
  });

  test("a lie that has nothing to do with them is still a lie", async () => {
    const spec: ModelSpec = {
      tensors: [value("x"), value("a"), value("y"), { name: "w", shape: [4, 1, 1, 3], data: new Array(12).fill(1) }],
      operators: [
        { op: "CUMSUM", inputs: [0], outputs: [1] },
        { op: "CONV_2D", inputs: [0, 3], outputs: [2], options: { 1: { int32: 1 }, 2: { int32: 1 } } },
      ],
      inputs: [0],
      outputs: [1, 2],
    };
    await expect(fromTflite(buildTflite(spec))).rejects.toThrow(FormatError);
  });
});

test("every builtin operator has its name", () => {
  expect(OPERATORS.size).toBe(210);
  const known = {
    3: "CONV_2D",
    69: "TILE",
    117: "HARD_SWISH",
    129: "CALL_ONCE",
    152: "RELU_0_TO_1",
    206: "STABLEHLO_COMPOSITE",
  };
  for (const [code, name] of Object.entries(known)) expect(OPERATORS.get(Number(code))).toBe(name);
});
