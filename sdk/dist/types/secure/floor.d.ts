import { type Terms } from "./messages.js";
import { type Assumptions } from "./parameters.js";
export interface Floor extends Assumptions {
    /** The fewest contributors in a sum that the client takes part in. */
    readonly minimum: number;
    /** The modes of secured sums that it trusts. */
    readonly modes: readonly string[];
    /** Whether it demands that survivors be signed for. */
    readonly consistency: boolean;
}
/** The part of `checkFloor` that does not ask who the clients are: `weak-mode`, `weak-minimum`. */
export declare function checkSum(floor: Floor, { mode, minimum }: Terms): void;
/**
 * Refuses terms below the floor, given how many clients the roster has once that is known:
 * `weak-mode`, `weak-minimum`, `weak-consistency`, `bad-roster`, `weak-threshold`.
 */
export declare function checkFloor(floor: Floor, terms: Terms, clients?: number): void;
