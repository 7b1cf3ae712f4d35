import { describe } from "vitest";
import { testNetworks } from "./suite.ts";

describe("MobileNet v1 in the paper reading, against TensorFlow.js's plain CPU backend", () => testNetworks("paper"));
