import { frozenNetworks } from "sepconv/vite";

export default { plugins: [frozenNetworks()], build: { target: "es2022" } };
