/** What a step is to a client: one user's history as a flat vector, which is a term of a sum. */
import type { Fold, History } from "./history.js";

/** One federated computation, as a client runs it. */
export interface Step {
  /** The length of a contribution. */
  readonly size: number;
  /** Whether terms are made to have length 1, so that they count as no longer. */
  readonly unit?: boolean;
  /** Return one user's term, laid out in the order of the Python schema. */
  contribution(fold: Fold): Float64Array;
}

type Fill = (out: Float64Array, history: History) => void;

/** Return a step that adds what a history says to zeros. */
export const step = (size: number, fill: Fill, unit = false): Step => ({
  size,
  unit,
  contribution({ history }) {
    const out = new Float64Array(size);
    fill(out, history);
    return out;
  },
});

/** Add a weighted row in place. */
export function addTo(
  out: Float64Array,
  start: number,
  row: Float64Array,
  weight: number,
): Float64Array {
  for (let k = 0; k < row.length; k++) out[start + k]! += weight * row[k]!;
  return out;
}

/** Add the upper triangle of x x', row by row, to the start of a vector. */
export function addOuter(out: Float64Array, x: Float64Array): void {
  for (let i = 0, at = 0; i < x.length; i++)
    for (let j = i; j < x.length; j++, at++) out[at]! += x[i]! * x[j]!;
}
