import { type Classification, classify, load } from "sepconv";

const net = await load("../assets/colors.tflite");
const { classes }: Classification = await classify(net, "../assets/picture.jpg");
console.log(classes[0]?.label);
