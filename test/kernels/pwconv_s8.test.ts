import { expect, it } from "vitest";
import { pwconvCases8 } from "../cases/convolution_s8.ts";
import { instantiate } from "../variants.ts";
import { commonViolations, kernelSuite } from "./suite.ts";

const cases = pwconvCases8();
const of = cases.find(({ name }) => name === "m_6_k_7_n_21")!;

kernelSuite(cases, [
  { name: "a product that there is none of", of, fields: () => ({ product: 3 }) },
  ...commonViolations(of, ["x", "w", "y", "s"]),
  { name: "a panel without rows", of, fields: () => ({ tile: 0 }) },
  { name: "no input channels", of, fields: () => ({ inC: 0 }) },
  { name: "no output channels", of, fields: () => ({ outC: 0 }) },
]);

it.each([
  ["begin at an odd row", 1, 2],
  ["begin in the middle of four rows", 2, 4],
  ["end past the last row", 0, 6],
  ["begin before the first row", -2, 2],
  ["end before they begin", 4, 2],
])("debug: the packer traps on rows that %s", (_, k0, k1) => {
  const { pwconv_s8_pack, heap_base } = instantiate("debug");
  const to = heap_base() + 1024;
  expect(() => pwconv_s8_pack(to, to + 1024, 5, 9, 0, 5)).not.toThrow();
  expect(() => pwconv_s8_pack(to, to + 1024, 5, 9, k0, k1)).toThrow(WebAssembly.RuntimeError);
});
