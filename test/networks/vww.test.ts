import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseNpy } from "../../src/cli/npy.ts";
import { accepts, VARIANTS } from "../../src/engine/variant.ts";
import { load } from "../../src/index.ts";
import { missingShared, shared } from "../formats/builders/shared.ts";

const END_POINTS = [...Array.from({ length: 14 }, (_, i) => `block${i}`), "output"];

/** The same trained network before and after conversion, and what native TFLite answers for it. */
for (const file of ["vww_96_float.tflite", "vww_96.h5"]) {
  describe.skipIf(missingShared(shared(`models/${file}`)))(`${file} reproduces TFLite's answers`, () => {
    const folder = shared("reference/vww_96_float");
    const read = (name: string) => parseNpy(new Uint8Array(readFileSync(`${folder}/${name}.npy`)), name);
    for (const variant of VARIANTS) {
      const reason = accepts(variant) ? undefined : `this host refuses ${variant}`;
      if (reason) console.info(`${file}, ${variant}: skipped, ${reason}`);
      it.skipIf(reason)(`within 1e-5 (${variant})`, async () => {
        const session = await load(shared(`models/${file}`), { variant, endPoints: END_POINTS });
        expect(session.variant).toBe(variant);
        const cases = readdirSync(folder).filter((name) => name.endsWith(".input.npy"));
        expect(cases).toHaveLength(10);
        for (const name of cases.map((name) => name.replace(".input.npy", ""))) {
          const { output, endPoints } = session.run(read(`${name}.input`).data as Float32Array);
          const expected = read(`${name}.output`).data;
          expect(output).toHaveLength(expected.length);
          const worst = Math.max(...output.map((value, i) => Math.abs(value - Number(expected[i]))));
          expect(worst, name).toBeLessThanOrEqual(1e-5);
          expect(Object.keys(endPoints)).toEqual(END_POINTS);
          expect(endPoints.block13).toHaveLength(3 * 3 * 256);
        }
      });
    }
  });
}
