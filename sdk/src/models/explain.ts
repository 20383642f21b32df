/** Which of a person's own items speak for an item, and how much. */
import type { History } from "./history.js";
import { along, dot } from "./memories.js";
import { recalled } from "./own.js";
import type { Scorer } from "./scorer.js";

export interface Share {
  readonly item: number;
  readonly share: number;
}

/**
 * Return how much each own item adds to an item's score, the most first.
 *
 * This is exact: the shares and what everybody gets (the bias) add up to the score, as unit
 * states, once their lengths are known, and solved normal equations are sums over interactions.
 */
export function explain(scorer: Scorer, history: History, item: number): Share[] {
  const { items } = history;
  const shares = new Map<number, number>();
  const add = (own: number, share: number) => shares.set(own, (shares.get(own) ?? 0) + share);
  spread(scorer, history, item).forEach((share, t) => add(items[t]!, share));
  if (scorer.own && shares.has(item))
    add(item, recalled(items, scorer.own.coefficients).get(item)! * scorer.own.factors[item]!);
  return [...shares]
    .map(([own, share]) => ({ item: own, share }))
    .sort((a, b) => b.share - a.share || a.item - b.item);
}

/** Return the share of each interaction. */
function spread(scorer: Scorer, history: History, item: number): Float64Array {
  const { weights, size, memories, solve, vectors } = scorer;
  const { items, weights: weighed } = history;
  const shares = new Float64Array(items.length);
  const row = item * size;
  if (memories) {
    const { lengths } = along(memories, items);
    let start = row;
    memories.forEach(({ data, stride, size: part, decay }, place) => {
      let fade = 1 / lengths[place]!;
      for (let t = items.length; t--; fade *= decay)
        shares[t]! += fade * dot(weights, start, data, items[t]! * stride, part);
      start += part;
    });
  } else if (solve) {
    const toward = solve(history, Float64Array.from(weights.subarray(row, row + size)));
    items.forEach((own, t) => {
      shares[t] = (weighed ? weighed[t]! : 1) * dot(toward, 0, vectors!.data, own * size, size);
    });
  }
  return shares;
}
