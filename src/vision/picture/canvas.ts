/** What is drawn on, in a worker or in a page. */
type Drawing = OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D;

/** Whether this host has something to draw on. */
export function draws(): boolean {
  return typeof OffscreenCanvas === "function" || typeof globalThis.document?.createElement === "function";
}

/** Something to draw on; undefined where there is none, or none of this size. */
export function drawing(width: number, height: number): Drawing | undefined {
  const settings = { willReadFrequently: true };
  try {
    if (typeof OffscreenCanvas === "function") {
      const context = new OffscreenCanvas(width, height).getContext("2d", settings);
      return (context as OffscreenCanvasRenderingContext2D | null) ?? undefined;
    }
    if (!draws()) return undefined;
    const canvas = Object.assign(globalThis.document.createElement("canvas"), { width, height });
    return (canvas.getContext("2d", settings) as CanvasRenderingContext2D | null) ?? undefined;
  } catch {
    return undefined;
  }
}
