/**
 * 1×1 convolutions and dense layers: all pixels of all images are rows of one matrix. Formulas: docs/gradients.md.
 */
import { Flag, Step, View } from "./abi";
import { accumulate } from "./elementwise";
import { pack, pack_transposed, product, product_rows } from "./product";
import {
  column_sums, gradient_begin, gradient_end, gradient_take, statistics_begin, statistics_end, statistics_take,
  view_apply, view_back,
} from "./view";

/** s0 (inC + 1)·outC floats; s1 block·inC where x has a view. */
export function matrix(s: Step, n: i32): void {
  const k = s.inC;
  const m = s.outC;
  const rows = n * s.rows;
  const statistics = (s.flags & Flag.STATISTICS) != 0;
  const yv = changetype<View>(s.yv);
  pack(s.s0, s.w, s.b, k, m);
  if (statistics) statistics_begin(yv);
  for (let r = 0; r < rows; r += s.block) {
    const some = min(s.block, rows - r);
    const x = s.x + <usize>(r * k) * sizeof<f32>();
    const y = s.y + <usize>(r * m) * sizeof<f32>();
    if (s.xv) view_apply(changetype<View>(s.xv), x, some, s.s1, <usize>k * sizeof<f32>());
    product(s.xv ? s.s1 : x, some, k, m, s.s0, y);
    if (statistics) statistics_take(yv, y, some, r);
  }
  if (statistics) statistics_end(yv, rows);
}

/** s0 (2·outC + 1)·inC floats; s1 as above; s2 block·outC where y has a view; s3 block·inC where gx is added to. */
export function matrix_gradient(s: Step, n: i32): void {
  const k = s.inC;
  const m = s.outC;
  const rows = n * s.rows;
  const weights = (s.flags & Flag.WEIGHTS) != 0;
  const input = (s.flags & Flag.INPUT) != 0;
  const more = (s.flags & Flag.ACCUMULATE) != 0;
  const reduce = (s.flags & Flag.REDUCE) != 0;
  const xv = changetype<View>(s.xv);
  if (weights) memory.fill(s.dw, 0, <usize>(k * m) * sizeof<f32>());
  if (s.db) memory.fill(s.db, 0, <usize>m * sizeof<f32>());
  if (input) pack_transposed(s.s0, s.w, k, m);
  if (reduce) gradient_begin(xv);
  for (let r = 0; r < rows; r += s.block) {
    const some = min(s.block, rows - r);
    const x = s.x + <usize>(r * k) * sizeof<f32>();
    const y = s.y + <usize>(r * m) * sizeof<f32>();
    let d = s.gy + <usize>(r * m) * sizeof<f32>();
    if (s.yv) {
      view_back(changetype<View>(s.yv), d, y, some, s.s2, <usize>m * sizeof<f32>());
      d = s.s2;
    }
    if (weights) {
      if (s.xv) view_apply(xv, x, some, s.s1, <usize>k * sizeof<f32>());
      product_rows(s.xv ? s.s1 : x, d, some, k, m, s.dw);
    }
    if (s.db) column_sums(d, some, <usize>m * sizeof<f32>(), s.db);
    if (!input) continue;
    const gx = s.gx + <usize>(r * k) * sizeof<f32>();
    product(d, some, m, k, s.s0, more ? s.s3 : gx);
    if (more) accumulate(gx, s.s3, some * k);
    if (reduce) gradient_take(xv, gx, x, some);
  }
  if (reduce) gradient_end(xv, rows);
}
