/** One person's interactions in the numbers of a catalog. */
import type { Model } from "./model.js";
export interface History {
    /** Item numbers, oldest first. */
    readonly items: Int32Array;
    /** How much each counts to the models that weigh them; 1 where left out. */
    readonly weights?: Float32Array;
}
/** An interaction as it was recorded. */
export interface Seen {
    readonly item: string;
    readonly time: number;
    readonly weight?: number;
}
/** What a model may see of a person, and the item that it must foretell, if one is held out. */
export interface Fold {
    readonly history: History;
    readonly heldOut?: number;
}
/**
 * Return interactions by time, those of one time as they were recorded. Exact repeats are left out,
 * and items that the catalog lacks.
 */
export declare function historyOf(model: Model, seen: readonly Seen[]): History;
/** Return the fold of a history; held out is the last interaction of two or more. */
export declare function foldOf(history: History, heldOut: boolean): Fold;
