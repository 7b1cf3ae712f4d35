const { classify, load } = require("sepconv");

test("the picture is blue", async () => {
  const net = await load("../assets/colors.tflite");
  const { classes } = await classify(net, "../assets/picture.jpg");
  expect(classes[0].label).toBe("blue");
});
