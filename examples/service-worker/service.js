import { classify, load } from "./sepconv.js";

const net = load("colors.tflite");
self.addEventListener("message", async ({ data, source }) => {
  const { classes } = await classify(await net, data);
  source.postMessage(classes[0].label);
});
