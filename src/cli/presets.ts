/**
 * Well-known public models by name: MobileNet v1 and v2, trained on ImageNet, as TensorFlow's authors published them.
 * Names are those of the files: `mobilenet_v1_0.25_128_quant`, `mobilenet_v2_1.0_224`.
 * @module
 */
import { existsSync } from "node:fs";
import process from "node:process";
import type { Normalization } from "../graph/graph.ts";
import { cached } from "./cache.ts";
import { printable } from "./output.ts";
import { withDownload } from "./progress.ts";
import { fileInTgz } from "./tar.ts";

/** SHA-256 of the archives, by width and resolution, as distributions of Linux pin them in their recipes. */
const V1: Readonly<Record<string, string>> = {
  "1.0_224": "1ccb74dbd9c5f7aea879120614e91617db9534bdfaa53dfea54b7c14162e126b",
  "1.0_192": "ad683fb270cd1b0f49c820c4acf5fcbbfa546ae354b1345a4fff5f19f99d7c44",
  "1.0_160": "1f612ebeda0e7e149897273c445b790ca8924a8a1488e6a61d36166a562fd89c",
  "1.0_128": "d16f3102c1cb087eacf94c6a5abf0477767158fb891b2710409472bca4d988a8",
  "0.75_224": "bf61b3ce7ca2d045bb35fa6ab9a68732e3531291266db4a8c7715227d7425657",
  "0.75_192": "3d91d279cd06c055500aabdff8dfbd51a63797c7bb6b3f9a39e243f7c13997e9",
  "0.75_160": "90b3f26406a89df489373358aa89d9db7bcb66d2400160f16f3687f79e4f66b2",
  "0.75_128": "54a28065f6f230d0b71cf8fbbc50bbb89b4fdfada8e7e2a622da68b971d5ab97",
  "0.5_224": "0eb9be8d18dcf9466a2a2d2157e71c83cd70dc168255d76d72bfe965318db725",
  "0.5_192": "57c81cc48349d1079377f8cdeed3f017500aeb98a12f16c6ed2086a50848ecb6",
  "0.5_160": "fb01b76ca1fb053e5f98d297e21c6c53d0d9f6a8b02ad2e88ac22b33b2adf729",
  "0.5_128": "5a0def0d844327526385b110cdcaa6428d0828ff6d07515ef25bf3976e049d88",
  "0.25_224": "eee166d4d1de004e2ee5de19a4f5045574d764ef59569dc284545f805a295074",
  "0.25_192": "4889d7afabc31011f5218f6111532947ff7d5b6b9368afe1f152c67c6f30ea73",
  "0.25_160": "8eb4540af0227e5e59849c41ca6da6f07e257cca887ec0f8cd33aeb46f1405cf",
  "0.25_128": "34c52de7562259f66399993ef5ea222cc625d2e6f6f886a01fdc6cc99a0c7ee6",
  "1.0_224_quant": "d32432d28673a936b2d6281ab0600c71cf7226dfe4cdcef3012555f691744166",
  "1.0_192_quant": "b87b20c784e756fb52e265cc31fbea5b3236c9a001205bc24ed27985875b4559",
  "1.0_160_quant": "b5c9da0d5215a1c1faab313f88ba0a900ac199c7af45f559ab65c63b0649bee1",
  "1.0_128_quant": "29aec24c721329b83ff667195431ff9151362ba1854dfc8852d03aef5ac40def",
  "0.75_224_quant": "6c40604a53edb295e6fd72ead340759db63a2e4d930593610f4d09efe17aa9b7",
  "0.75_192_quant": "8dc64937bd9f35dcf8d3baa16b8eda47e2473c3af51641bf309d1ed2b1a355af",
  "0.75_160_quant": "ed023a21c1fbb062a4777056f79910aab6137c9a83655317020faed6ad0ca738",
  "0.75_128_quant": "14cd0b9c5cde26272c68ecc50de054979663e28fb1fd0348166d408a8b45538f",
  "0.5_224_quant": "f61c28ab322a3ef441341431d33732ef79dfbf03ebc00769c12e5843573b2e9c",
  "0.5_192_quant": "b3b7aca2599c9a09f7ebeb3f624fc51bc4897b9356950b67a5f11c65666dab3d",
  "0.5_160_quant": "036ff1a53180f844ee629ae5846c2b18dfa94371c51c44016c70dc9688a34d31",
  "0.5_128_quant": "0a5b18571d3df4d85a5ac6cb5be829d141dd5855243ea04422ca7d19f730a506",
  "0.25_224_quant": "be8131a23c93a83d7d0b1875ac34aa2e06319aef377f89dc6be2e8f10a0589ca",
  "0.25_192_quant": "33f4ca5c5c7fb70f81a23ec06a884482ddcf5d26e32e4211781e110afb7a0877",
  "0.25_160_quant": "8aba0b905df472d994c1d923efa743c7dfe182df579e0440b8e78c8f714ddc98",
  "0.25_128_quant": "40230cd1a429a20cfd648f08f72b6d554ca8f4bff838341cb8210bd167962c0e",
};
const V2: Readonly<Record<string, string>> = {
  "1.4_224": "a20d0c8d698502dc6a620528871c97a588885df7737556243a3412b39fce85e0",
  "1.0_224": "318084bc1b63d6d7b854553e09cdf77078b1c0168be27c59a0d44253b5ed49dc",
  "1.0_192": "e8d9cd7c571f375c80945b5f889705ae412db32d3419d747e796429e39132f48",
  "1.0_160": "e374bc70066dde0c3af6cb4c98ecd8707800d71d11353c4cc359b3069415f23e",
  "1.0_128": "f692e341cf1529df4f7e68ed13d0284ad8796ade1108f802eec135abc1fc1b83",
  "1.0_96": "8f0377b71d79f5626c5198f248b476d2604b3e4e596ca4076e1b1f8fcd3f3844",
  "0.75_224": "335cd22c7e1c5e80205dedd6e2ff5d1d8af5c29074496eb047fd621349e10cc5",
  "0.5_224": "813febbdbe2a7a50055ee2f6b374938aed03e2f607f63f3479622aefc4e12b00",
  "0.35_224": "efcc34277c52f7dd4b0b26c2f52686793f4ea5fdddc899ac5aac9eb8d5861550",
  "0.35_96": "282996bca7d799d0172ce5d34ac59dea497c4c75f069a8b466bb944c6f843353",
};

const V1_AT = "https://storage.googleapis.com/download.tensorflow.org/models/mobilenet_v1_";
const V2_AT = "https://storage.googleapis.com/mobilenet_v2/checkpoints/";
const LABELS_AT = "https://storage.googleapis.com/download.tensorflow.org/data/ImageNetLabels.txt";

/** One of them. */
export interface Preset {
  readonly name: string;
  readonly url: string;
  readonly sha256: string;
  /** Float networks do not say it; 8-bit ones take pixels as they are. */
  readonly normalization: Normalization | undefined;
}

/** The names of all. */
export const PRESETS: readonly string[] = [
  ...Object.keys(V1).map((name) => `mobilenet_v1_${name}`),
  ...Object.keys(V2).map((name) => `mobilenet_v2_${name}`),
];

/** The model of that name, unless a file is called so. SEPCONV_MIRROR, an address, stands in for where they lie. */
export function presetOf(model: string): Preset | undefined {
  const [, version, variant = ""] = /^mobilenet_(v[12])_(.+)$/.exec(model) ?? [];
  const sha256 = version === "v1" ? V1[variant] : V2[variant];
  if (version === undefined || sha256 === undefined || existsSync(model)) return undefined;
  const quantized = variant.endsWith("_quant");
  const folder = version === "v2" ? V2_AT : `${V1_AT}${quantized ? "2018_08_02" : "2018_02_22"}/`;
  const url = `${process.env.SEPCONV_MIRROR ?? folder}${model}.tgz`;
  return { name: model, url, sha256, normalization: quantized ? undefined : { mean: 127.5, std: 127.5 } };
}

// As the library says what it says by the way: --quiet silences both.
const warn = (text: string) => console.warn(`sepconv: ${printable(text)}`);

/** Its file: a path in the cache, or bytes where nothing can be kept. @throws LoadError when it can't be had */
export async function presetFile({ name, url, sha256 }: Preset): Promise<string | Uint8Array> {
  const found = await withDownload(name, (onProgress) =>
    cached(
      {
        url,
        sha256,
        onProgress,
        file: `${name}.tflite`,
        unpack: (archive) => fileInTgz(archive, `${name}.tflite`, url),
      },
      warn,
    ),
  );
  return "path" in found ? found.path : found.bytes;
}

/** The names of ImageNet's classes, with the background first; undefined, with a word, where they can't be had. */
export async function presetLabels(): Promise<string | undefined> {
  const url = process.env.SEPCONV_MIRROR ? `${process.env.SEPCONV_MIRROR}ImageNetLabels.txt` : LABELS_AT;
  try {
    const found = await cached({ url, file: "ImageNetLabels.txt", attempts: 2 }, warn);
    return "path" in found ? found.path : undefined;
  } catch (error) {
    warn(`classes have no names: ${(error as Error).message}; --labels says them`);
    return undefined;
  }
}
