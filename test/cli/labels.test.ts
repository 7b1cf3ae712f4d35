import { describe, expect, it } from "vitest";
import { parseLabels } from "../../src/cli/labels.ts";
import { FormatError } from "../../src/errors.ts";

const parse = (text: string) => parseLabels(new TextEncoder().encode(text), "labels.txt");

describe("labels", () => {
  it.each([
    ["one a line", "cat\ndog\n", ["cat", "dog"]],
    ["without a last line break", "cat\ndog", ["cat", "dog"]],
    ["with Windows line breaks and a byte order mark", "\uFEFFcat\r\ndog\r\n", ["cat", "dog"]],
    ["with a class that has no name", "cat\n\ndog\n\n", ["cat", "", "dog"]],
    ["with a first class that has no name", "\ncat\n", ["", "cat"]],
    ["as a JSON array", '["cat", "a [dog]"]', ["cat", "a [dog]"]],
    ["beginning with a bracket, but no JSON array", "[background]\ncat\n", ["[background]", "cat"]],
  ])("are read %s", (_, text, labels) => {
    expect(parse(text)).toEqual(labels);
  });

  it.each([
    ["only empty lines", "\n\n", /got none/],
    ["an empty array", "[]", /got none/],
    ["an array of other things", '["cat", 3]', /number at index 1/],
    ["a damaged array", '["cat", "dog"', /JSON array/],
  ])("are refused: %s", (_, text, words) => {
    expect(() => parse(text)).toThrow(FormatError);
    expect(() => parse(text)).toThrow(words);
  });

  it("are refused when they are no text", () => {
    expect(() => parseLabels(Uint8Array.of(0xff, 0xfe, 0x00), "labels.txt")).toThrow(/^labels\.txt: .*UTF-8/);
  });
});
