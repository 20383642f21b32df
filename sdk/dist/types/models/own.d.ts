/** What a user's own past says of meeting the same item again, where repeats are allowed. */
/** From 'just met' to 'met at all'. */
export declare const DECAYS: number[];
/** Return the weighted sum of log(1 + decayed count) for each own item. */
export declare function recalled(items: Int32Array, coefficients: readonly number[]): Map<number, number>;
