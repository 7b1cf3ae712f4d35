import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { bmp, networkFile } from "./pictures.ts";
import { failure, json, scratchFolder, sepconv } from "./sepconv.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const folder = scratchFolder();
const at = (name: string) => join(folder, name);
const has = (shell: string) => spawnSync(shell, ["-c", "exit 0"]).status === 0;

beforeAll(async () => {
  writeFileSync(at("silent.tflite"), await networkFile(false));
  writeFileSync(at("1.bmp"), bmp(40, 24, 1));
});

describe("completion", () => {
  it.skipIf(!has("bash"))("completes in bash: commands, options, what an option may be, names of models", async () => {
    writeFileSync(at("c.bash"), (await sepconv("completion", "bash")).stdout);
    const completed = (...words: string[]) =>
      execFileSync(
        "bash",
        [
          "-c",
          `source "$0"; COMP_WORDS=(sepconv "$@"); COMP_CWORD=${words.length}; _sepconv; printf '%s\\n' "\${COMPREPLY[@]}"`,
          at("c.bash"),
          ...words,
        ],
        { encoding: "utf8", cwd: folder },
      )
        .trim()
        .split("\n");
    expect(completed("cl")).toEqual(["classify"]);
    expect(completed("")).toEqual(expect.arrayContaining(["info", "embed", "completion", "--help"]));
    expect(completed("classify", "m.tflite", "--js")).toEqual(["--json"]);
    expect(completed("classify", "m.tflite", "--fit", "")).toEqual(["stretch", "cover", "contain"]);
    expect(completed("classify", "mobilenet_v1_0.25_128_q")).toEqual(["mobilenet_v1_0.25_128_quant"]);
    expect(completed("info", "sil")).toEqual(["silent.tflite"]);
  });

  it.each(["zsh", "fish"])("has a script for %s, with every command", async (shell) => {
    const { stdout } = await sepconv("completion", shell);
    for (const name of ["info", "classify", "embed", "bench"]) expect(stdout).toContain(name);
    if (!has(shell)) return console.info(`not run: there is no ${shell} here`);
    writeFileSync(at(shell), stdout);
    execFileSync(shell, ["-n", at(shell)]);
  });

  it("refuses other shells", async () => {
    expect(await failure("completion", "tcsh")).toMatch(/bash, zsh, fish/);
  });
});

describe("stdin and --quiet", () => {
  const piped = (input: Uint8Array, ...args: string[]) =>
    spawnSync(process.execPath, [MAIN, ...args], {
      input,
      encoding: "utf8",
      env: { ...process.env, NODE_OPTIONS: "" },
    });

  it("reads a picture, or a model, that is called -", async () => {
    const file = (await json("classify", at("silent.tflite"), at("1.bmp"), "--range", "[0,1]")) as {
      classes: object;
    }[];
    const picture = piped(
      readFileSync(at("1.bmp")),
      "classify",
      at("silent.tflite"),
      "-",
      "--range",
      "[0,1]",
      "--json",
    );
    expect(picture.stderr).toBe("");
    expect(JSON.parse(picture.stdout)).toMatchObject([{ image: "-", classes: file[0]!.classes }]);
    const model = piped(readFileSync(at("silent.tflite")), "info", "-", "--json");
    expect([model.status, model.stderr]).toEqual([0, ""]);
    expect(piped(new Uint8Array(), "info", "-").stderr).toMatch(/stdin: expected a file, got 0 bytes/);
  });

  it("says nothing by the way, but errors", async () => {
    const { stderr, code } = await sepconv("classify", at("silent.tflite"), at("1.bmp"), "--quiet");
    expect([code, stderr]).toEqual([0, ""]);
    expect(await failure("classify", at("silent.tflite"), at("none.bmp"), "--quiet")).toMatch(/none\.bmp/);
  });
});
