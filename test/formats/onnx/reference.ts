/**
 * ONNX's operators as its text has them: naive loops over arrays in row-major order, channels first.
 * @module
 */

export interface Array4 {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

/** Numbers that tell positions apart: multiples of 1/8 from −8 to 8. */
export function numbers(dims: readonly number[], seed = 1): Array4 {
  const size = dims.reduce((a, b) => a * b, 1);
  let state = seed;
  const next = () => {
    state = (state * 16807) % 2147483647;
    return Math.round((state / 2147483647 - 0.5) * 128) / 8;
  };
  return { dims, data: Array.from({ length: size }, next) };
}

const at = ({ dims, data }: Array4, index: readonly number[]): number =>
  data[index.reduce((sum, i, axis) => sum * dims[axis]! + i, 0)]!;

/** An array by the number at each index. */
export function build(dims: readonly number[], of: (index: readonly number[]) => number): Array4 {
  const size = dims.reduce((a, b) => a * b, 1);
  const data = Array.from({ length: size }, (_, flat) => {
    const index: number[] = [];
    let rest = flat;
    for (const n of dims.toReversed()) {
      index.unshift(rest % n);
      rest = Math.floor(rest / n);
    }
    return of(index);
  });
  return { dims, data };
}

/** Dimensions in another order. */
export function transpose(x: Array4, perm: readonly number[]): Array4 {
  const dims = perm.map((axis) => x.dims[axis]!);
  return build(dims, (index) => {
    const from = new Array<number>(dims.length);
    perm.forEach((axis, i) => {
      from[axis] = index[i]!;
    });
    return at(x, from);
  });
}

export const channelsLast = (x: Array4): Array4 => transpose(x, [0, 2, 3, 1]);

export interface WindowOptions {
  readonly strides?: readonly [number, number];
  readonly dilations?: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly pads?: readonly [number, number, number, number];
}

function positions(dims: readonly number[], [kH, kW]: readonly [number, number], options: WindowOptions) {
  const {
    strides: [sH, sW] = [1, 1],
    dilations: [dH, dW] = [1, 1],
    pads: [top, left, bottom, right] = [0, 0, 0, 0],
  } = options;
  const [, , h, w] = dims as [number, number, number, number];
  const outH = Math.floor((h + top + bottom - (kH - 1) * dH - 1) / sH) + 1;
  const outW = Math.floor((w + left + right - (kW - 1) * dW - 1) / sW) + 1;
  const taps = (oy: number, ox: number) =>
    Array.from({ length: kH * kW }, (_, t) => {
      const [ky, kx] = [Math.floor(t / kW), t % kW];
      const [y, x] = [oy * sH - top + ky * dH, ox * sW - left + kx * dW];
      return { ky, kx, y, x, inside: y >= 0 && y < h && x >= 0 && x < w };
    });
  return { outH, outW, taps };
}

export function conv(x: Array4, w: Array4, bias: readonly number[], group = 1, options: WindowOptions = {}): Array4 {
  const [outC, inC, kH, kW] = w.dims as [number, number, number, number];
  const { outH, outW, taps } = positions(x.dims, [kH, kW], options);
  return build([x.dims[0]!, outC, outH, outW], ([n, o, oy, ox]) => {
    const first = Math.floor(o! / (outC / group)) * inC;
    let sum = bias[o!] ?? 0;
    for (let i = 0; i < inC; i++)
      for (const tap of taps(oy!, ox!))
        if (tap.inside) sum += at(x, [n!, first + i, tap.y, tap.x]) * at(w, [o!, i, tap.ky, tap.kx]);
    return sum;
  });
}

export function pool(
  kind: "max" | "mean" | "mean with pads",
  x: Array4,
  size: readonly [number, number],
  options: WindowOptions = {},
): Array4 {
  const { outH, outW, taps } = positions(x.dims, size, options);
  return build([x.dims[0]!, x.dims[1]!, outH, outW], ([n, c, oy, ox]) => {
    const all = taps(oy!, ox!);
    const seen = all.filter(({ inside }) => inside).map((tap) => at(x, [n!, c!, tap.y, tap.x]));
    if (kind === "max") return Math.max(...seen);
    return seen.reduce((a, b) => a + b, 0) / (kind === "mean" ? seen.length : all.length);
  });
}

/** x·w, [n, k] and [k, m]. */
export function matMul(x: Array4, w: Array4): Array4 {
  const k = x.dims[1]!;
  return build([x.dims[0]!, w.dims[1]!], ([n, m]) => {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += at(x, [n!, i]) * at(w, [i, m!]);
    return sum;
  });
}
