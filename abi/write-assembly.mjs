/**
 * Writes the kernels' side: record, numbers, flags and asserts; what the module exports; what the debug build exports
 * beside.
 * @module
 */
import { anded, calls, comment, ended, fileOf, kernelsOf, listed, MARK, pascal, upper, WIDTH } from "./text.mjs";

/** Where the kernels stand, seen from `assembly/index.ts`. */
const FOLDER = "./kernels/";
/** Numbers of a step whose product with another one may leave 32 bits are computed in this type. */
const WIDE = "f64";

/** An expression over the record in AssemblyScript, in double precision. */
function wide(expression) {
  return expression.replace(/\bs\.(\w+)/g, `<${WIDE}>s.$1`);
}

/** The assertion of a need, in one line where it fits. */
function assertion([what, expression], indent) {
  const line = `${indent}assert(${wide(expression)}); // ${what}`;
  if (line.length <= WIDTH) return [line];
  const alone = `${indent}assert(${wide(expression)});`;
  if (alone.length <= WIDTH) return [`${indent}// ${what}`, alone];
  const terms = wide(expression).split(" && ");
  const rows = terms.map((term, i) => `${indent}  ${term}${i < terms.length - 1 ? " &&" : ","}`);
  return [`${indent}// ${what}`, `${indent}assert(`, ...rows, `${indent});`];
}

function inline(lines) {
  return ["// @ts-ignore: decorator", "@inline", ...lines];
}

/** assembly/abi.ts */
export function assembly(from) {
  const { CONSTANTS, FIELDS, FLAGS, FUNCTIONS, GROUPS, OPERATORS, PREDICATES, PRODUCTS } = from;
  const names = {
    ...GROUPS,
    ...Object.fromEntries(Object.entries(PREDICATES).map(([name, { needs }]) => [name, needs])),
  };
  const asserted = (needs) => needs.filter((need) => typeof need === "string" || need[2] !== "plan");
  const asserts = (needs, indent) =>
    asserted(needs).flatMap((need) =>
      typeof need === "string" ? [`${indent}expect${pascal([need])}(s);`] : assertion(need, indent),
    );
  const everything = [...Object.values(names), ...kernelsOf(from).map(([, { needs }]) => needs)]
    .flatMap((needs) => asserted(needs))
    .filter((need) => typeof need !== "string")
    .map(([, expression]) => expression)
    .join("\n");
  const used = (text) => FUNCTIONS.filter(({ name }) => calls(text, name));
  const inNeeds = used(everything);

  const lines = [
    "/**",
    ` * ${MARK}`,
    " *",
    " * The record, numbers and flags, and what each kernel expects of a step. The table is `abi/table.mjs`, a page to",
    " * read `docs/abi.md`.",
    " */",
    "",
    ...comment(
      "One step of a plan: a fixed-size record in linear memory. `docs/abi.md` says how a kernel reads a field.",
    ),
    "@unmanaged",
    "export class Step {",
    ...FIELDS.flatMap(([name, type, what]) => [...comment(what, "  "), `  ${name}: ${type};`]),
    "}",
    "",
    ...comment("An entry of a schedule."),
    "@unmanaged",
    "export class Entry {",
    ...from.ENTRY.flatMap(([name, type, what]) => [...comment(what, "  "), `  ${name}: ${type};`]),
    "}",
    "",
    ...CONSTANTS.flatMap(({ name, value, what }) => [...comment(what), `export const ${name}: i32 = ${value};`]),
    "",
    ...comment("Numbers of the kernels. They are part of the ABI: never reused, only added to."),
    "export namespace Kernel {",
    ...kernelsOf(from).map(([name, { number }]) => `  export const ${upper(name)}: i32 = ${number};`),
    "}",
    "",
    ...comment("What an entry of a schedule does."),
    "export namespace Kind {",
    ...Object.entries(from.KINDS).flatMap(([name, { number, what }]) => [
      ...comment(what, "  "),
      `  export const ${name}: i32 = ${number};`,
    ]),
    "}",
    "",
    ...comment("Bits of a step's flags; each kernel has its own of them."),
    "export namespace Flag {",
    ...Object.entries(FLAGS).flatMap(([name, { bit, what }]) => [
      ...comment(what, "  "),
      `  export const ${name}: i32 = ${bit};`,
    ]),
    "}",
    "",
    ...comment("Operators of two operands a and b."),
    "export namespace Operator {",
    ...Object.entries(OPERATORS).flatMap(([name, { number, what }]) => [
      ...comment(what, "  "),
      `  export const ${name}: i32 = ${number};`,
    ]),
    "}",
    "",
    ...comment("How a build multiplies 8-bit numbers."),
    "export namespace Product {",
    ...Object.entries(PRODUCTS).flatMap(([name, { number, what }]) => [
      ...comment(what, "  "),
      `  export const ${name}: i32 = ${number};`,
    ]),
    "}",
    "",
    ...comment("The next multiple of `unit`, a power of two."),
    ...inline(["function up(n: usize, unit: usize): usize {", "  return (n + unit - 1) & ~(unit - 1);", "}"]),
    "",
    ...FUNCTIONS.filter(({ sizes }) => sizes).flatMap(({ name, params, of, what }) => [
      ...comment(what),
      ...inline([
        `export function ${name}(${params.map((param) => `${param}: usize`).join(", ")}): usize {`,
        `  return ${of};`,
        "}",
      ]),
      "",
    ]),
    ...Object.entries(PREDICATES).flatMap(([name, { needs, what }]) => [
      ...comment(what),
      ...inline([
        `export function ${name}(s: Step): bool {`,
        "  return (",
        ...needs.map(([, expression], i) => {
          const term = expression.includes("||") ? `(${expression})` : expression;
          return `    ${term}${i < needs.length - 1 ? " &&" : ""}`;
        }),
        "  );",
        "}",
      ]),
      "",
    ]),
    "// What follows is for the debug build: in the others nothing of it is left.",
    "",
    ...inNeeds.flatMap(({ name, params, of, what }) => [
      ...comment(what),
      ...inline([
        params
          ? `function ${name}(${params.map((param) => `${param}: ${WIDE}`).join(", ")}): ${WIDE} {`
          : `function ${name}(s: Step): ${WIDE} {`,
        `  return ${wide(of)};`,
        "}",
      ]),
      "",
    ]),
    ...Object.entries(names).flatMap(([name, needs]) => [
      `function expect${pascal([name])}(s: Step): void {`,
      ...asserts(needs, "  "),
      "}",
      "",
    ]),
    ...kernelsOf(from).flatMap(([name, { formula, units, aligned, needs }]) => [
      ...comment([...formula, `Row units: ${units}.`]),
      ...inline([
        `export function expect_${name}(s: Step, y0: i32, y1: i32): void {`,
        "  if (!ASC_NO_ASSERT) {",
        "    assert(0 <= y0 && y0 <= y1 && y1 <= s.rows);",
        ...(aligned.length > 0 ? [`    assert(${anded(aligned)});`] : []),
        ...asserts(needs, "    "),
        "  }",
        "}",
      ]),
      "",
    ]),
  ];
  return ended(lines);
}

/** assembly/index.ts */
export function index(from) {
  const files = new Map();
  for (const [name, kernel] of kernelsOf(from)) {
    const { inner = [], packs = [], packsFile = fileOf(name, kernel) } = kernel;
    const add = (file, names) => files.set(file, [...(files.get(file) ?? []), ...names]);
    add(fileOf(name, kernel), [name, ...inner]);
    if (packs.length > 0) add(packsFile, packs);
  }
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([file, names]) => [file, names.sort()]);
  const constants = from.CONSTANTS.filter(({ module }) => module).map(({ name }) => name);
  const lines = [
    "/**",
    ` * ${MARK}`,
    " *",
    " * What the module exports, and nothing else. Every kernel is `(step, y0, y1)`: it computes the row units [y0, y1) of",
    " * the step's output, touches only what the record points at (reading up to SLACK bytes past a tensor, never writing",
    " * past one) and keeps no state. All kernels are exported, which also keeps Binaryen from inlining them into the",
    " * dispatcher, where one giant function would spill every register.",
    " */",
    ...listed("import { ", [...constants, "Entry", "Kernel", "Kind", "Step"].sort(), ' } from "./abi";'),
    ...sorted.flatMap(([file, names]) => listed("import { ", names, ` } from "${FOLDER}${file}";`)),
    "",
    ...listed("export { ", constants, " };"),
    'export { VARIANT } from "./simd/f32";',
    ...sorted.flatMap(([, names]) => listed("export { ", names, " };")),
    "",
    ...comment("First byte that the module's static data leaves free."),
    "export function heap_base(): usize {",
    "  return __heap_base;",
    "}",
    "",
    ...comment(
      "Executes entries [first, last) of the schedule at `entries`; `record` is room for a copy of a step's record.",
    ),
    "export function run_schedule(entries: usize, first: i32, last: i32, record: usize): void {",
    "  for (let i = first; i < last; ++i) {",
    "    const entry = changetype<Entry>(entries + <usize>i * ENTRY_BYTES);",
    "    const kind = entry.kind;",
    "    if (kind == Kind.MOVE) memory.copy(entry.step, entry.step + <usize>entry.u0, <usize>entry.u1);",
    "    else if (kind == Kind.WHOLE || kind == Kind.ROWS) {",
    "      const step = kind == Kind.ROWS ? moved(entry, record) : changetype<Step>(entry.step);",
    "      run_rows(step, entry.u0, entry.u1);",
    "    }",
    "  }",
    "}",
    "",
    ...comment("A copy of an entry's step whose rows or scratch lie elsewhere."),
    ...inline([
      "function moved(entry: Entry, record: usize): Step {",
      "  memory.copy(record, entry.step, STEP_BYTES);",
      "  const step = changetype<Step>(record);",
      "  step.x += <usize>entry.dx;",
      "  step.x2 += <usize>entry.dx2;",
      "  step.y += <usize>entry.dy;",
      "  step.s += <usize>entry.ds;",
      "  return step;",
      "}",
    ]),
    "",
    ...comment("Executes row units [y0, y1) of one step."),
    "export function run_rows(step: Step, y0: i32, y1: i32): void {",
    "  switch (step.kernel) {",
    ...kernelsOf(from).map(([name]) => `    case Kernel.${upper(name)}: return ${name}(step, y0, y1);`),
    "  }",
    "}",
  ];
  return ended(lines);
}

/** assembly/layout.ts */
export function layout(from) {
  const lines = [
    "/**",
    ` * ${MARK}`,
    " *",
    " * What the debug build exports beside, so that a test can hold the host's view against the module's own: byte",
    " * offsets of the record's fields, numbers of the kernels, bits of the flags.",
    " */",
    'import { Entry, Flag, Kernel, Step } from "./abi";',
    "",
    ...from.FIELDS.map(([name]) => `export const OFFSET_${name} = offsetof<Step>("${name}");`),
    "",
    ...from.ENTRY.map(([name]) => `export const ENTRY_${name} = offsetof<Entry>("${name}");`),
    "",
    ...kernelsOf(from).map(([name]) => `export const NUMBER_${name} = Kernel.${upper(name)};`),
    "",
    ...Object.keys(from.FLAGS).map((name) => `export const FLAG_${name} = Flag.${name};`),
  ];
  return ended(lines);
}
