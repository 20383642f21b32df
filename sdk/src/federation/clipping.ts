/** Clipping, so that no term is longer than a bound, and the histogram by which one is found. */
import type { Step } from "../models/step.js";

/** By which share Python's closed forms of a norm may be short. */
const ROUNDING = 1e-4;
/** Of the histogram: its bins' edges go from 1e-3 to 1e6, each 1.38 times the one before. */
const BINS = 64;

export function norm(vector: Float64Array): number {
  let square = 0;
  for (const value of vector) square += value * value;
  return Math.sqrt(square);
}

/** Return the length that a term of a step counts as. */
function lengthOf(step: Step, term: Float64Array): number {
  const length = norm(term);
  return step.unit && length ? 1 : length;
}

/** Bound a term in place; a whole silo's is taken at its own length. */
export function clip(step: Step, term: Float64Array, bound: number, unit: string): Float64Array {
  const length = unit === "silo" ? norm(term) : lengthOf(step, term);
  const weight = bound / Math.max(length * (1 + ROUNDING), bound);
  return term.map((value) => value * weight);
}

/** Return the step that tells in which bin the length of another step's term lies. */
export const measureNorms = (step: Step): Step => ({
  size: BINS,
  unit: true,
  contribution(fold) {
    const length = lengthOf(step, step.contribution(fold));
    const out = new Float64Array(BINS);
    let bin = 0;
    while (bin < BINS - 1 && 10 ** ((9 * (bin + 1)) / BINS - 3) < length) bin++;
    out[bin] = 1;
    return out;
  },
});
