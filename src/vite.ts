/**
 * For Vite: `import model from "./person.wasm"`, where that is a frozen network, gives its address in the built page,
 * which `frozen` of `sepconv/frozen` takes.
 * @module
 */
import { readFile } from "node:fs/promises";

/** What Vite is given. */
export interface FrozenNetworksPlugin {
  readonly name: string;
  readonly enforce: "pre";
  load(id: string): Promise<string | undefined>;
}

/**
 * The plugin. Other modules of WebAssembly are none of its business.
 * @example
 * ```js
 * import { frozenNetworks } from "sepconv/vite";
 *
 * export default { plugins: [frozenNetworks()] };
 * ```
 */
export function frozenNetworks(): FrozenNetworksPlugin {
  return {
    name: "sepconv-frozen",
    enforce: "pre",
    load: async (id) => ((await isFrozen(id)) ? `export { default } from ${JSON.stringify(`${id}?url`)};` : undefined),
  };
}

async function isFrozen(id: string): Promise<boolean> {
  if (!id.endsWith(".wasm")) return false;
  // What cannot be read or compiled is for Vite to tell.
  const module = await readFile(id)
    .then((bytes) => WebAssembly.compile(bytes))
    .catch(() => undefined);
  return module !== undefined && WebAssembly.Module.customSections(module, "sepconv").length > 0;
}
