const { classify, load } = require("sepconv");

async function main() {
  const net = await load("../assets/colors.tflite");
  const { classes } = await classify(net, "../assets/picture.jpg");
  console.log(classes[0].label, classes[0].score);
}
main();
