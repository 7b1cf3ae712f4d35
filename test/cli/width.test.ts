import { describe, expect, it } from "vitest";
import { blocks, shortened } from "../../src/cli/layers.ts";
import { printable } from "../../src/cli/output.ts";
import { left, right, table } from "../../src/cli/table.ts";
import { columnsOf, elide, TIED, width, wrap } from "../../src/cli/width.ts";
import { mobilenetV1 } from "../../src/models/mobilenet-v1.ts";

describe("width", () => {
  it.each([
    ["", 0],
    ["block0", 6],
    ["äöü", 3],
    ["a\u0308", 1],
    ["猫の層", 6],
    ["한국", 4],
    ["ﾊﾝｶｸ", 4],
    ["Ａ", 2],
    ["🐈", 2],
    ["👩‍👩‍👧", 2],
    ["│░█…→×", 6],
    [printable("a\x1b[2Jb"), 6],
  ])("of %j is %i", (text, columns) => {
    expect(width(text)).toBe(columns);
  });
});

describe("printable", () => {
  it("leaves letters of all kinds, and nothing that steers a terminal", () => {
    expect(printable("猫 é e\u0301 שלום 👩‍👩‍👧 …")).toBe("猫 é e\u0301 שלום 👩‍👩‍👧 …");
    expect(printable("a\x1b[2J\x07\r\n\u009b\u2028\u202eb\u2066c")).toBe("a�[2J������b�c");
  });
});

describe("elide", () => {
  it("keeps what fits, and both ends of what doesn't", () => {
    expect(elide("separable", 9)).toBe("separable");
    expect(elide("separable", 8)).toBe("sep…able");
    expect(elide("separable", 1)).toBe("…");
  });

  it("keeps the first of joined names whole, and alone where little else fits", () => {
    const name = "conv2d/Relu6;conv2d/BiasAdd;conv2d/Conv2D;bias";
    expect(elide(name, 40)).toBe("conv2d/Relu6;conv2d…d;conv2d/Conv2D;bias");
    expect(elide(name, 28)).toBe("conv2d/Relu6;…2d/Conv2D;bias");
    expect(elide(name, 20)).toBe("conv2d/Relu6;…");
    expect(elide(name, 10)).toBe("con…elu6;…");
  });

  it("never cuts a character, nor makes more of it than there is room for", () => {
    const text = "猫猫👩‍👩‍👧猫犬e\u0301e\u0301🐈犬犬".repeat(3);
    for (let most = 1; most < 40; most++) {
      const cut = elide(text, most);
      expect(width(cut)).toBeLessThanOrEqual(most);
      const [head = "", tail = ""] = cut.split("…");
      expect(text.startsWith(head) && text.endsWith(tail)).toBe(true);
      expect(tail).not.toMatch(/^[\u0301\u200d]/);
    }
  });
});

describe("wrap", () => {
  it("breaks at spaces only, under the indent, and not at tied ones", () => {
    expect(wrap("one two three", 8, 4)).toBe("one\n    two\n    three");
    expect(wrap("one two three", 8)).toBe("one two\nthree");
    expect(wrap(`1.09${TIED}MB = weights${TIED}843.9${TIED}KB`, 12)).toBe("1.09 MB =\nweights 843.9 KB");
    expect(wrap("one\ntwo three\n", 20)).toBe("one\ntwo three\n");
  });
});

describe("columnsOf", () => {
  it("asks the terminal, if it is one and knows", () => {
    const stream = (isTTY: boolean, columns: number) => columnsOf({ isTTY, columns } as NodeJS.WriteStream);
    expect([stream(true, 80), stream(true, 0), stream(true, 10), stream(false, 80)]).toEqual([80, 120, 40, 120]);
  });
});

describe("table", () => {
  const columns = [
    left("name", { elastic: true }),
    left("op", { spare: 1 }),
    right("n", { spare: 2 }),
    left("", { spare: 0 }),
  ];
  const rows = [
    ["model/first/second/third/fourth", "convolution", "1,000", "← most"],
    ["猫", "pool", "1", ""],
  ];

  it("lines columns up by the width that they have on a screen", () => {
    expect(table(columns, rows).split("\n")).toEqual([
      "name                             op               n",
      "model/first/second/third/fourth  convolution  1,000  ← most",
      "猫                               pool             1",
    ]);
  });

  it("cuts names first, then leaves columns out by their order", () => {
    const narrow = (room: number) => table(columns, rows, undefined, room).split("\n");
    expect(narrow(50)[1]).toBe("model/firs…hird/fourth  convolution  1,000  ← most");
    expect(narrow(40)[0]).toMatch(/^name +op$/);
    expect(narrow(24)[0]).toMatch(/^name$/);
    for (const room of [60, 50, 40, 30, 20]) {
      for (const line of narrow(room)) expect(width(line)).toBeLessThanOrEqual(room);
    }
  });

  it("takes many rows", () => {
    const many = Array.from({ length: 200_000 }, (_, i) => [String(i)]);
    expect(table([left("name")], many).length).toBeGreaterThan(1e6);
  });
});

describe("layers", () => {
  it("lose the scope that most of them share, in every part of a name", () => {
    expect(shortened(["m/a/x;m/a/y", "m/a/z", "m/b", "out"])).toEqual({
      scope: "m/",
      names: ["a/x;a/y", "a/z", "b", "out"],
    });
    expect(shortened(["m/m/x", "m/m/y", "m/m/z", "m/b", "out"])).toMatchObject({ scope: "m/m/" });
    expect(shortened(["m/", "m/x", "m/y"]).names).toEqual(["m/", "x", "y"]);
  });

  it("keep names that have nothing in common, and a single one", () => {
    for (const names of [["a/x", "b/x", "c"], ["a/x"], ["block0", "block1/depthwise", "block1"], []]) {
      expect(shortened(names)).toEqual({ scope: "", names });
    }
  });

  it("belong to the block on whose way they are", () => {
    const of = blocks(mobilenetV1({ alpha: 0.25, resolution: 32 }));
    expect(of.get("block0")).toBe("block0");
    expect(of.get("block1/depthwise")).toBe("block1");
    expect(of.get("block13")).toBe("block13");
    expect(of.get("softmax")).toBeUndefined();
    expect(blocks({ ...mobilenetV1(), endPoints: new Map() }).size).toBe(0);
  });
});
