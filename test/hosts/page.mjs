/**
 * The web page of `demo/`, built with the packed package, in Chromium: with a picture and with a camera that is a film,
 * by keyboard, on a phone's screen, without a network; and what it says where something is missing.
 */
import { cpSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { launch, serve } from "./browser.mjs";
import { ASSETS, bin, project, ROOT, run, tools } from "./tools.mjs";
import { writeVideo } from "./video.mjs";

const HEADERS = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
const FACES = 4;
/** What a worker is made to throw. */
const PROVOKED = "out of luck";

let built;

/** The page as it is built, the folder of its tools, and a film; made once. */
function page() {
  built ??= (async () => {
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, "demo/package.json"), "utf8"));
    const tool = await tools(
      "page",
      Object.entries(devDependencies).map(([name, version]) => `${name}@${version}`),
      ["--ignore-scripts", "--legacy-peer-deps"],
    );
    const cwd = await project("page", tool);
    // tsconfig.json extends the one above it, which a project of one's own does not have.
    const filter = (file) => !/demo\/(node_modules|dist|public\/models|tsconfig\.json)/.test(file);
    cpSync(join(ROOT, "demo"), cwd, { recursive: true, filter });
    await run(bin(tool, "vite"), ["build"], { cwd });
    const film = join(cwd, "film.y4m");
    await writeVideo(join(tool, "node_modules/@vladmandic/face-api/demo/sample6.jpg"), film);
    return { folder: join(cwd, "dist"), film };
  })();
  return built;
}

/** Chromium with the page opened, for a test of it. */
async function opened(test, { flags = [], context: options = {}, query = "" } = {}) {
  const { folder, film } = await page();
  const server = await serve(folder, HEADERS);
  const browser = await launch(flags.map((flag) => flag.replace("FILM", film)));
  const told = [];
  let tab;
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    tab = await context.newPage();
    tab.on("console", (message) => told.push(message.text()));
    tab.on("pageerror", (error) => told.push(`uncaught ${error.message}`));
    await tab.goto(server.url + query);
    await test(tab, { server, context });
    const uncaught = told.filter((text) => text.startsWith("uncaught") && !text.includes(PROVOKED));
    if (uncaught.length > 0) throw new Error(uncaught.join("\n"));
  } catch (error) {
    const shown = await tab?.evaluate(() => document.body.textContent.replace(/\s+/g, " ").slice(0, 600)).catch(String);
    throw new Error(`${error.message}\nthe page said: ${told.join("\n")}\nand showed: ${shown}`);
  } finally {
    await browser.close();
    server.close();
  }
}

function expectThat(what, holds, got) {
  if (!holds) throw new Error(`expected ${what}, got ${typeof got === "string" ? got : JSON.stringify(got)}`);
}

/** Waits until an element says something. */
async function says(tab, selector, pattern, timeout = 20_000) {
  const test = ([selector, source]) => new RegExp(source).test(document.querySelector(selector)?.textContent ?? "");
  await tab.waitForFunction(test, [selector, pattern.source], { timeout }).catch(async () => {
    const text = await tab.evaluate((selector) => document.querySelector(selector)?.textContent, selector);
    throw new Error(`${selector}: expected ${pattern}, got ${text}`);
  });
}

const notice = (topic) => `[data-topic="${topic}"]`;
const firstBox = (tab) =>
  tab
    .waitForFunction(() => performance.getEntriesByName("first box")[0]?.startTime, undefined, { timeout: 60_000 })
    .then((handle) => handle.jsonValue());
const CAMERA = ["--use-fake-device-for-media-stream=fps=60", "--use-file-for-fake-video-capture=FILM"];
const ALLOWED = { permissions: ["camera"] };

/** What axe finds, in the words of its rules. */
async function violations(tab) {
  const folder = await tools("axe", ["axe-core@4"]);
  const source = readFileSync(createRequire(join(folder, "x.js")).resolve("axe-core/axe.min.js"), "utf8");
  await tab.evaluate(source);
  const found = await tab.evaluate(() => globalThis.axe.run());
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(" ")}`);
}

export const pages = [
  {
    name: "Page: a picture, at once",
    async answers() {
      const times = [];
      for (let i = 0; i < 3; i++) await opened(async (tab) => void times.push(await firstBox(tab)));
      const [, median] = times.sort((a, b) => a - b);
      console.log(`  first box after ${times.map((ms) => ms.toFixed(0)).join(", ")} ms`);
      expectThat("a first box within a second", median < 1000, times);
      await opened(async (tab) => {
        await says(tab, "#seen-note", new RegExp(`^${FACES} faces found`));
        await says(tab, "#spoken", new RegExp(`^${FACES} faces, \\d+ %`));
        await says(tab, "#kernels-note", /simd is \d+\.\d times as fast as scalar/);
        const painted = await tab.evaluate(() => {
          const canvas = document.querySelector("#overlay");
          return canvas
            .getContext("2d")
            .getImageData(0, 0, canvas.width, canvas.height)
            .data.some((byte) => byte > 0);
        });
        expectThat("boxes over the picture", painted, painted);
        await tab.waitForSelector("#layers tbody tr");
        const rows = await tab.locator("#layers tbody tr").count();
        expectThat("a row for each layer", rows > 30, rows);
        const parts = await tab.locator("#memory dd").allTextContents();
        expectThat(
          "four parts of the memory",
          parts.length === 4 && parts.every((text) => / [KM]B$/.test(text)),
          parts,
        );
        for (const colorScheme of ["light", "dark"]) {
          await tab.emulateMedia({ colorScheme });
          const found = await violations(tab);
          expectThat(`nothing that axe finds, ${colorScheme}`, found.length === 0, found);
        }
      });
    },
  },
  {
    name: "Page: by keyboard, and on a phone's screen",
    async answers() {
      const stop = () => {
        const { id, name, value, className, type } = document.activeElement;
        return id || (type === "radio" ? `${name} ${value}` : className);
      };
      const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
      await opened(
        async (tab) => {
          await firstBox(tab);
          // Rows that scroll are a stop as well.
          await tab.waitForSelector("#layers tbody tr");
          const stops = [];
          for (let i = 0; i < 9; i++) {
            await tab.keyboard.press("Tab");
            stops.push(await tab.evaluate(stop));
          }
          const order = ["camera", "choose", "example", "network faces", "class-name", "add"];
          const expected = [
            ...order,
            `variant ${await tab.locator("#kernels :checked").inputValue()}`,
            "scroll",
            "theme",
          ];
          expectThat(`focus in the order ${expected}`, `${stops}` === `${expected}`, stops);
          await tab.locator("#networks input").first().focus();
          await tab.keyboard.press("ArrowRight");
          await says(tab, "#seen-note", /nobody trained it/);
          for (const wide of [360, 768, 1280]) {
            await tab.setViewportSize({ width: wide, height: 740 });
            const across = await tab.evaluate(() => document.documentElement.scrollWidth);
            expectThat(`a page of ${wide} pixels`, across <= wide, across);
          }
        },
        { context: phone },
      );
    },
  },
  {
    name: "Page: a camera, 30 frames a second",
    async answers() {
      await opened(
        async (tab) => {
          await firstBox(tab);
          await tab.click("#camera");
          await says(tab, "#rate", /frames\/s/);
          await says(tab, "#seen-note", /[1-9] faces? found/);
          await tab.check('#networks [value="mobilenet"]', { force: true });
          await says(tab, "#seen-note", /nobody trained it/);
          await says(tab, "#kernels-note", /simd is/);
          await tab.check('#kernels [value="simd"]');
          await says(tab, "#facts", /^simd/);
          const rates = [];
          for (let i = 0; i < 3; i++) {
            const before = await tab.evaluate(() => Number(document.documentElement.dataset.frames));
            const start = performance.now();
            await tab.waitForTimeout(2000);
            const after = await tab.evaluate(() => Number(document.documentElement.dataset.frames));
            rates.push(((after - before) * 1000) / (performance.now() - start));
          }
          console.log(
            `  MobileNet v1 0.25_128, simd: ${rates.map((rate) => rate.toFixed(1)).join(", ")} frames a second`,
          );
          expectThat("30 frames a second", Math.max(...rates) >= 30, rates);
          await tab.fill("#class-name", "people");
          for (let i = 0; i < 2; i++) await tab.click("#add");
          await says(tab, "#taught", /people 2/);
          // In the background nothing is asked; when it comes back, it goes on.
          const hide = (state) =>
            tab.evaluate((state) => {
              Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
              Object.defineProperty(document, "hidden", { configurable: true, get: () => state === "hidden" });
              dispatchEvent(new Event("visibilitychange"));
            }, state);
          const count = () => tab.evaluate(() => Number(document.documentElement.dataset.frames));
          await hide("hidden");
          await tab.waitForTimeout(200);
          const still = await count();
          await tab.waitForTimeout(500);
          expectThat("no frames in the background", (await count()) === still, (await count()) - still);
          await hide("visible");
          await tab.waitForFunction((still) => Number(document.documentElement.dataset.frames) > still, still);
          await tab.click("#camera");
          expectThat("a camera that was stopped", await tab.isVisible("#picture"), "video");
        },
        { flags: CAMERA, context: ALLOWED },
      );
    },
  },
  {
    name: "Page: files of one's own, and classes that are taught",
    async answers() {
      await opened(async (tab) => {
        await firstBox(tab);
        const files = (names) => tab.setInputFiles("#files", names);
        await files([join(ASSETS, "colors.tflite")]);
        await files([join(ASSETS, "picture.jpg")]);
        await says(tab, "#seen", /^blue/);
        await says(tab, "#facts", /KB|MB/);
        // Classes of what the network sees: two pictures, and one of them again.
        await tab.check('#networks [value="faces"]', { force: true });
        const show = async (example) => {
          if (example) await tab.click("#example");
          else await files([join(ASSETS, "picture.jpg")]);
          await says(tab, "#seen-note", example ? new RegExp(`^${FACES} faces`) : /^No faces/);
        };
        for (const [example, name] of [
          [true, "people"],
          [false, "blue"],
        ]) {
          await show(example);
          await tab.fill("#class-name", name);
          await tab.click("#add");
          await says(tab, "#taught", new RegExp(`${name} 1`));
        }
        await show(true);
        await says(tab, "#taught .best", /people/);
        const [saved] = await Promise.all([tab.waitForEvent("download"), tab.click("#save")]);
        await tab.click("#forget");
        await tab.waitForFunction(() => document.querySelector("#taught").children.length === 0);
        await files([await kept(saved)]);
        await says(tab, "#taught .best", /people/);
      });
    },
  },
  {
    name: "Page: without a network",
    async answers() {
      await opened(async (tab, { server }) => {
        await says(tab, "#facts", /works offline/);
        server.close();
        await fetch(server.url).then(
          () => expectThat("a server that is gone", false, "an answer"),
          () => {},
        );
        await tab.reload();
        await firstBox(tab);
        await says(tab, "#seen-note", new RegExp(`^${FACES} faces found`));
      });
    },
  },
  {
    name: "Page: what is missing, and what is wrong",
    async answers() {
      const camera = async (tab, pattern) => {
        await firstBox(tab);
        await tab.click("#camera");
        await says(tab, notice("camera"), pattern);
        expectThat("the picture, still", await tab.isVisible("#picture"), "nothing");
        await tab.click("#example");
        await says(tab, "#seen-note", new RegExp(`^${FACES} faces found`));
      };
      await opened((tab) => camera(tab, /There is no camera here/), { context: ALLOWED });
      await opened((tab) => camera(tab, /was not allowed/), { flags: [...CAMERA, "--deny-permission-prompts"] });
      await opened(async (tab) => {
        await firstBox(tab);
        const file = (name, text) => tab.setInputFiles("#files", { name, mimeType: "", buffer: Buffer.from(text) });
        await file("cat.heic", "no picture");
        await says(tab, notice("picture"), /cat\.heic: .*cannot show/);
        await file("broken.tflite", "x".repeat(4000));
        await says(tab, notice("model"), /broken\.tflite: .*expected/);
        await tab.check('#networks [value="faces"]', { force: true });
        await says(tab, "#seen-note", new RegExp(`^${FACES} faces found`));
        // A worker that fails, and one that is ended without a word.
        await tab.workers()[0].evaluate(() => {
          setTimeout(() => {
            throw new Error("out of luck");
          });
        });
        await says(tab, notice("worker"), /ended: .*Another was started/);
        await says(tab, "#seen-note", new RegExp(`^${FACES} faces found`));
        await tab.click(`${notice("worker")} .close`);
        await tab.workers()[0].evaluate(() => self.close());
        await tab.click("#example");
        await says(tab, notice("worker"), /answered nothing.*Another was started/, 30_000);
        await says(tab, "#seen-note", new RegExp(`^${FACES} faces found`));
      });
      await opened(
        async (tab) => {
          await firstBox(tab);
          await says(tab, notice("kernels"), /no WebAssembly SIMD: the scalar kernels run/);
          await says(tab, "#facts", /^scalar/);
          await says(tab, "#kernels-note", /no WebAssembly SIMD/);
          expectThat("simd that can't be chosen", await tab.isDisabled('#kernels [value="simd"]'), "one that can");
        },
        { flags: ["--js-flags=--no-enable-sse4-1"] },
      );
      await opened((tab) => says(tab, notice("kernels"), /no WebAssembly: it is switched off/), {
        flags: ["--js-flags=--jitless"],
      });
    },
  },
];

/** Where a download lies, under its own name. */
async function kept(download) {
  const file = join((await page()).folder, "..", download.suggestedFilename());
  await download.saveAs(file);
  return file;
}
