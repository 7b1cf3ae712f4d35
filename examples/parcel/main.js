const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
worker.onmessage = ({ data }) => {
  document.querySelector("#answer").textContent = data;
};
worker.postMessage(new URL("../assets/picture.jpg", import.meta.url).href);
