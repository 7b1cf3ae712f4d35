/** The memory of a network: one block of a size that is known beforehand, and what lies in it. */
import type { WorkerSession } from "sepconv/worker";
import { byId, make } from "./dom.ts";
import { bytes } from "./format.ts";

const place = byId("memory", HTMLElement);

/** From low addresses to high. */
const PARTS = [
  ["module", "kernels' own data"],
  ["steps", "steps: what to compute"],
  ["weights", "weights, packed"],
  ["arena", "activations, which share it"],
] as const;

const WIDTHS: Readonly<Record<string, number>> = { float32: 4, int32: 4 };

export function showMemory({ memory, manifest, inputs }: WorkerSession): void {
  const strip = make("div", { className: "map" });
  strip.setAttribute("aria-hidden", "true");
  const list = make("dl", { className: "parts" });
  for (const [part, text] of PARTS) {
    const segment = make("i", { data: { part } });
    segment.style.flexGrow = String(Math.max(memory[part] / memory.total, 0.004));
    strip.append(segment);
    list.append(
      make(
        "div",
        { data: { part } },
        make("dt", { textContent: text }),
        make("dd", { textContent: bytes(memory[part]) }),
      ),
    );
  }
  // Float networks keep their activations in floats, those of 8 bits in bytes.
  const each = WIDTHS[inputs[0]!.dtype] ?? 1;
  const sizes = manifest.steps.map(({ shape }) => shape.reduce((a, b) => a * b, each));
  const all = sizes.reduce((a, b) => a + b, 0);
  const most = Math.max(...sizes);
  const columns = make("div", { className: "columns" });
  columns.setAttribute("role", "img");
  columns.setAttribute("aria-label", `Bytes of each layer's output, ${bytes(most)} at most`);
  for (const [i, size] of sizes.entries()) {
    const column = make("i", { title: `${manifest.steps[i]!.name}: ${bytes(size)}` });
    column.style.transform = `scaleY(${Math.max(size / most, 0.01).toFixed(4)})`;
    columns.append(column);
  }
  place.replaceChildren(
    make("p", { className: "note" }, make("b", { textContent: bytes(memory.total) }), ", fixed: it never grows."),
    strip,
    list,
    columns,
    make("p", {
      className: "note",
      textContent: `Outputs of the layers, first to last: ${bytes(all)} if each were kept, ${bytes(memory.arena)} as they share.`,
    }),
  );
}
