import { classify, load } from "sepconv";

load("colors.tflite")
  .then((net) => classify(net, "picture.jpg"))
  .then(({ classes }) => {
    document.querySelector("#answer").textContent = classes[0].label;
  });
