/** Keeps the page for times without a network, where it was built; Vite's own server keeps nothing. */

/** @param ready is told once everything is kept */
export async function keepOffline(ready: () => void): Promise<void> {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("./service.js");
    await navigator.serviceWorker.ready;
    ready();
  } catch (error) {
    console.warn("the page is not kept for offline use:", error);
  }
}
