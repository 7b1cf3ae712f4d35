import { answers } from "./answers.js";

answers(new URL("/", self.location.origin)).then((result) => self.postMessage(result));
