/** The best items for one history: among those that are wanted, and not all of a kind. */
import type { History } from "./history.js";
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
/** Return the best items, best first. */
export declare function recommend(scorer: Scorer, history: History, wishes?: Wishes): Ranked[];
/** Return the k highest scores, highest first; of equal ones the lower number comes first. */
export declare function top(scores: Float32Array, k: number, allowed: (item: number) => boolean): Ranked[];
/**
 * Choose from candidates by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): each
 * place goes to the highest `(1 - weight) * relevance - weight * likeness`. Relevance is the score,
 * from 0 for the last candidate to 1 for the first; likeness is the largest cosine with the chosen.
 */
export declare function varied(candidates: readonly Ranked[], k: number, weight: number, vectors: Vectors): Ranked[];
