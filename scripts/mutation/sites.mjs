/**
 * Where a source can be changed so that it does something else, and where it branches. All changes stand in one text,
 * each behind a condition that a number switches on: one build, or one bundle, serves all of them.
 * @module
 */
import { parseAst } from "rolldown/parseAst";

const SWAPS = {
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "==": ["!="],
  "!=": ["=="],
  "===": ["!=="],
  "!==": ["==="],
  "&&": ["||"],
  "||": ["&&"],
  "??": ["&&"],
  "&": ["|"],
  "|": ["&"],
  "^": ["&"],
  "<<": [">>"],
  ">>": ["<<"],
  ">>>": ["<<"],
  "+=": ["-="],
  "-=": ["+="],
  "*=": ["/="],
  "/=": ["*="],
  "|=": ["&="],
  "&=": ["|="],
  "++": ["--"],
  "--": ["++"],
};
const CALLS = { min: "max", max: "min", floor: "ceil", ceil: "floor", some: "every", every: "some" };

/** Decorators of AssemblyScript's functions, which the parser does not know: blanks of the same length. */
const readable = (text) =>
  text.replace(/^@(?:inline|lazy|unmanaged|global|unsafe)\b/gm, (word) => " ".repeat(word.length));

/** Children of a node, types aside. */
function* childrenOf(node) {
  for (const [key, value] of Object.entries(node)) {
    if (key === "typeAnnotation" || key === "typeArguments" || key === "typeParameters" || key === "returnType")
      continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child && typeof child.type === "string" && !/^TS(Type|Interface|Enum)(?!Assertion)/.test(child.type))
        yield child;
    }
  }
}

const isFunction = ({ type }) => /^(Function|Arrow|Method)/.test(type);

/**
 * The changes to a source inside of its functions: `start` and `end` of what is replaced, by what, in which line. What
 * is computed once, when a module is made, is left alone.
 * @param {{ still?: RegExp }} options `still`: conditions that are decided when the source is compiled
 */
export function mutantsOf(text, { still } = {}) {
  const { body } = parseAst(readable(text), { lang: "ts" });
  const source = (node) => text.slice(node.start, node.end);
  /** An operand, in parentheses where it has parts that others might take. */
  const part = (node) =>
    /^(Binary|Logical|Conditional|Arrow|Assignment|TS)/.test(node.type) ? `(${source(node)})` : source(node);
  const found = [];
  const add = (node, replacement, what) => {
    const line = text.slice(0, node.start).split("\n").length;
    found.push({
      start: node.start,
      end: node.end,
      replacement,
      what: what ?? `${source(node)} → ${replacement}`,
      line,
    });
  };
  const walk = (node, inside, parent) => {
    const within = inside || isFunction(node);
    if (inside) {
      const { type, operator } = node;
      if (type === "BinaryExpression" || type === "LogicalExpression") {
        // Text that is put together is said to someone, and says nothing less when it is put together otherwise.
        const isText = operator === "+" && /^["'`]/.test(source(node.left));
        for (const other of isText || still?.test(source(node)) ? [] : (SWAPS[operator] ?? [])) {
          add(node, `${part(node.left)} ${other} ${part(node.right)}`);
        }
      } else if (type === "AssignmentExpression" && SWAPS[operator]) {
        for (const other of SWAPS[operator]) add(node, `${source(node.left)} ${other} ${part(node.right)}`);
      } else if (type === "UpdateExpression" && parent?.type !== "ForStatement") {
        for (const other of SWAPS[operator])
          add(node, node.prefix ? `${other}${source(node.argument)}` : `${source(node.argument)}${other}`);
      } else if (type === "UnaryExpression" && (operator === "!" || operator === "-" || operator === "~")) {
        if (!still?.test(source(node))) add(node, source(node.argument));
      } else if (type === "Literal" && typeof node.value === "number" && parent?.type !== "TSLiteralType") {
        add(
          node,
          node.value === 0
            ? "1"
            : /[.eE]/.test(node.raw) && !/^0x/.test(node.raw)
              ? `(${node.raw} * 2.0)`
              : `(${node.raw} + 1)`,
        );
        if (node.value === 1) add(node, "0");
      } else if (type === "Literal" && typeof node.value === "boolean") {
        add(node, String(!node.value));
      } else if (type === "CallExpression") {
        const { callee } = node;
        const name = callee.type === "MemberExpression" ? callee.property : callee;
        const other = Object.hasOwn(CALLS, name.name ?? "") ? CALLS[name.name] : undefined;
        if (other) add(node, `${text.slice(node.start, name.start)}${other}${text.slice(name.end, node.end)}`);
      }
      if (type === "IfStatement" || type === "ConditionalExpression") {
        if (!still?.test(source(node.test))) for (const value of ["true", "false"]) add(node.test, value);
      } else if (type === "WhileStatement" || type === "ForStatement") {
        if (node.test && !still?.test(source(node.test))) add(node.test, "false");
      } else if (type === "ExpressionStatement" && /^(Call|Await)/.test(node.expression.type)) {
        add(node.expression, "undefined", `${source(node.expression).slice(0, 80)} left out`);
      }
    }
    for (const child of childrenOf(node)) walk(child, within, node);
  };
  for (const node of body) walk(node, false, undefined);
  return found;
}

/** The text with all changes in it: `choose(number, changed, original)` writes the one or the other. */
export function withMutants(text, mutants, choose) {
  const at = (from, to, list) => {
    const inner = list.filter(({ start, end }) => start >= from && end <= to);
    let [result, position] = ["", from];
    while (inner.length > 0) {
      // The outermost one that begins first, and all that replace the same.
      const first = inner.reduce((a, b) => (b.start < a.start || (b.start === a.start && b.end > a.end) ? b : a));
      const same = inner.filter(({ start, end }) => start === first.start && end === first.end);
      const below = inner.filter((each) => !same.includes(each) && each.end <= first.end);
      result += text.slice(position, first.start);
      let expression = at(first.start, first.end, below);
      for (const { number, replacement } of same) expression = choose(number, replacement, expression);
      result += expression;
      position = first.end;
      for (const each of [...same, ...below]) inner.splice(inner.indexOf(each), 1);
    }
    return result + text.slice(position, to);
  };
  return at(0, text.length, [...mutants]);
}

/**
 * Where a source of AssemblyScript can go one way or the other: the beginning of each function, of both ways of an
 * `if`, of each loop's body, of each case, and the parts of `a ? b : c`, `a && b`, `a || b`.
 */
export function branchesOf(text, { still } = {}) {
  const { body } = parseAst(readable(text), { lang: "ts" });
  const lineOf = (at) => text.slice(0, at).split("\n").length;
  const found = [];
  /**
   * `kind`: how a call is put there: before the statements of a block, around a statement, in an expression, as else.
   */
  const add = (kind, node, what) =>
    found.push({ kind, start: node.start, end: node.end, what, line: lineOf(node.start) });
  const statement = (node, what) => add(node.type === "BlockStatement" ? "block" : "statement", node, what);
  const walk = (node, inside) => {
    const { type } = node;
    if (isFunction(node) && node.body) add("block", node.body, `function ${node.id?.name ?? ""}`);
    if (inside) {
      if (type === "IfStatement") {
        statement(node.consequent, "if");
        if (node.alternate) {
          if (node.alternate.type !== "IfStatement") statement(node.alternate, "else");
        } else add("else", node, "if not");
      } else if (/^(For|While|DoWhile)Statement$/.test(type)) statement(node.body, "loop");
      else if (type === "SwitchCase" && node.consequent.length > 0) add("case", node.consequent[0], "case");
      else if (type === "ConditionalExpression" && !still?.test(text.slice(node.start, node.end))) {
        add("test", node.test, "?");
        add("otherwise", node.test, ":");
      } else if (type === "LogicalExpression" && !still?.test(text.slice(node.start, node.end))) {
        add("condition", node.right, node.operator);
      }
    }
    for (const child of childrenOf(node)) walk(child, inside || isFunction(node));
  };
  for (const node of body) walk(node, false);
  return found;
}

/** What stands around counted text, in the order in which it is put there: what lies within comes first. */
const AROUND = {
  else: (text, hit) => `${text} else { ${hit} }`,
  condition: (text, _, number) => `(passed(${number}) && (${text}))`,
  // A condition with two ways, whose numbers follow each other.
  test: (text, _, number) => `ways(${number}, !!(${text}))`,
  otherwise: (text) => text,
  statement: (text, hit) => `{ ${hit} ${text} }`,
  case: (text, hit) => `${hit} ${text}`,
  block: (text, hit) => `{ ${hit}${text.slice(1)}`,
};
const ORDER = Object.keys(AROUND);

/** The text with a counter in each of its branches. */
export function withCounters(text, branches) {
  const at = (from, to, list) => {
    let [result, position] = ["", from];
    let left = [...list];
    while (left.length > 0) {
      const { start, end } = left.reduce((a, b) =>
        b.start < a.start || (b.start === a.start && b.end > a.end) ? b : a,
      );
      const same = left.filter((each) => each.start === start && each.end === end);
      const inner = left.filter((each) => !same.includes(each) && each.start < end);
      let part = at(start, end, inner);
      for (const { kind, number } of same.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind)))
        part = AROUND[kind](part, `hit(${number});`, number);
      result += text.slice(position, start) + part;
      position = end;
      left = left.filter((each) => !same.includes(each) && !inner.includes(each));
    }
    return result + text.slice(position, to);
  };
  return at(0, text.length, branches);
}
