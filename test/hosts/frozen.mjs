/** Frozen networks where the rest of the package is not: their own kernels, the same bits. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answersIn } from "./browser.mjs";
import { ASSETS, bin, Missing, node, project, ROOT, run, tools } from "./tools.mjs";
import { served } from "./workerd.mjs";

/** Models and photographs that lie beside the project, where there are any. */
const SHARED = join(ROOT, "../shared");

/** Makes the frozen file and what it must answer: by the package, in Node. */
const FREEZE = `
import { freeze, load } from "sepconv";
import { writeFileSync } from "node:fs";
const net = await load(${JSON.stringify(join(ASSETS, "colors.tflite"))}, { variant: process.argv[2] });
writeFileSync("network.wasm", await freeze(net, { variant: process.argv[2] }));
const [{ shape, dtype }] = net.inputs;
const length = shape.reduce((product, size) => product * size, 1);
const x = dtype === "float32" ? Float32Array.from({ length }, (_, i) => Math.sin(i)) : new (dtype === "int8" ? Int8Array : Uint8Array)(length).map((_, i) => i * 37);
writeFileSync("pixels.raw", x);
const { output } = net.run(x);
console.log(JSON.stringify({ output: [...output], best: output.indexOf(Math.max(...output)) }));`;

/** What any JavaScript host runs: the loader and the file. */
const ANSWER = `
export async function answer(frozen, source, pixels) {
  const net = await frozen(source);
  const { dtype } = net.inputs[0];
  const Array = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array }[dtype];
  return [...net.run(new Array(pixels)).output];
}`;

async function made(name, variant = "simd") {
  const folder = await project(`frozen-${name}`, undefined, { "freeze.mjs": FREEZE, "answer.mjs": ANSWER });
  const right = JSON.parse(await node(["freeze.mjs", variant], { cwd: folder }));
  cpSync(join(folder, "node_modules/sepconv/dist/frozen.js"), join(folder, "frozen.mjs"));
  return { folder, right };
}

function same(where, got, right) {
  if (JSON.stringify(got) !== JSON.stringify(right)) {
    throw new Error(`${where}: expected ${JSON.stringify(right)}, got ${JSON.stringify(got)}`);
  }
}

const PROGRAM = `
import { readFileSync } from "node:fs";
import { frozen } from "./frozen.mjs";
import { answer } from "./answer.mjs";
const bytes = (name) => new Uint8Array(readFileSync(new URL(name, import.meta.url)));
console.log(JSON.stringify(await answer(frozen, bytes("network.wasm"), bytes("pixels.raw").buffer)));`;

async function ofProgram(name, command, flags = []) {
  const { folder, right } = await made(name);
  writeFileSync(join(folder, "program.mjs"), PROGRAM);
  same(name, JSON.parse(await run(command, [...flags, "program.mjs"], { cwd: folder })), right.output);
}

async function available(command, package_) {
  await run("bash", ["-c", `command -v ${command}`], { cwd: ROOT }).catch(() => {
    throw new Missing(`expected ${command} (Debian's ${package_})`);
  });
}

/** Person or no person: the native program says of each photograph what the session says. */
async function classifiesPhotographs(folder) {
  const model = join(SHARED, "models/vww_96_int8.tflite");
  if (!existsSync(model)) {
    console.log("  photographs: left out, the models beside the project are not here");
    return;
  }
  const photographs = readdirSync(join(SHARED, "images")).map((name) => join(SHARED, "images", name));
  writeFileSync(
    join(folder, "photographs.mjs"),
    `import { freeze, load, sessionInput } from "sepconv";
    import { writeFileSync } from "node:fs";
    const net = await load(${JSON.stringify(model)}, { variant: "scalar" });
    writeFileSync("network.wasm", await freeze(net, { variant: "scalar" }));
    const answers = [];
    for (const [i, photograph] of ${JSON.stringify(photographs)}.entries()) {
      const input = await sessionInput(net, photograph, { normalization: { mean: 0, std: 255 } });
      const pixels = ArrayBuffer.isView(input) ? input : Object.values(input)[0];
      writeFileSync("photograph" + i + ".raw", pixels);
      const { output } = net.run(pixels);
      answers.push(output.indexOf(Math.max(...output)));
    }
    console.log(JSON.stringify(answers));`,
  );
  const at = { cwd: folder };
  const right = JSON.parse(await node(["photographs.mjs"], at));
  await run("bash", ["-c", COMPILE], at);
  for (const [i, best] of right.entries()) {
    const said = await run("bash", ["-c", `./classify < photograph${i}.raw`], at);
    console.log(`  ${photographs[i].split("/").at(-1)}: ${said} (${["no person", "person"][best]})`);
    if (Number(said.split(" ")[0]) !== best) throw new Error(`${photographs[i]}: expected class ${best}, got ${said}`);
  }
}

/** A photograph's pixels go straight in: the program resizes and normalizes them by what is in the module. */
async function takesPixels(folder) {
  writeFileSync(
    join(folder, "camera.mjs"),
    `import { classify, decodeImage, freeze, load } from "sepconv";
    import { readFileSync, writeFileSync } from "node:fs";
    const net = await load(${JSON.stringify(join(ASSETS, "colors.tflite"))}, { variant: "scalar" });
    const picture = await decodeImage(readFileSync(${JSON.stringify(join(ASSETS, "picture.jpg"))}));
    const { width, height, data } = picture;
    writeFileSync("network.wasm", await freeze(net, { variant: "scalar", image: { format: "rgba8", width, height } }));
    writeFileSync("picture.raw", data);
    const { classes: [{ index, score }] } = await classify(net, picture);
    console.log(index + " " + score.toFixed(6));`,
  );
  const at = { cwd: folder };
  const right = await node(["camera.mjs"], at);
  await run("bash", ["-c", COMPILE], at);
  const said = await run("bash", ["-c", "./classify < picture.raw"], at);
  if (said !== right) throw new Error(`a picture's pixels: expected ${right}, got ${said}`);
}

/** The commands of examples/frozen-c, warnings being errors in what is not generated. */
const COMPILE = `set -e
wasm2c network.wasm -n network -o network.c
cc -std=c99 -Wall -Wextra -Werror -O2 -c classify.c -o classify.o
cc -O2 -I/usr/share/wabt/wasm2c network.c /usr/share/wabt/wasm2c/wasm-rt-impl.c classify.o -lm -o classify`;

export const frozen = [
  { name: "Frozen in Node", answers: () => ofProgram("node", process.execPath) },
  {
    name: "Frozen in Deno",
    answers: async () =>
      ofProgram("deno", bin(await tools("deno", ["deno@2"]), "deno"), ["run", "--quiet", "--allow-read"]),
  },
  { name: "Frozen in Bun", answers: async () => ofProgram("bun", bin(await tools("bun", ["bun@1"]), "bun")) },
  {
    name: "Frozen in Chromium",
    async answers() {
      const { folder, right } = await made("chromium");
      writeFileSync(
        join(folder, "index.html"),
        `<!doctype html><script type="module">
          import { frozen } from "./frozen.mjs";
          import { answer } from "./answer.mjs";
          const pixels = await (await fetch("pixels.raw")).arrayBuffer();
          globalThis.answers = { page: await answer(frozen, "network.wasm", pixels), response: await answer(frozen, fetch("network.wasm"), pixels) };
        </script>`,
      );
      for (const [where, each] of Object.entries(await answersIn(folder))) same(where, each, right.output);
    },
  },
  {
    name: "Frozen in workerd",
    async answers() {
      const { folder, right } = await made("workerd");
      // One script, as wrangler would make of the two.
      const loader = readFileSync(join(folder, "frozen.mjs"), "utf8");
      const script = `${loader.replace(/export\s*\{\s*(\w+)(?: as frozen)?\s*\};?/, (_, own) => (own === "frozen" ? "" : `const frozen = ${own};`))}
        ${ANSWER.replace("export ", "")}
        import network from "network.wasm";
        const pixels = Uint8Array.from(atob("${readFileSync(join(folder, "pixels.raw"), "base64")}"), (c) => c.charCodeAt(0)).buffer;
        export default { async fetch() {
          try { return new Response(JSON.stringify(await answer(frozen, network, pixels))); }
          catch (error) { return new Response(String(error.stack)); }
        } };`;
      writeFileSync(join(folder, "bundle.mjs"), script);
      const wasm = [{ name: "network.wasm", path: "network.wasm" }];
      same("workerd", JSON.parse(await served(folder, {}, undefined, wasm)), right.output);
    },
  },
  {
    name: "Frozen as a program in C",
    async answers() {
      await available("wasm2c", "wabt");
      await available("cc", "gcc");
      const { folder, right } = await made("c", "scalar");
      cpSync(join(ROOT, "examples/frozen-c/classify.c"), join(folder, "classify.c"));
      cpSync(join(folder, "node_modules/sepconv/frozen/sepconv_frozen.h"), join(folder, "sepconv_frozen.h"));
      const at = { cwd: folder };
      await run("bash", ["-c", COMPILE], at);
      const said = await run("bash", ["-c", "./classify < pixels.raw"], at);
      if (Number(said.split(" ")[0]) !== right.best) throw new Error(`expected class ${right.best}, got ${said}`);
      const short = await run("bash", ["-c", "head -c 5 pixels.raw | ./classify || echo refused"], at);
      if (!short.endsWith("refused")) throw new Error(`expected five bytes to be refused, got ${short}`);
      await takesPixels(folder);
      await classifiesPhotographs(folder);
    },
  },
  {
    name: "Frozen in Wasmtime",
    optional: true,
    async answers() {
      const { folder, right } = await made("wasmtime");
      const site = join(folder, "python");
      await run("python3", ["-m", "pip", "install", "--quiet", "--target", site, "wasmtime"], { cwd: folder }).catch(
        (error) => {
          throw new Missing(`expected pip to install wasmtime: ${error.message.slice(0, 200)}`);
        },
      );
      writeFileSync(join(folder, "program.py"), readFileSync(join(ROOT, "test/hosts/frozen.py"), "utf8"));
      const said = await run("python3", ["program.py"], { cwd: folder, env: { PYTHONPATH: site } });
      same("wasmtime", JSON.parse(said), right.output);
    },
  },
];
