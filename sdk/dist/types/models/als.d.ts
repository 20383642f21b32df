import type { History } from "./history.js";
import { type Model, type Vectors } from "./model.js";
/** A model's item vectors, with its preference for users' vectors prepared. */
export interface FoldIn {
    readonly vectors: Vectors;
    /** Solve `(a0 V'V + V_u' W V_u + lam (n_u + a0 m) I) x = right`; `V_u' w` is taken by default. */
    solve(history: History, right?: Float64Array): Float64Array;
}
/** Work out beforehand, in parts, what takes long; without that it takes as long when it is needed. */
export declare function prepare(model: Model): Promise<void>;
/** Return a model's fold-in; `a0 V'V` is made once. */
export declare function foldInOf(model: Model): FoldIn;
