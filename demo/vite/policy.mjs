/**
 * The page's content security policy: its own code, WebAssembly, workers from its own code, and nothing sent to others.
 * Models may be asked for by an address. Vite's server needs more, and has no policy.
 */
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "img-src 'self' blob:",
  "media-src 'self' blob: mediastream:",
  "connect-src 'self' https: blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export function policy() {
  return {
    name: "policy",
    apply: "build",
    transformIndexHtml: () => [
      { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
    ],
  };
}
