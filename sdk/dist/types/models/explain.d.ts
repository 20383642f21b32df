/** Which of a person's own items speak for an item, and how much. */
import type { History } from "./history.js";
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
export declare function explain(scorer: Scorer, history: History, item: number): Share[];
