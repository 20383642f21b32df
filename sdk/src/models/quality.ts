/** Quality as the smallest sum that tells it: three metrics of one user, and that it is judged. */
import type { Fold } from "./history.js";
import type { Scorer } from "./scorer.js";
import type { Step } from "./step.js";

/** Stands in for a score that is no number, below all others. */
const LOWEST = -3.4028234663852886e38;

/** Judge a scorer by where it ranks the item held out; ties count against it. */
export const measureQuality = (scorer: Scorer, k: number, repeats: boolean): Step => ({
  size: 4,
  contribution({ history, heldOut }: Fold) {
    const out = new Float64Array(4);
    const met = new Set(history.items);
    if (!met.size || heldOut === undefined || (!repeats && met.has(heldOut))) return out;
    const scores = scorer.scores(history).map((s) => (Number.isFinite(s) ? s : LOWEST));
    let rank = 1;
    scores.forEach((score, item) => {
      if (score >= scores[heldOut]! && item !== heldOut && (repeats || !met.has(item))) rank++;
    });
    // NDCG, hit rate and reciprocal rank at k, and that this user was judged.
    if (rank <= k) out.set([1 / Math.log2(rank + 1), 1, 1 / rank]);
    out[3] = 1;
    return out;
  },
});
