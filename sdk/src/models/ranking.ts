/** The best items for one history: among those that are wanted, and not all of a kind. */
import type { History } from "./history.js";
import { dot } from "./memories.js";
import type { Vectors } from "./model.js";
import type { Scorer } from "./scorer.js";

export interface Ranked {
  readonly item: number;
  readonly score: number;
}

export interface Wishes {
  /** How many; 10 where left out. */
  readonly k?: number;
  /** Whether items of the history may come again. */
  readonly repeats?: boolean;
  /** Which items are wanted at all, such as those in stock. */
  readonly filter?: (item: number) => boolean;
  /** From 0, by score alone, to 1, by how little items are alike. */
  readonly diversify?: number;
}

/** How many candidates a varied list is chosen from, for each of its places. */
const CHOICE = 5;

/** Return the best items, best first. */
export function recommend(scorer: Scorer, history: History, wishes: Wishes = {}): Ranked[] {
  const { k = 10, repeats, filter, diversify = 0 } = wishes;
  const met = new Set(repeats ? [] : history.items);
  const allowed = (item: number) => !met.has(item) && (!filter || filter(item));
  const scores = scorer.scores(history);
  if (!diversify || !scorer.vectors) return top(scores, k, allowed);
  return varied(top(scores, CHOICE * k, allowed), k, diversify, scorer.vectors);
}

/** Return the k highest scores, highest first; of equal ones the lower number comes first. */
export function top(scores: Float32Array, k: number, allowed: (item: number) => boolean): Ranked[] {
  const best: Ranked[] = [];
  let least = -Infinity;
  for (let item = 0; item < scores.length; item++) {
    const score = scores[item]!;
    // Only what would get on the list is asked about, which is rare.
    if (!(score > least) || !allowed(item)) continue;
    let place = best.length;
    while (place && best[place - 1]!.score < score) place--;
    best.splice(place, 0, { item, score });
    if (best.length > k) best.pop();
    if (best.length === k) least = best[k - 1]!.score;
  }
  return best;
}

/**
 * Choose from candidates by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): each
 * place goes to the highest `(1 - weight) * relevance - weight * likeness`. Relevance is the score,
 * from 0 for the last candidate to 1 for the first; likeness is the largest cosine with the chosen.
 */
export function varied(
  candidates: readonly Ranked[],
  k: number,
  weight: number,
  vectors: Vectors,
): Ranked[] {
  const { data, stride, size } = vectors;
  const inner = (a: number, b: number) => dot(data, a * stride, data, b * stride, size);
  const lowest = candidates.at(-1)?.score ?? 0;
  const spread = (candidates[0]?.score ?? 0) - lowest || 1;
  const left = candidates.map((ranked) => ({
    ranked,
    length: Math.sqrt(inner(ranked.item, ranked.item)) || 1,
    relevance: (ranked.score - lowest) / spread,
    alike: -1,
  }));
  const chosen: Ranked[] = [];
  while (left.length && chosen.length < k) {
    const worth = left.map(
      ({ relevance, alike }) =>
        (1 - weight) * relevance - weight * (chosen.length ? alike : 0),
    );
    const [next] = left.splice(worth.indexOf(Math.max(...worth)), 1);
    const { ranked, length } = next!;
    chosen.push(ranked);
    for (const other of left)
      other.alike = Math.max(
        other.alike,
        inner(ranked.item, other.ranked.item) / (length * other.length),
      );
  }
  return chosen;
}
