import { classify, load } from "sepconv";

const net = load(new URL("../assets/colors.tflite", import.meta.url));
self.onmessage = async ({ data }) => {
  const { classes } = await classify(await net, data);
  self.postMessage(classes[0].label);
};
