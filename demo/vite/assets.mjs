/** Files of the page that come from packages, and are not in the repository: served, and written beside the page. */

/** @param {Record<string, () => string | Uint8Array>} files what is in them, by their names */
export function assets(files) {
  return {
    name: "assets",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const file = files[new URL(request.url, "http://host").pathname.slice(1)];
        if (file === undefined) return next();
        response.setHeader("content-type", "application/octet-stream");
        response.end(file());
      });
    },
    generateBundle() {
      for (const [fileName, read] of Object.entries(files)) {
        this.emitFile({ type: "asset", fileName, source: read() });
      }
    },
  };
}
