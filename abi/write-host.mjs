/**
 * Writes the host's side: record, numbers, flags, and each kernel's contract.
 * @module
 */
import { anded, comment, ended, kernelsOf, listed, MARK, WIDTH } from "./text.mjs";

/** An expression in TypeScript. */
function script({ FLAGS }, expression) {
  const flags = Object.keys(FLAGS).join("|");
  return expression
    .replace(/\bhas\(([^,]+), (\w+)\)/g, "($1 & $2) != 0")
    .replace(new RegExp(`\\b(${flags})\\b`, "g"), "FLAGS.$1")
    .replace(/ ([!=])= /g, " $1== ");
}

/** src/engine/abi.ts */
export function host(from) {
  const { CONSTANTS, FIELDS, FLAGS, FUNCTIONS, GROUPS, OPERATORS, PREDICATES, PRODUCTS } = from;
  const need = (one, indent) => {
    if (typeof one === "string") return [`${indent}...${one}(s),`];
    const cells = [JSON.stringify(one[0]), script(from, one[1])];
    const line = `${indent}[${cells.join(", ")}],`;
    return line.length <= WIDTH ? [line] : [`${indent}[`, ...cells.map((cell) => `${indent}  ${cell},`), `${indent}],`];
  };
  const asked = (needs) => needs.filter((one) => typeof one === "string" || one[2] !== "debug");
  const group = (name, needs, what) => [
    ...(what ? comment(what) : []),
    `const ${name} = (s: Fields): Needs => [`,
    ...asked(needs).flatMap((one) => need(one, "  ")),
    "];",
    "",
  ];
  const align = CONSTANTS.find(({ name }) => name === "ALIGN").value;
  const alignment = (aligned) =>
    aligned.length === 0 ? [] : need([`${aligned.join(", ")} on multiples of ${align}`, anded(aligned)], "      ");
  const lines = [
    "/**",
    ` * ${MARK}`,
    " *",
    " * The record, the kernels' numbers and flags, and each kernel's contract: what must hold of a step, and how many",
    " * bytes it touches. The table is `abi/table.mjs`, a page to read `docs/abi.md`.",
    " * @module",
    " */",
    "// biome-ignore-all format: as the generator writes it, a need a line",
    "",
    ...CONSTANTS.flatMap(({ name, value, what }) => [...comment(what), `export const ${name} = ${value};`]),
    "",
    ...comment("What the module exports as its own of these constants."),
    ...listed(
      "export const MODULE_CONSTANTS = { ",
      CONSTANTS.filter(({ module }) => module).map(({ name }) => name),
      " } as const;",
    ),
    "",
    ...comment("Types of the record's fields, of four bytes each, in their order; a usize is a byte address."),
    "export const FIELDS = {",
    ...FIELDS.flatMap(([name, type, what]) => [...comment(what, "  "), `  ${name}: "${type}",`]),
    "} as const;",
    "",
    ...comment("Byte offsets of the fields of a schedule's entry."),
    "export const ENTRY = {",
    ...from.ENTRY.flatMap(([name, , what], i) => [...comment(what, "  "), `  ${name}: ${4 * i},`]),
    "} as const;",
    "",
    ...comment("What an entry of a schedule does."),
    "export const KINDS = {",
    ...Object.entries(from.KINDS).flatMap(([name, { number, what }]) => [
      ...comment(what, "  "),
      `  ${name}: ${number},`,
    ]),
    "} as const;",
    "",
    ...comment("The name of a field."),
    "export type Field = keyof typeof FIELDS;",
    "",
    ...comment("The values of a record's fields; those left out are 0."),
    "export type StepFields = Partial<Record<Field, number>>;",
    "",
    ...comment("All fields of a record."),
    "export type Fields = Readonly<Record<Field, number>>;",
    "",
    ...comment("Numbers of the kernels."),
    "export const KERNELS = {",
    ...kernelsOf(from).map(([name, { number }]) => `  ${name}: ${number},`),
    "} as const;",
    "",
    ...comment("The name of a kernel, which is also the name of its export."),
    "export type Kernel = keyof typeof KERNELS;",
    "",
    ...comment("Bits of a step's flags; each kernel has its own of them."),
    "export const FLAGS = {",
    ...Object.entries(FLAGS).flatMap(([name, { bit, what }]) => [...comment(what, "  "), `  ${name}: ${bit},`]),
    "} as const;",
    "",
    ...comment("Operators of two operands a and b."),
    "export const OPERATORS = {",
    ...Object.entries(OPERATORS).flatMap(([name, { number, what }]) => [
      ...comment(what, "  "),
      `  ${name}: ${number},`,
    ]),
    "} as const;",
    "",
    ...comment("How a build multiplies 8-bit numbers."),
    "export const PRODUCTS = {",
    ...Object.entries(PRODUCTS).flatMap(([name, { number, what }]) => [
      ...comment(what, "  "),
      `  ${name}: ${number},`,
    ]),
    "} as const;",
    "",
    ...comment("What must hold of a step, in words, and whether it does."),
    "export type Needs = readonly (readonly [what: string, holds: boolean])[];",
    "",
    ...comment("What a step reads and writes, in bytes from its pointers on; SLACK comes on top of what it reads."),
    "export interface Extents {",
    "  readonly x: number;",
    ...comment("0, as without: none; so of w.", "  "),
    "  readonly x2?: number;",
    "  readonly w?: number;",
    "  readonly w2?: number;",
    "  readonly s?: number;",
    ...comment("Bytes that are written.", "  "),
    "  readonly y: number;",
    ...comment("Where only a part of each row of the output is written: bytes of that part, and of a row.", "  "),
    "  readonly columns?: number;",
    "  readonly pitch?: number;",
    "}",
    "",
    ...comment("What a kernel asks of a step, and what it does to memory."),
    "export interface Contract {",
    ...comment("The output may be an input, byte for byte.", "  "),
    "  readonly inPlace?: boolean;",
    ...comment("False: no plan may use it.", "  "),
    "  readonly planned?: boolean;",
    ...comment("Which rows of x a unit needs, where units can be computed before all of x is there.", "  "),
    '  readonly streams?: "windows" | "pads" | "units";',
    ...comment("Bytes of the output that a unit writes, where the last one writes what is left.", "  "),
    "  readonly unitBytes?: number;",
    "  needs(s: Fields): Needs;",
    "  extents(s: Fields): Extents;",
    "}",
    "",
    "const up = (n: number, unit: number) => Math.ceil(n / unit) * unit;",
    "",
    ...FUNCTIONS.flatMap(({ name, params, of, what }) => {
      const signature = params ? params.map((param) => `${param}: number`).join(", ") : "s: Fields";
      const [open, body] = [`export const ${name} = (${signature}) =>`, `${script(from, of)};`];
      return [...comment(what), ...(`${open} ${body}`.length <= WIDTH ? [`${open} ${body}`] : [open, `  ${body}`])];
    }),
    "",
    ...Object.entries(PREDICATES).flatMap(([name, { needs, what }]) => group(name, needs, what)),
    ...Object.entries(GROUPS).flatMap(([name, needs]) => group(name, needs)),
    ...comment("The contract of each kernel."),
    "export const CONTRACTS: { readonly [K in Kernel]: Contract } = {",
    ...kernelsOf(from).flatMap(([name, { needs, aligned, extents, inPlace, planned, streams, unitBytes }]) => [
      `  ${name}: {`,
      ...(inPlace ? ["    inPlace: true,"] : []),
      ...(planned === false ? ["    planned: false,"] : []),
      ...(streams ? [`    streams: "${streams}",`] : []),
      ...(unitBytes ? [`    unitBytes: ${unitBytes},`] : []),
      "    needs: (s) => [",
      ...[...alignment(aligned), ...asked(needs).flatMap((one) => need(one, "      "))],
      "    ],",
      "    extents: (s) => ({",
      ...Object.entries(extents).map(([key, expression]) => `      ${key}: ${script(from, expression)},`),
      "    }),",
      "  },",
    ]),
    "};",
  ];
  return ended(lines);
}
