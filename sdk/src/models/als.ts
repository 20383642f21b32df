/** The user's vector of implicit-feedback ALS, solved from a history (Hu 2008; Rendle 2022). */
import type { History } from "./history.js";
import { dot } from "./memories.js";
import { option, table, type Model, type Vectors } from "./model.js";

/** A model's item vectors, with its preference for users' vectors prepared. */
export interface FoldIn {
  readonly vectors: Vectors;
  /** Solve `(a0 V'V + V_u' W V_u + lam (n_u + a0 m) I) x = right`; `V_u' w` is taken by default. */
  solve(history: History, right?: Float64Array): Float64Array;
}

/** Prepare a model; its `a0 V'V` is made once. */
export function foldInOf(model: Model): FoldIn {
  const vectors = table(model, "vectors");
  const { data, size: d } = vectors;
  const m = model.items.length;
  const a0 = option(model, "unobserved");
  const lam = option(model, "regularization");
  const common = new Float64Array(d * d);
  for (let item = 0; item < m; item++) addOuter(common, data, item * d, d, a0);
  return {
    vectors,
    solve({ items, weights }, right) {
      const matrix = common.slice();
      const met = new Float64Array(d);
      items.forEach((item, t) => {
        const weight = weights ? weights[t]! : 1;
        addOuter(matrix, data, item * d, d, weight);
        for (let k = 0; k < d; k++) met[k]! += weight * data[item * d + k]!;
      });
      for (let k = 0; k < d; k++) matrix[k * d + k]! += lam * (items.length + a0 * m);
      return solved(matrix, right ?? met);
    },
  };
}

/** Add the lower triangle of a row's weighted product with itself. */
function addOuter(
  matrix: Float64Array,
  vectors: Float32Array,
  row: number,
  d: number,
  weight: number,
): void {
  for (let i = 0; i < d; i++) {
    const scaled = weight * vectors[row + i]!;
    for (let j = 0, at = i * d; j <= i; j++, at++) matrix[at]! += scaled * vectors[row + j]!;
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
