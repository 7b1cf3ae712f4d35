import { classify, load } from "sepconv";

/** `POST /label` with a picture as body. */
export async function POST(request) {
  const net = await load("public/colors.tflite");
  const { classes } = await classify(net, new Response(request.body));
  return Response.json(classes);
}
