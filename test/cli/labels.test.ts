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
    ["beginning with a brace, but no JSON object", "{background}\ncat\n", ["{background}", "cat"]],
    ["as a JSON array behind a byte order mark", '\uFEFF["cat"]\r\n', ["cat"]],
    ["as a JSON object of indices", '{"1": "dog", "0": "cat"}', ["cat", "dog"]],
    ["as Keras's imagenet_class_index.json", '{"0": ["n1", "tench"], "1": ["n2", "goldfish"]}', ["tench", "goldfish"]],
    [
      "as Teachable Machine's metadata.json",
      '{"tfjsVersion": "1.3.1", "userMetadata": {}, "labels": ["Class 1", "Class 2"], "imageSize": 224}',
      ["Class 1", "Class 2"],
    ],
    ["with indices and spaces", "0 Class 1\n1 Class 2\n", ["Class 1", "Class 2"]],
    ["with indices and colons", "0: cat\r\n1:dog\r\n", ["cat", "dog"]],
    ["with indices and tabs", "\uFEFF0\tgreat white shark\n1\tray", ["great white shark", "ray"]],
    ["with indices padded by zeros and spaces", " 00  cat\n 01  dog", ["cat", "dog"]],
    ["with numbers that are no indices", "0 up\n7 up\n", ["0 up", "7 up"]],
    ["with indices from 1, which are not the classes'", "1 cat\n2 dog\n", ["1 cat", "2 dog"]],
    ["with a line that has no index", "0 cat\n1 dog\nfish\n", ["0 cat", "1 dog", "fish"]],
    ["that are numbers themselves", "0\n1\n2\n", ["0", "1", "2"]],
  ])("are read %s", (_, text, labels) => {
    expect(parse(text)).toEqual(labels);
  });

  it.each([
    ["only empty lines", "\n\n", /got none/],
    ["an empty array", "[]", /got none/],
    ["an array of other things", '["cat", 3]', /strings, got 3 at index 1/],
    ["a damaged array", '["cat", "dog"', /expected JSON, got/],
    ["an empty object", "{}", /got none/],
    ["a damaged object", '{"0": "cat"', /expected JSON, got/],
    ["an object with a hole", '{"0": "cat", "2": "dog"}', /"0" … "1" .*got nothing as "1"/],
    ["an object of other things", '{"0": "cat", "1": {}}', /got \{\} as "1"/],
    ["an object of other keys", '{"cat": 0, "dog": 1}', /got nothing as "0"/],
    ["an object with an inherited name", '{"constructor": "cat"}', /got nothing as "0"/],
    ["labels that are no array", '{"labels": "cat"}', /"labels" as a JSON array, got "cat"/],
    ["labels of other things", '{"labels": ["cat", null]}', /got null at index 1/],
    ["deep nonsense", `{"labels": ${"[".repeat(1000)}${"]".repeat(1000)}}`, /levels/],
  ])("are refused: %s", (_, text, words) => {
    expect(() => parse(text)).toThrow(FormatError);
    expect(() => parse(text)).toThrow(words);
    expect(() => parse(text)).toThrow(/^labels\.txt: [^\n]+$/);
  });

  it("are JSON whatever they look like in a file of that name", () => {
    expect(() => parseLabels(new TextEncoder().encode("cat\ndog"), "labels.json")).toThrow(/expected JSON/);
    expect(() => parseLabels(new TextEncoder().encode('"cat"'), "labels.json")).toThrow(/array or object, got "cat"/);
  });

  it("are refused when they are no text", () => {
    expect(() => parseLabels(Uint8Array.of(0xff, 0xfe, 0x00), "labels.txt")).toThrow(/^labels\.txt: .*UTF-8/);
  });
});
