import { frozen } from "sepconv/frozen";
import picture from "../assets/picture.jpg";
import model from "./colors.wasm";

const COLORS = ["red", "green", "blue", "white", "black"];

const net = await frozen(model);
const [, height, width] = net.inputs[0].shape;
const context = document.querySelector("canvas").getContext("2d");
context.drawImage(await createImageBitmap(await (await fetch(picture)).blob()), 0, 0, width, height);
const { output } = net.run(context.getImageData(0, 0, width, height).data);
document.querySelector("#answer").textContent = COLORS[output.indexOf(Math.max(...output))];
