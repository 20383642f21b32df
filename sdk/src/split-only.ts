/**
 * What stands in for pairwise mode in the smaller worker: `build.mjs` puts it in the place of
 * `secure/pairwise/client`, `secure/parameters` and `noise/skellam`. A sum in pairwise mode is refused
 * with `weak-mode`, and in split mode clients make no noise.
 */
import { insist } from "./insist.js";
import type { Share } from "./noise/skellam.js";

const refuse = (): never => insist(false, "weak-mode") as never;

export const pairwiseClient = refuse;
export const isPrivate = refuse;
export const chooseNeighbours = refuse;
export const skellamBound = refuse;

export const shareOf = (): Share => ({ variance: 0, minimum: 0 });

export const sampleSkellam = async (
  _: unknown,
  size: number,
  variance: number,
): Promise<Float64Array> => {
  insist(!variance, "weak-mode");
  return new Float64Array(size);
};
