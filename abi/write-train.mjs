/**
 * Writes both sides of the records of training: classes over linear memory, and offsets for the host.
 * @module
 */
import { MARK, pascal, upper } from "./text.mjs";

const RECORDS = { Step: "TRAIN_STEP", View: "TRAIN_VIEW", State: "TRAIN_STATE" };
const words = (name) => pascal(name.split("_"));

/** assembly/train/abi.ts */
export function trainAssembly(from) {
  const { TRAIN_ABI_VERSION, TRAIN_CURVES, TRAIN_FLAGS, TRAIN_KERNELS } = from;
  const lines = ["/**", ` * ${MARK}`, " *", " * The records of training. The table is `abi/train.mjs`.", " */"];
  for (const [record, table] of Object.entries(RECORDS)) {
    lines.push("", "@unmanaged", `export class ${record} {`);
    for (const [name, type, what] of from[table]) lines.push(`  /** ${what} */`, `  ${name}: ${type};`);
    lines.push("}");
  }
  lines.push("", "export namespace Kernel {");
  for (const [i, [name, what]] of TRAIN_KERNELS.entries()) {
    lines.push(`  /** ${what} */`, `  export const ${upper(name)}: i32 = ${i + 1};`);
  }
  lines.push("}", "", "export namespace Flag {");
  for (const [i, [name, what]] of TRAIN_FLAGS.entries()) {
    lines.push(`  /** ${what} */`, `  export const ${name}: i32 = ${1 << i};`);
  }
  lines.push("}", "", "export namespace Curve {");
  for (const [i, [name, what]] of TRAIN_CURVES.entries()) {
    lines.push(`  /** ${what} */`, `  export const ${name}: i32 = ${i + 1};`);
  }
  lines.push("}", "", `export const TRAIN_ABI_VERSION: i32 = ${TRAIN_ABI_VERSION};`);
  for (const [record, table] of Object.entries(RECORDS)) {
    lines.push(`export const ${upper(record)}_BYTES: i32 = ${4 * from[table].length};`);
  }
  return `${lines.join("\n")}\n`;
}

/** assembly/train/layout.ts */
export function trainLayout(from) {
  const lines = [
    ...[
      "/**",
      ` * ${MARK}`,
      " *",
      " * Offsets of the records' fields, for the debug build: tests compare them with the host's.",
      " */",
    ],
    `import { ${Object.keys(RECORDS).sort().join(", ")} } from "./abi";`,
    "",
  ];
  for (const [record, table] of Object.entries(RECORDS)) {
    for (const [name] of from[table]) {
      lines.push(`export const OFFSET_${record}_${name}: i32 = offsetof<${record}>("${name}");`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** src/train/abi.ts */
export function trainHost(from) {
  const { TRAIN_ABI_VERSION, TRAIN_ALIGN, TRAIN_CURVES, TRAIN_FLAGS, TRAIN_KERNELS, TRAIN_SLACK } = from;
  const lines = [
    ...[
      "/**",
      ` * ${MARK}`,
      " *",
      " * The records of training. The table is `abi/train.mjs`.",
      " * @module",
      " */",
      "",
    ],
    `export const TRAIN_ABI_VERSION = ${TRAIN_ABI_VERSION};`,
    "/** Alignment of everything that a record points at, in bytes. */",
    `export const ALIGN = ${TRAIN_ALIGN};`,
    "/** Bytes behind a tensor that kernels may read. */",
    `export const SLACK = ${TRAIN_SLACK};`,
    "",
    "/** Kernels by number. */",
    "export const KERNELS = {",
    ...TRAIN_KERNELS.flatMap(([name, what], i) => [`  /** ${what} */`, `  ${name}: ${i + 1},`]),
    "} as const;",
    "",
    "/** Functions of the kernel `curve`. */",
    "export const CURVES = {",
    ...TRAIN_CURVES.flatMap(([name, what], i) => [`  /** ${what} */`, `  ${name}: ${i + 1},`]),
    "} as const;",
    "",
    "/** Bits of a step's flags. */",
    "export const FLAGS = {",
    ...TRAIN_FLAGS.flatMap(([name, what], i) => [`  /** ${what} */`, `  ${name}: ${1 << i},`]),
    "} as const;",
  ];
  for (const [record, table] of Object.entries(RECORDS)) {
    lines.push("", `/** Fields of the record \`${words(record)}\` in their order; four bytes each. */`);
    lines.push(`export const ${upper(record)} = {`);
    for (const [name, type, what] of from[table]) {
      lines.push(`  /** ${what} */`, `  ${name}: "${type === "f32" ? "f32" : "i32"}",`);
    }
    lines.push("} as const;");
    lines.push(`export const ${upper(record)}_BYTES = ${4 * from[table].length};`);
  }
  return `${lines.join("\n")}\n`;
}
