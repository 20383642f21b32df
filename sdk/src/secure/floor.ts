/** What a client insists on, whatever the server asks. */
import { insist } from "../insist.js";
import { PAIRWISE, type Terms } from "./messages.js";
import { type Assumptions, isPrivate } from "./parameters.js";

export interface Floor extends Assumptions {
  /** The fewest contributors in a sum that the client takes part in. */
  readonly minimum: number;
  /** The modes of secured sums that it trusts. */
  readonly modes: readonly string[];
  /** Whether it demands that survivors be signed for. */
  readonly consistency: boolean;
}

/** The part of `checkFloor` that does not ask who the clients are: `weak-mode`, `weak-minimum`. */
export function checkSum(floor: Floor, { mode, minimum }: Terms): void {
  insist(floor.modes.includes(mode), "weak-mode");
  insist(minimum >= floor.minimum, "weak-minimum");
}

/**
 * Refuses terms below the floor, given how many clients the roster has once that is known:
 * `weak-mode`, `weak-minimum`, `weak-consistency`, `bad-roster`, `weak-threshold`.
 */
export function checkFloor(floor: Floor, terms: Terms, clients = terms.clients): void {
  checkSum(floor, terms);
  if (terms.mode !== PAIRWISE) return;
  insist(terms.consistency || !floor.consistency, "weak-consistency");
  insist(terms.minimum <= clients && clients <= terms.clients, "bad-roster");
  const degree = Math.min(terms.neighbours, clients - 1);
  insist(isPrivate(clients, degree, terms.threshold, floor), "weak-threshold");
}
