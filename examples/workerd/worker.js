import { classify, load } from "sepconv";
import model from "../assets/colors.tflite";

/** `POST` with a picture as body. */
export default {
  async fetch(request) {
    const net = await load(model);
    const { classes } = await classify(net, new Response(request.body));
    return Response.json(classes);
  },
};
