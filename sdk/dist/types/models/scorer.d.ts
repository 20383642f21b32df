/** Scores of one history: every recipe's are weights times features of the history, plus a bias. */
import { type FoldIn } from "./als.js";
import type { History } from "./history.js";
import { type Memory } from "./memories.js";
import { type Model, type Vectors } from "./model.js";
export interface Scorer {
    /** Items x `size`, row by row. */
    readonly weights: Float32Array;
    readonly size: number;
    /** One per item; none where it is 0. */
    readonly bias?: Float32Array;
    /** What each own item's decayed counts add: a coefficient per decay, and a factor per item. */
    readonly own?: {
        readonly coefficients: readonly number[];
        readonly factors: Float32Array;
    };
    /** Vectors that say how alike items are; none where the recipe has none. */
    readonly vectors?: Vectors;
    /** Of features that are unit states. */
    readonly memories?: readonly Memory[];
    /** Of features that solve normal equations. */
    readonly solve?: FoldIn["solve"];
    /** Return the history's features, `size` of them. */
    features(history: History): Float64Array;
    /** Return a score for every item; higher is better. */
    scores(history: History): Float32Array;
}
/** Prepare a model for scoring; done once, so that each history takes little. */
export declare function scorerOf(model: Model): Scorer;
/** Return the memories of the sequence model. */
export declare function memoriesOf(model: Model): Memory[];
