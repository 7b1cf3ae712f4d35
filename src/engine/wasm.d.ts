/** What bundlers for workerd make of an imported file. */
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
