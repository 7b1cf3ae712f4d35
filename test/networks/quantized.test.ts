import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseNpy } from "../../src/cli/npy.ts";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { load, type Numbers } from "../../src/index.ts";
import { missingShared, shared } from "../formats/builders/shared.ts";

/**
 * 8-bit networks, and the bytes that native TFLite answers; how many inputs there are, and what the networks may take
 * in all.
 */
const NETWORKS = [
  { name: "mobilenet_v1_0.5_160_quant", cases: 10, arena: 312_000 },
  { name: "vww_96_int8", cases: 10, arena: 56 * 1024 },
  { name: "person_detect_int8", cases: 6, arena: 56 * 1024 },
];

for (const { name, cases: count, arena } of NETWORKS) {
  describe.skipIf(missingShared(shared(`models/${name}.tflite`)))(`${name} answers TFLite's bytes`, () => {
    const folder = shared(`reference/${name}`);
    const read = (file: string) => parseNpy(new Uint8Array(readFileSync(`${folder}/${file}.npy`)), file);
    for (const variant of VARIANTS) {
      const reason = accepts(variant) ? undefined : `this host refuses ${variant}`;
      if (reason) console.info(`${name}, ${variant}: skipped, ${reason}`);
      it.skipIf(reason)(`all cases, ${variant}`, async () => {
        const session = await load(shared(`models/${name}.tflite`), { variant });
        expect(session.variant).toBe(variant);
        const cases = readdirSync(folder).filter((file) => file.endsWith(".input.npy"));
        expect(cases).toHaveLength(count);
        for (const file of cases.map((each) => each.replace(".input.npy", ""))) {
          const { output } = session.run<Numbers>(read(`${file}.input`).data as Numbers);
          const answer = existsSync(`${folder}/${file}.output.npy`) ? "output" : "output0";
          const expected = read(`${file}.${answer}`).data;
          expect(output.constructor, file).toBe(expected.constructor);
          expect(Buffer.from(output).equals(Buffer.from(expected as Uint8Array)), file).toBe(true);
        }
      });
    }

    it("keeps weights within 1.15 times those of the file, and the arena within what is known", async () => {
      const { graph, memory } = await load(shared(`models/${name}.tflite`), { variant: "scalar" });
      const weights = [...graph.constants.values()].filter(({ dtype }) => dtype !== "int32");
      const bytes = weights.reduce((sum, { data }) => sum + data!.length, 0);
      expect(memory.weights / bytes).toBeLessThanOrEqual(1.15);
      expect(memory.arena).toBeLessThanOrEqual(arena);
    });

    it("refuses floats, and answers every end point in the type of the file", async () => {
      const session = await load(shared(`models/${name}.tflite`), { endPoints: ["block3", "block13"] });
      const { shape, dtype, scale } = session.inputs[0]!;
      const size = shape.reduce((a, b) => a * b, 1);
      expect(() => session.run(new Float32Array(size))).toThrow(/expected an? U?[iI]nt8Array/);
      expect(scale).toBeGreaterThan(0);
      const zeros = dtype === "int8" ? new Int8Array(size) : new Uint8Array(size);
      const { endPoints } = session.run<Numbers>(zeros);
      for (const info of session.endPoints) {
        expect(info.dtype).toBe(dtype);
        expect(endPoints[info.name]!.constructor).toBe(zeros.constructor);
      }
    });
  });
}
