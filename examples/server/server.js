import { createServer } from "node:http";
import { classify, FormatError, load, UnsupportedError } from "sepconv/worker";

// Networks run in a worker, so that this thread is free for requests.
const net = await load("../assets/colors.tflite");
const MOST = 16e6; // bytes of a picture

const server = createServer(async (request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  if (request.method !== "POST") return answer(405, { error: "expected a picture by POST" });
  try {
    const parts = [];
    let size = 0;
    for await (const part of request) {
      size += part.length;
      if (size > MOST) return answer(413, { error: `expected ${MOST} bytes at most` });
      parts.push(part);
    }
    answer(200, await classify(net, Buffer.concat(parts), { top: 3 }));
  } catch (error) {
    const theirs = error instanceof FormatError || error instanceof UnsupportedError; // no picture, or a damaged one
    answer(theirs ? 400 : 500, { error: error.message });
  }
});
server.listen(process.env.PORT ?? 3000, () => console.log(`listening on port ${server.address().port}`));
