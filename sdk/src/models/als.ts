/** The user's vector of implicit-feedback ALS, solved from a history (Hu 2008; Rendle 2022). */
import { breathe } from "../breathe.js";
import type { History } from "./history.js";
import { dot } from "./memories.js";
import { option, table, type Model, type Vectors } from "./model.js";

/** A model's item vectors, with its preference for users' vectors prepared. */
export interface FoldIn {
  readonly vectors: Vectors;
  /** Solve `(a0 V'V + V_u' W V_u + lam (n_u + a0 m) I) x = right`; `V_u' w` is taken by default. */
  solve(history: History, right?: Float64Array): Float64Array;
}

/** Each prepared model's `a0 V'V`, as a lower triangle. */
const prepared = new WeakMap<Model, Float64Array>();

/** Items whose products are added up at a stretch: a millisecond, but many before it is compiled. */
const STRETCH = 512;

/** Work out beforehand, in parts, what takes long; without that it takes as long when it is needed. */
export async function prepare(model: Model): Promise<void> {
  if (model.recipe !== "als") return;
  const common = blank(model);
  for (let start = 0; start < model.items.length; start += STRETCH) {
    addCommon(common, model, start, start + STRETCH);
    await breathe();
  }
  prepared.set(model, common);
}

const blank = (model: Model) => new Float64Array(table(model, "vectors").size ** 2);

function addCommon(common: Float64Array, model: Model, start: number, end: number): void {
  const { data, size } = table(model, "vectors");
  const count = Math.min(end, model.items.length) - start;
  const a0 = option(model, "unobserved");
  addOuters(common, data, size, count, (n) => start + n, () => a0);
}

/** Return a model's fold-in; `a0 V'V` is made once. */
export function foldInOf(model: Model): FoldIn {
  const vectors = table(model, "vectors");
  const { data, size: d } = vectors;
  const m = model.items.length;
  const a0 = option(model, "unobserved");
  const lam = option(model, "regularization");
  let common = prepared.get(model);
  if (!common) {
    addCommon((common = blank(model)), model, 0, m);
    prepared.set(model, common);
  }
  const matrix = new Float64Array(d * d);
  return {
    vectors,
    solve({ items, weights }, right) {
      matrix.set(common!);
      const met = new Float64Array(d);
      const weigh = (t: number) => (weights ? weights[t]! : 1);
      addOuters(matrix, data, d, items.length, (t) => items[t]!, weigh);
      items.forEach((item, t) => {
        const weight = weigh(t);
        for (let k = 0; k < d; k++) met[k]! += weight * data[item * d + k]!;
      });
      for (let k = 0; k < d; k++) matrix[k * d + k]! += lam * (items.length + a0 * m);
      return solved(matrix, right ?? met);
    },
  };
}

/**
 * Add the lower triangle of some rows' weighted products with themselves; four rows at once, so that
 * the matrix is read and written a quarter as often.
 */
function addOuters(
  matrix: Float64Array,
  vectors: Float32Array,
  d: number,
  count: number,
  row: (n: number) => number,
  weight: (n: number) => number,
): void {
  for (let n = 0; n < count; n += 4) {
    // Rows beyond the last weigh nothing.
    const at = (k: number) => (n + k < count ? row(n + k) * d : 0);
    const by = (k: number) => (n + k < count ? weight(n + k) : 0);
    const [a, b, c, e] = [at(0), at(1), at(2), at(3)];
    const [p, q, r, s] = [by(0), by(1), by(2), by(3)];
    for (let i = 0; i < d; i++) {
      const pa = p * vectors[a + i]!;
      const qb = q * vectors[b + i]!;
      const rc = r * vectors[c + i]!;
      const se = s * vectors[e + i]!;
      for (let j = 0, to = i * d; j <= i; j++, to++)
        matrix[to]! +=
          pa * vectors[a + j]! + qb * vectors[b + j]! + (rc * vectors[c + j]! + se * vectors[e + j]!);
    }
  }
}

/** Solve with a positive definite matrix, given by its lower triangle, which is overwritten. */
function solved(matrix: Float64Array, right: Float64Array): Float64Array {
  const d = right.length;
  const x = right.slice();
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = matrix[i * d + j]! - dot(matrix, i * d, matrix, j * d, j);
      matrix[i * d + j] = i === j ? Math.sqrt(rest) : rest / matrix[j * d + j]!;
    }
    x[i] = (x[i]! - dot(matrix, i * d, x, 0, i)) / matrix[i * d + i]!;
  }
  for (let i = d; i--; ) {
    x[i]! /= matrix[i * d + i]!;
    for (let j = 0; j < i; j++) x[j]! -= matrix[i * d + j]! * x[i]!;
  }
  return x;
}
