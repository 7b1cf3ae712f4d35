import { describe } from "vitest";
import { testNetworks } from "./suite.ts";

describe("MobileNet v1 in the article reading, against TensorFlow.js's plain CPU backend", () =>
  testNetworks("article"));
