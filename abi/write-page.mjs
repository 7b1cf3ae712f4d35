/**
 * Writes the reference page.
 * @module
 */
import { ended, fileOf, kernelsOf, MARK, needsOf, WIDTH, wrap } from "./text.mjs";

const STREAMS = {
  windows: "a row needs the rows of its window",
  pads: "a row needs the one that it is a copy of",
  units: "a unit needs the unit of the same number",
};

/** docs/abi.md */
export function page(from) {
  const { ABI_VERSION, CONSTANTS, FIELDS, FLAGS, FUNCTIONS, PREDICATES, GROUPS } = from;
  const code = (expression) =>
    `\`${expression.replace(/\bs\.(?=\w)/g, "").replaceAll("(s)", "")}\``.replaceAll("||", "or");
  const row = (...cells) => `| ${cells.join(" | ")} |`;
  const rows = (head, list) => [row(...head), row(...head.map(() => "---")), ...list.map((cells) => row(...cells))];
  const bounded = (text) => text.replaceAll("|", "\\|");
  const special = { plan: " (of every plan; the kernel does without)", debug: " (asked for by the debug build only)" };
  const item = (text) => wrap(text, WIDTH, "  ").map((line, i) => (i === 0 ? `* ${line.trimStart()}` : line));
  const needed = (needs) => {
    const least = needs.filter(([words]) => / from 1 on$/.test(words)).map(([words]) => words.split(" ")[0]);
    const others = needs.filter(([words]) => !least.includes(words.replace(/ from 1 on$/, "")));
    return [
      ...item(`from 1 on: ${least.join(", ")}`),
      ...others.flatMap(([words, expression, only]) =>
        item(`${words}: ${code(expression)}${only ? special[only] : ""}`),
      ),
    ];
  };
  const lines = [
    `<!-- ${MARK} -->`,
    "# The ABI",
    "",
    ...wrap(
      `What the kernels in \`assembly/\` and their host in \`src/engine/\` both know, version ${ABI_VERSION}. It stands in ` +
        "`abi/table.mjs`; `npm run abi` writes this page and both sides from it.",
      WIDTH,
    ),
    "",
    ...wrap(
      "A plan is a table of step records and a schedule in linear memory; `run_schedule(entries, first, last)` executes " +
        "it. Every kernel is `(step, y0, y1)`: it computes the row units [y0, y1) of its step's output, reads at most SLACK " +
        "bytes past the sizes given here, writes nothing past them, and keeps no state. Layouts are row-major; images are " +
        "NHWC.",
      WIDTH,
    ),
    "",
    ...rows(
      ["Constant", "Value", ""],
      CONSTANTS.map(({ name, value, what }) => [name, value, what]),
    ),
    "",
    "## The record",
    "",
    "Four bytes each; a usize is a byte address.",
    "",
    ...rows(
      ["Offset", "Field", "Type", "Meaning"],
      FIELDS.map(([name, type, what], i) => [4 * i, name, type, what]),
    ),
    "",
    "## An entry of the schedule",
    "",
    "Four bytes each; the rest of its ENTRY_BYTES is 0.",
    "",
    ...rows(
      ["Offset", "Field", "Type", "Meaning"],
      from.ENTRY.map(([name, type, what], i) => [4 * i, name, type, what]),
    ),
    "",
    ...rows(
      ["Kind", "Number", ""],
      Object.entries(from.KINDS).map(([name, { number, what }]) => [name, number, what]),
    ),
    "",
    "## Flags",
    "",
    "A bit may mean one thing to one kernel and another to the next.",
    "",
    ...rows(
      ["Flag", "Bit", ""],
      Object.entries(FLAGS).map(([name, { bit, what }]) => [name, bit, what]),
    ),
    "",
    "## Operators",
    "",
    "What `operator` says of two operands a and b.",
    "",
    ...rows(
      ["Operator", "Number", ""],
      Object.entries(from.OPERATORS).map(([name, { number, what }]) => [name, number, what]),
    ),
    "",
    "## Products of 8-bit numbers",
    "",
    ...rows(
      ["Product", "Number", ""],
      Object.entries(from.PRODUCTS).map(([name, { number, what }]) => [name, number, what]),
    ),
    "",
    "## Functions",
    "",
    "What the sizes and needs below are made of. `up(n, unit)` is the next multiple.",
    "",
    ...FUNCTIONS.flatMap(({ name, params, of, what }) =>
      item(`\`${name}${params ? `(${params.join(", ")})` : ""}\` = ${code(of)}: ${what}`),
    ),
    "",
    "## Predicates",
    "",
    "By these a kernel is chosen.",
    "",
    ...Object.entries(PREDICATES).flatMap(([name, { needs, what }]) => [
      `* \`${name}\`: ${what}`,
      ...needs.map(([words, expression]) => `  * ${words}: ${code(expression)}`),
    ]),
    "",
    "## Kernels",
    ...kernelsOf(from).flatMap(([name, kernel]) => [
      "",
      `### ${name} (${kernel.number})`,
      "",
      "```text",
      ...kernel.formula.flatMap((formula) => wrap(formula, WIDTH)),
      "```",
      "",
      ...(kernel.notes ? [...wrap(kernel.notes, WIDTH), ""] : []),
      `* In \`assembly/kernels/${fileOf(name, kernel)}.ts\`. Row units: ${kernel.units}.`,
      `* Error: ${kernel.error}.`,
      ...item(
        `Reads, as the record has them: ${FIELDS.map(([field]) => field)
          .filter((field) => kernel.reads[field] === "")
          .join(", ")}.`,
      ),
      ...(kernel.flags ? item(`Flags: ${kernel.flags.join(", ")}.`) : []),
      ...(kernel.inPlace ? ["* The output may be an input, byte for byte."] : []),
      ...(kernel.streams ? [`* Computed while x comes in: ${STREAMS[kernel.streams]}.`] : []),
      ...(kernel.unitBytes
        ? [`* Bytes of the output in a unit: ${kernel.unitBytes}, of the last one what is left.`]
        : []),
      ...(kernel.planned === false ? ["* No plan may use it."] : []),
      ...(kernel.aligned.length > 0 ? [`* On multiples of ALIGN: ${kernel.aligned.join(", ")}.`] : []),
      ...(kernel.packs ? [`* Weights are packed by ${kernel.packs.join(", ")}.`] : []),
      "",
      ...rows(
        ["Field", "Meaning"],
        FIELDS.filter(([field]) => kernel.reads[field]).map(([field]) => [field, bounded(kernel.reads[field])]),
      ),
      "",
      ...rows(
        ["Bytes", ""],
        Object.entries(kernel.extents).map(([key, expression]) => [key, code(expression)]),
      ),
      "",
      "Needs:",
      "",
      ...needed(needsOf({ GROUPS, PREDICATES }, kernel.needs)),
    ]),
  ];
  return ended(lines);
}
