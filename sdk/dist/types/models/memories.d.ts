/** Decayed states of item vectors along a history: `h = decay * h + vector`, scaled to length 1. */
import type { Vectors } from "./model.js";
export interface Memory extends Vectors {
    readonly decay: number;
}
export declare const totalSize: (parts: readonly Vectors[]) => number;
/** Return the sum of products of two stretches of values. */
export declare function dot(a: ArrayLike<number>, aStart: number, b: ArrayLike<number>, bStart: number, size: number): number;
/**
 * Return the unit states after the whole history, one memory after the other, followed by the
 * length that each had; `visit` is shown the unit states after each interaction.
 */
export declare function along(memories: readonly Memory[], items: Int32Array, visit?: (position: number, features: Float64Array) => void): {
    features: Float64Array;
    lengths: number[];
};
