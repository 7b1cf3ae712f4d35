/** The networks that the page can show, and how each is made in a worker. */
import { type BuildOptions, type LoadOptions, mobilenetV1, type Normalization } from "sepconv";
import type { SepconvWorker, WorkerSession } from "sepconv/worker";

/** What `load` and `build` of a worker take here. */
export type MakeOptions = Pick<LoadOptions & BuildOptions, "variant" | "signal">;

export interface Network {
  /** Tells it from others: what was taught is about the features of one network. */
  readonly key: string;
  readonly name: string;
  /** A sentence about it. */
  readonly about: string;
  readonly make: (worker: SepconvWorker, options: MakeOptions) => Promise<WorkerSession>;
  /** The value that classes are taught by, where it is not the vector in front of the network's own classes. */
  readonly features?: string | undefined;
  readonly normalization?: Normalization | undefined;
  readonly labels?: readonly string[] | undefined;
  /** Its weights are drawn at random: it knows no names. */
  readonly drawn?: true | undefined;
}

/** One request for a file, however often it is used. */
let faceFile: Promise<Blob> | undefined;

/** A file of the page. A service worker that just took over, on a busy device, may fail once and answer then. */
async function fetched(address: string, tries = 3): Promise<Blob> {
  try {
    return await file(address);
  } catch (error) {
    if (tries === 1) throw error;
    await new Promise((resolve) => setTimeout(resolve, 150));
    return fetched(address, tries - 1);
  }
}

async function file(address: string): Promise<Blob> {
  const response = await fetch(address);
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok || type.startsWith("text/html")) {
    throw new Error(`${address}: expected the file of a network, got status ${response.status}, ${type || "no type"}`);
  }
  return response.blob();
}

/** MediaPipe's face detector for near faces, 128×128. */
export function faces(): Network {
  return {
    key: "faces",
    name: "Faces",
    about: "BlazeFace of MediaPipe, pretrained: boxes and six key points, 128 × 128 pixels.",
    features: "activation_16",
    async make(worker, options) {
      faceFile ??= fetched("./faces.tflite");
      faceFile.catch(() => {
        faceFile = undefined;
      });
      return worker.load(await faceFile, options);
    },
  };
}

export const ALPHAS = [0.25, 0.5, 0.75, 1] as const;
export const RESOLUTIONS = [128, 160, 192, 224] as const;

/** MobileNet v1 of a width and a resolution; nobody trained it. */
export function drawn(alpha: number, resolution: number): Network {
  return {
    key: `mobilenet_v1_${alpha}_${resolution}`,
    name: `MobileNet v1, α = ${alpha}, ${resolution} × ${resolution}`,
    about:
      "Its weights are drawn at random, so it knows no names: it shows speed and memory, and learns what you teach it.",
    normalization: { mean: 127.5, std: 127.5 },
    drawn: true,
    make: (worker, options) => worker.build(mobilenetV1({ alpha, resolution, classes: 1000 }), { ...options, seed: 1 }),
  };
}

/** A model's files, one or several, and a text file with the names of its classes. */
export async function own(files: readonly File[]): Promise<Network> {
  const texts = files.filter(({ name }) => /\.txt$/i.test(name));
  const [model, ...rest] = files.filter((file) => !texts.includes(file));
  if (model === undefined) throw new TypeError("expected a model beside the labels, got a text file alone");
  const main = [model, ...rest].find(({ name }) => /\.(json|onnx)$/i.test(name)) ?? model;
  const inOrder = [main, ...[model, ...rest].filter((file) => file !== main)];
  const source = rest.length === 0 ? model : Object.fromEntries(inOrder.map((file) => [file.name, file]));
  return {
    key: `own ${main.name} ${main.size} ${main.lastModified}`,
    name: main.name,
    about: "A model of yours. It stays in this page.",
    labels: texts[0] && linesOf(await texts[0].text()),
    make: (worker, options) => worker.load(source, options),
  };
}

/** A model at an address, with labels beside it where there are some. */
export async function at(address: string): Promise<Network> {
  const name = address.split(/[?#]/)[0]!.split("/").at(-1) || address;
  const names = await fetch(address.replace(/\.[a-z0-9]+$/i, ".txt")).catch(() => undefined);
  const plain = names?.ok && (names.headers.get("content-type") ?? "").startsWith("text/plain");
  return {
    key: `at ${address}`,
    name,
    about: `A model from ${new URL(address, location.href).host}.`,
    labels: plain ? linesOf(await names!.text()) : undefined,
    make: (worker, options) => worker.load(address, options),
  };
}

function linesOf(text: string): string[] {
  return text.trim().split(/\r?\n/);
}
