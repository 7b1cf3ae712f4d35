import { frozen } from "sepconv/frozen";
import model from "./colors.wasm";

const COLORS = ["red", "green", "blue", "white", "black"];

/** `POST` with 96×64 pixels as body: bytes of red, green, blue and alpha. */
export default {
  async fetch(request) {
    const net = await frozen(model);
    const { output } = net.run(new Uint8Array(await request.arrayBuffer()));
    return Response.json(COLORS[output.indexOf(Math.max(...output))]);
  },
};
